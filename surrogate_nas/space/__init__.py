"""What an architecture is."""

from __future__ import annotations

from surrogate_nas.errors import UnknownSpaceError, expected
from surrogate_nas.space.base import Decision, Graphs, SearchSpace
from surrogate_nas.space.cell import CellSpace
from surrogate_nas.space.joint import JointSpace
from surrogate_nas.space.nats_size import NATS_SIZE
from surrogate_nas.space.nb201 import NB201
from surrogate_nas.space.population import Population, concatenate, distinct
from surrogate_nas.space.transnas import TRANSNAS
from surrogate_nas.space.widths import WidthSpace

__all__ = [
    "NATS_SIZE",
    "NB201",
    "TRANSNAS",
    "CellSpace",
    "Decision",
    "Graphs",
    "JointSpace",
    "Population",
    "SearchSpace",
    "WidthSpace",
    "concatenate",
    "distinct",
    "get_space",
    "space_names",
]

_SPACES: dict[str, SearchSpace] = {space.name: space for space in (NB201, NATS_SIZE, TRANSNAS)}


def space_names() -> tuple[str, ...]:
    """Return the names of the known search spaces."""
    return tuple(_SPACES)


def get_space(name: str) -> SearchSpace:
    """Return the search space of this name.

    Raises:
        UnknownSpaceError: there is none.
    """
    if name not in _SPACES:
        raise UnknownSpaceError(expected("space", name, _SPACES))
    return _SPACES[name]
