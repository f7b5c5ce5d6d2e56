"""What is known of a cell together with what is known of the cells around it; no label is ever among it.

An accuracy is much like those of the cells one decision away, and what a few labels tell reaches farther when it is
learned from features of the surroundings than from those of the cell alone.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from surrogate_nas.space.cell import CellSpace

HOPS = 3  # decisions that cells may be apart to be heard; each distance counts as much as the cell itself


def heard(values: NDArray[np.float64], space: CellSpace) -> NDArray[np.float64]:
    """Return the (classes, f) means of the values of each class and of those around it.

    Args:
        values: (classes, f) numbers, a row for each of ``space.representatives()``.
        space: the space of the cells.
    """
    step, total = _steps(space), values
    for _ in range(HOPS):
        values = step @ values
        total = total + values
    return np.asarray(total / (HOPS + 1))


@lru_cache
def _steps(space: CellSpace) -> csr_matrix:
    """Return (classes, classes): how many of the cells one decision away from those of a class are of each class.

    Every row adds up to one.
    """
    everything = space.enumerate()
    count, member = np.unique(space.represent(everything).index, return_inverse=True)
    around = member[space.neighbours(everything).index]
    rows = np.repeat(member, len(around) // len(member))
    counts = csr_matrix((np.ones(len(around)), (rows, around)), shape=(len(count), len(count)))
    return csr_matrix(counts.multiply(1 / counts.sum(axis=1)))
