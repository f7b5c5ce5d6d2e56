"""The same cells under the operations of another space."""

from __future__ import annotations

import numpy as np

from surrogate_nas.space.cell import CellSpace
from surrogate_nas.space.joint import JointSpace
from surrogate_nas.space.population import Population


def recast(population: Population, space: CellSpace) -> Population | None:
    """Return the same n cells as architectures of ``space``; None where it lacks one of their operations or nodes.

    Settings beside a cell are left out.
    """
    own = population.space
    if isinstance(own, JointSpace):
        return recast(own.architectures(population), space)
    if own == space:
        return population
    if not isinstance(own, CellSpace) or own.nodes != space.nodes or not set(own.operations) <= set(space.operations):
        return None
    options = np.array([space.operations.index(name) for name in own.operations], dtype=np.int8)
    return Population(space, options[population.decisions])
