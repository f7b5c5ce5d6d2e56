"""What a search space is: named decisions with their options, and what follows from them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.errors import InvalidArchitectureError, SettingError
from surrogate_nas.space.population import Population


@dataclass(frozen=True)
class Decision:
    """One choice that makes up an architecture."""

    name: str
    options: tuple[str, ...]


@dataclass(frozen=True)
class Graphs:
    """The operation-on-node graphs of n architectures, padded to one number of nodes.

    Attributes:
        names: the vocabulary of node operations.
        operations: (n, nodes) int8, index into ``names``; -1 where the node is absent.
        adjacency: (n, nodes, nodes) bool; entry (i, u, v) says that node v reads node u; nodes in topological order.
    """

    names: tuple[str, ...]
    operations: NDArray[np.int8]
    adjacency: NDArray[np.bool_]


class SearchSpace(ABC):
    """The architectures that can be chosen from. Everything vectorises over a Population; nothing knows a label."""

    name: str
    decisions: tuple[Decision, ...]

    @abstractmethod
    def parse_one(self, text: str) -> list[int]:
        """Return the k options that one text takes.

        Raises:
            InvalidArchitectureError: the text is no architecture of this space.
        """

    @abstractmethod
    def format(self, population: Population) -> list[str]:
        """Return the text form of each architecture."""

    @abstractmethod
    def key(self, population: Population) -> NDArray[np.int64]:
        """Return (n,) keys, equal exactly for architectures that compute the same function."""

    @abstractmethod
    def graphs(self, population: Population) -> Graphs:
        """Return the operation-on-node graph of each architecture, without what cannot influence the output."""

    @property
    @abstractmethod
    def simplicity(self) -> NDArray[np.int64]:
        """(size,) of each enumerated architecture; the least of each class of equal function represents it."""

    @cached_property
    def options(self) -> NDArray[np.int64]:
        """(k,) number of options of each decision."""
        return np.array([len(decision.options) for decision in self.decisions])

    @cached_property
    def size(self) -> int:
        """Number of architectures in the space."""
        return int(np.prod(self.options))

    @cached_property
    def _strides(self) -> NDArray[np.int64]:
        return np.append(np.cumprod(self.options[:0:-1])[::-1], 1)

    @cached_property
    def _weights(self) -> NDArray[np.float64]:
        return self._strides.astype(np.float64)

    def parse(self, texts: str | Sequence[str]) -> Population:
        """Return the architectures that the texts (or the one text) describe.

        Raises:
            InvalidArchitectureError: a text is no architecture of this space.
        """
        rows = [self.parse_one(text) for text in ([texts] if isinstance(texts, str) else texts)]
        return Population(self, np.array(rows, dtype=np.int8).reshape(-1, len(self.decisions)))

    def choose(self, options: Mapping[str, str]) -> Population:
        """Return the one architecture that takes these options, by the names of the decisions; other names are ignored.

        Raises:
            InvalidArchitectureError: a decision is missing, or takes an option that it does not have.
        """
        row = []
        for decision in self.decisions:
            option = options.get(decision.name)
            if option not in decision.options:
                raise InvalidArchitectureError(
                    f"decision {decision.name!r} of space {self.name!r} takes one of {', '.join(decision.options)}, "
                    f"got {option!r}."
                )
            row.append(decision.options.index(option))
        return Population(self, np.array([row], dtype=np.int8))

    def enumerate(self) -> Population:
        """Return every architecture, the last decision varying fastest."""
        return self._all

    @cached_property
    def _all(self) -> Population:
        return self.at(np.arange(self.size))

    def at(self, index: NDArray[np.int64]) -> Population:
        """Return the architectures at these (n,) positions of ``enumerate()``."""
        return Population(self, (np.asarray(index)[:, None] // self._strides % self.options).astype(np.int8))

    def index(self, population: Population) -> NDArray[np.int64]:
        """Return the (n,) positions in ``enumerate()``."""
        self.check(population)
        return self.rank(population.decisions)

    def rank(self, decisions: NDArray[np.int8]) -> NDArray[np.int64]:
        """Return the (n,) positions in ``enumerate()`` of (n, k) decisions of this space, which are not checked."""
        return (decisions.astype(np.float64) @ self._weights).astype(np.int64)  # exact below 2^53, and fast

    def position(self, text: str) -> int:
        """Return the position in ``enumerate()`` of the one architecture that a text describes, in microseconds.

        Raises:
            InvalidArchitectureError: the text is no architecture of this space.
        """
        position = 0
        for option, count in zip(self.parse_one(text), self._counts, strict=True):
            position = position * count + option
        return position

    @cached_property
    def _counts(self) -> list[int]:
        counts: list[int] = self.options.tolist()
        return counts

    def sample(self, n: int, *, rng: np.random.Generator, replace: bool = False) -> Population:
        """Return n architectures drawn uniformly.

        Raises:
            SettingError: more distinct architectures are asked for than the space has.
        """
        if n < 0 or (n > self.size and not replace):
            raise SettingError(f"space {self.name!r} has {self.size} architectures, cannot draw {n} distinct ones.")
        return self.at(rng.choice(self.size, size=n, replace=replace))

    def neighbours(self, population: Population) -> Population:
        """Return all architectures that differ in one decision: m = sum(options - 1) for each, block after block."""
        self.check(population)
        column = np.repeat(np.arange(len(self.options)), self.options - 1)  # (m,)
        step = np.concatenate([np.arange(1, count) for count in self.options])  # (m,)
        rows = np.repeat(population.decisions, len(column), axis=0)  # (n * m, k)
        column, step = np.tile(column, len(population)), np.tile(step, len(population))
        at = np.arange(len(rows))
        rows[at, column] = (rows[at, column] + step) % self.options[column]
        return Population(self, rows)

    @cached_property
    def _representatives(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The sorted distinct keys, and for each the position of its simplest architecture."""
        keys = self.key(self._all)
        order = np.lexsort((self.simplicity, keys))  # stable: ties keep the order of enumeration
        distinct, first = np.unique(keys[order], return_index=True)
        return distinct, order[first]

    def representatives(self) -> Population:
        """Return one architecture, the simplest, of each class of equal function."""
        return self.at(np.sort(self._representatives[1]))

    def represent(self, population: Population) -> Population:
        """Return for each architecture the one that represents its class of equal function."""
        keys, positions = self._representatives
        return self.at(positions[np.searchsorted(keys, self.key(population))])

    def check(self, population: Population) -> None:
        """Raise unless the population belongs to this space.

        Raises:
            InvalidArchitectureError: it belongs to another.
        """
        if population.space is not self and population.space != self:
            raise InvalidArchitectureError(
                f"expected architectures of space {self.name!r}, got some of space {population.space.name!r}."
            )
