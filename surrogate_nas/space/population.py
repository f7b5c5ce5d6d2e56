"""A population: n architectures as one immutable matrix of decisions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surrogate_nas.errors import InvalidArchitectureError

if TYPE_CHECKING:
    from surrogate_nas.space.base import SearchSpace


@dataclass(frozen=True, eq=False)
class Population:
    """n architectures of one space; slicing gives a Population, and one architecture is a Population of one.

    Attributes:
        space: the search space of every row.
        decisions: (n, k) int8, read-only; entry (i, j) is the option that architecture i takes in decision j.

    Raises:
        InvalidArchitectureError: the matrix has another width than the space, or an option that does not exist.
    """

    space: SearchSpace
    decisions: NDArray[np.int8]

    def __post_init__(self) -> None:
        matrix = np.asarray(self.decisions)
        options = self.space.options
        if matrix.ndim != 2 or matrix.shape[1] != len(options):
            raise InvalidArchitectureError(
                f"decisions of space {self.space.name!r} are a matrix of shape (n, {len(options)}), got {matrix.shape}."
            )
        if not np.issubdtype(matrix.dtype, np.integer):
            raise InvalidArchitectureError(f"decisions are integers, got dtype {matrix.dtype}.")
        outside = (matrix < 0) | (matrix >= options)
        if outside.any():
            row, column = np.argwhere(outside)[0]
            raise InvalidArchitectureError(
                f"decision {column} of space {self.space.name!r} takes options 0 to {options[column] - 1}, "
                f"got {matrix[row, column]} in row {row}."
            )
        matrix = np.ascontiguousarray(matrix, dtype=np.int8)
        if matrix.flags.writeable:
            matrix = matrix.copy()
            matrix.flags.writeable = False
        object.__setattr__(self, "decisions", matrix)

    def __len__(self) -> int:
        return len(self.decisions)

    def __getitem__(self, rows: int | slice | ArrayLike) -> Population:
        if isinstance(rows, int | np.integer):
            if not -len(self) <= rows < len(self):
                raise IndexError(f"row {rows} of a population of {len(self)}.")
            rows = [int(rows)]
        return self._of(self.decisions[rows if isinstance(rows, slice) else np.asarray(rows)])

    def _of(self, decisions: NDArray[np.int8]) -> Population:
        """Return a population of rows of this one, which need no check."""
        part = object.__new__(Population)
        decisions.flags.writeable = False
        object.__setattr__(part, "space", self.space)
        object.__setattr__(part, "decisions", decisions)
        return part

    def __iter__(self) -> Iterator[Population]:
        return (self[row] for row in range(len(self)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Population):
            return NotImplemented
        return self.space == other.space and np.array_equal(self.decisions, other.decisions)

    def __hash__(self) -> int:
        return hash((self.space.name, self.decisions.tobytes()))

    def __repr__(self) -> str:
        if len(self) == 1:
            return f"Population({self.space.name}: {self.text})"
        return f"Population({self.space.name}: {len(self)} architectures)"

    @property
    def texts(self) -> list[str]:
        """The text form of each architecture."""
        return self.space.format(self)

    @property
    def text(self) -> str:
        """The text form of the one architecture in this population."""
        (text,) = self.texts
        return text

    @cached_property
    def index(self) -> NDArray[np.int64]:
        """(n,) position of each architecture in ``space.enumerate()``, read-only."""
        index = self.space.index(self)
        index.flags.writeable = False
        return index

    @property
    def key(self) -> NDArray[np.int64]:
        """(n,) equal exactly for architectures that compute the same function."""
        return self.space.key(self)

    def isin(self, other: Population) -> NDArray[np.bool_]:
        """Return (n,) whether each architecture is also in ``other``."""
        return np.isin(self.index, other.index)


def concatenate(populations: Iterable[Population]) -> Population:
    """Return the architectures of all populations, one after another; all must share one space."""
    parts = list(populations)
    spaces = {part.space.name for part in parts}
    if len(spaces) != 1:
        raise InvalidArchitectureError(
            f"populations of one space can be joined, got spaces {sorted(spaces) or 'none'}."
        )
    return Population(parts[0].space, np.concatenate([part.decisions for part in parts]))


def distinct(population: Population) -> Population:
    """Return each architecture once, in the order of the first of its kind."""
    first = np.unique(population.index, return_index=True)[1]
    return population[np.sort(first)]
