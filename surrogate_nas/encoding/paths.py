"""The path encoding of cells, as published: which sequences of operations lead from the input to the output."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.encoding.features import path_edges
from surrogate_nas.errors import SettingError
from surrogate_nas.space.cell import CellSpace
from surrogate_nas.space.population import Population


def path_encoding(population: Population) -> NDArray[np.float32]:
    """Return (n, f): 1 where a cell has a path with this sequence of operations, shorter paths first.

    White, Neiswanger and Savani, "BANANAS: Bayesian optimization with neural architectures" (AAAI 2021, section 3.1).
    A zero ends a path; for NAS-Bench-201 f is 4 + 4^2 + 4^3.

    Raises:
        SettingError: the space has no cells.
    """
    space = population.space
    if not isinstance(space, CellSpace):
        raise SettingError(f"the path encoding is defined for cells, got architectures of space {space.name!r}.")
    passing = len(space.operations) - 1
    rank = np.insert(np.arange(passing), space.operations.index(space.zero), -1)  # of each operation, -1 for zero
    ranks = rank[population.decisions]  # (n, k)
    lengths = passing ** np.arange(1, space.nodes)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    encoding = np.zeros((len(population), int(offsets[-1])), dtype=np.float32)
    for path in path_edges(space).astype(bool):
        along = ranks[:, path]  # (n, edges of the path), in the order of their targets, which is that of the path
        whole = (along >= 0).all(axis=1)
        place = along @ passing ** np.arange(along.shape[1])[::-1]
        encoding[np.flatnonzero(whole), offsets[along.shape[1] - 1] + place[whole]] = 1
    return encoding
