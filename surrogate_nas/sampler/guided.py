"""A search that knows other tasks: they say where it begins and what its predictor expects."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.predictor.base import Predictor
from surrogate_nas.predictor.targets import TargetScale
from surrogate_nas.predictor.transfer import Transfer
from surrogate_nas.sampler.base import History
from surrogate_nas.sampler.surrogate import Surrogate, choose, default_predictor
from surrogate_nas.space import Population


class Guided(Surrogate):
    """The surrogate sampler with other tasks before it.

    The first architectures are those that the other tasks promise most of; afterwards the labels tell how much the
    other tasks count, down to nothing (``Transfer``).

    Args:
        sources: fitted predictors of other tasks.
        starts: architectures measured before the predictor is asked.
    """

    def __init__(self, sources: list[Predictor], *, starts: int = 4) -> None:
        super().__init__(predictor=Transfer(default_predictor(), sources), starts=starts)
        self.sources = sources

    def propose(self, n: int, history: History, *, rng: np.random.Generator) -> Population:
        """Return n unmeasured candidates: at the start the best of other tasks, then what the predictor promises."""
        missing = self.starts - len(history.succeeded)
        if missing <= 0:
            return super().propose(n, history, rng=rng)
        promise = sum(_scores(source, history.candidates) for source in self.sources)
        near = history.candidates.isin(history.population)
        for measured in history.space.represent(history.population).decisions:
            differ = (history.space.represent(history.candidates).decisions != measured).sum(axis=1)
            near |= differ <= 1  # tells little that the measured one does not
        promise = np.where(near, -np.inf, promise)
        return history.candidates[choose(min(n, missing), history, promise, rng)]


def _scores(source: Predictor, population: Population) -> NDArray[np.float64]:
    """Return (n,) what a source expects, on a scale that all sources share."""
    mean = source.predict(population).mean
    return TargetScale.fit(mean, source.target).score(mean)
