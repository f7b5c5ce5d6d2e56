"""What untrained networks tell of a cell: shipped statistics of random weights on random images, never a label.

``surrogate_nas.verification.untrained`` says what they are and computes them. A few random networks tell little of one
cell that others would repeat; the cells around it tell nearly the same, and are heard, too. That takes a tenth of a
second, and is done once for all by

    python -m surrogate_nas.encoding.untrained RAW.npy FINISHED.npy
"""

from __future__ import annotations

import sys
from functools import lru_cache
from importlib.resources import as_file, files

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.encoding.neighbourhood import heard
from surrogate_nas.space import NB201
from surrogate_nas.space.population import Population
from surrogate_nas.space.recast import recast

RAW, FINISHED = "untrained.npy", "untrained-finished.npy"  # the latter is the former, smoothed once for all
RARE = 0.01  # share of the classes at each end that is drawn in: networks whose signal dies are all alike


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


def read(name: str) -> NDArray[np.float32]:
    """Return the (classes, s) array that the package ships under a name, a row for each class of NAS-Bench-201."""
    with as_file(files("surrogate_nas.encoding") / name) as path:
        return np.asarray(np.load(path, allow_pickle=False))


def finished(raw: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the smoothed and standardised (classes, s) statistics, of raw ones in the order of the representatives."""
    exact = raw.astype(np.float64)
    own = _standardised(exact.clip(*np.quantile(exact, [RARE, 1 - RARE], axis=0)))
    return _standardised(heard(own, NB201)).astype(np.float32)


@lru_cache
def _shipped() -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the sorted (classes,) keys and their (classes, s) statistics."""
    keys = NB201.representatives().key
    order = np.argsort(keys)
    return keys[order], read(FINISHED)[order]


def _standardised(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((x - x.mean(axis=0)) / x.std(axis=0))


if __name__ == "__main__":
    np.save(sys.argv[2], finished(np.load(sys.argv[1], allow_pickle=False)))
