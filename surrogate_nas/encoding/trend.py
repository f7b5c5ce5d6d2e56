"""How large an architecture is among those of its space: one number, along which accuracies rise in the long run."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.encoding.costs import flops
from surrogate_nas.encoding.thresholds import SPACE_ROWS
from surrogate_nas.space import Population, SearchSpace
from surrogate_nas.space.joint import JointSpace


def trend(population: Population) -> NDArray[np.float64]:
    """Return (n,) logarithms of the FLOPs of what is computed, of mean 0 and deviation 1 over the space.

    Settings beside an architecture do not count.

    Raises:
        SettingError: the space has neither cells nor chains.
    """
    if isinstance(population.space, JointSpace):
        return trend(population.space.architectures(population))
    mean, deviation = _moments(population.space)
    return np.asarray((_logarithm(population) - mean) / deviation)


@lru_cache
def _moments(space: SearchSpace) -> tuple[float, float]:
    drawn = space.at(np.random.default_rng(0).integers(space.size, size=SPACE_ROWS))
    return float(_logarithm(drawn).mean()), float(_logarithm(drawn).std())


def _logarithm(population: Population) -> NDArray[np.float64]:
    return np.asarray(np.log(flops(population.space.represent(population))))
