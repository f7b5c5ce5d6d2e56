"""Architectures as they are written: what computes nothing is there, too, for it may cost time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.space.population import Population

# Prior variances of what the options of all decisions, of one, of one that is live, and of two together add to a cost.
# Devices of HELP's (Lee et al., NeurIPS 2021) that were left out in turn ask for about these.
COUNTED, WRITTEN, PAIRED = 0.1, 0.01, 0.001


def written(population: Population) -> NDArray[np.float64]:
    """Return the (n, f) features of a cost that adds up: a linear model's prior gives all of them the same variance.

    They are how many decisions take each option (where all have the same ones), which option each decision takes, as it
    is written and in the architecture that represents the function, and which two options any two decisions take.
    """
    space = population.space
    plain = _indicators(population)
    live = _indicators(space.represent(population))
    first, second = np.triu_indices(plain.shape[1], 1)
    blocks = [(WRITTEN, np.hstack([plain, live])), (PAIRED, plain[:, first] * plain[:, second])]
    if len({decision.options for decision in space.decisions}) == 1:
        blocks.insert(0, (COUNTED, plain.reshape(len(population), len(space.decisions), -1).sum(axis=1)))
    return np.hstack([np.sqrt(variance) * block for variance, block in blocks])


def _indicators(population: Population) -> NDArray[np.float64]:
    """Return (n, sum(options - 1)): 1 where a decision takes an option other than its first."""
    options = population.space.options
    columns = [population.decisions[:, [at]] == np.arange(1, count) for at, count in enumerate(options.tolist())]
    return np.hstack(columns).astype(np.float64)
