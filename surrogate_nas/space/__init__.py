"""What an architecture is."""

from __future__ import annotations

from surrogate_nas.errors import UnknownSpaceError, expected
from surrogate_nas.space.base import Decision, Graphs, SearchSpace
from surrogate_nas.space.cell import CellSpace
from surrogate_nas.space.nb201 import NB201
from surrogate_nas.space.population import Population, concatenate

__all__ = ["NB201", "CellSpace", "Decision", "Graphs", "Population", "SearchSpace", "concatenate", "get_space"]

_SPACES: dict[str, SearchSpace] = {space.name: space for space in (NB201,)}


def get_space(name: str) -> SearchSpace:
    """Return the search space of this name.

    Raises:
        UnknownSpaceError: there is none.
    """
    if name not in _SPACES:
        raise UnknownSpaceError(expected("space", name, _SPACES))
    return _SPACES[name]
