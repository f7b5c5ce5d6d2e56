"""What untrained networks tell of a cell: shipped statistics of random weights on random images, never a label.

``surrogate_nas.verification.untrained`` says what they are and computes them. A few random networks tell little of one
cell that is exact; cells that are one or two decisions apart tell nearly the same, and are heard, too.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import as_file, files

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.space import NB201
from surrogate_nas.space.population import Population
from surrogate_nas.space.recast import recast

RARE = 0.01  # share of the classes at each end that is drawn in: networks whose signal dies are all alike
HOPS = 2  # decisions that cells may be apart to be heard; each distance counts as much as the cell itself


def untrained(population: Population) -> NDArray[np.float32]:
    """Return (n, s) statistics, equal for architectures that compute the same function.

    Each has mean 0 and deviation 1 over the classes of NAS-Bench-201. They are known of cells of four nodes whose
    operations are among those of NAS-Bench-201; of others there are none, s = 0. Settings beside a cell do not count.
    """
    cells = recast(population, NB201)
    if cells is None:
        return np.empty((len(population), 0), dtype=np.float32)
    keys, statistics = _shipped()
    return statistics[np.searchsorted(keys, NB201.key(cells))]


@lru_cache
def _shipped() -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the sorted (classes,) keys, and the smoothed and standardised (classes, s) statistics."""
    with as_file(files("surrogate_nas.encoding") / "untrained.npy") as path:
        raw = np.load(path, allow_pickle=False).astype(np.float64)
    keys, order = np.unique(NB201.representatives().key, return_index=True)
    member = np.unique(NB201.enumerate().key, return_inverse=True)[1]  # (size,) class of each cell, by its key
    own = _standardised(raw.clip(*np.quantile(raw, [RARE, 1 - RARE], axis=0)))[order]
    heard = [own]
    for _ in range(HOPS):
        heard.append(_of_classes(_neighbours(heard[-1][member]), member))
    return keys, _standardised(np.sum(heard, axis=0)).astype(np.float32)


def _neighbours(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the (size, s) means over the cells that differ from each cell in one decision."""
    options = NB201.options
    grid = values.reshape(*options, -1)
    total = sum(grid.sum(axis=decision, keepdims=True) - grid for decision in range(len(options)))
    return np.asarray(total / (options - 1).sum()).reshape(values.shape)


def _of_classes(values: NDArray[np.float64], member: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the (classes, s) means over the cells of each class."""
    sums = np.stack([np.bincount(member, weights=column) for column in values.T], axis=1)
    return np.asarray(sums / np.bincount(member)[:, None])


def _standardised(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((x - x.mean(axis=0)) / x.std(axis=0))
