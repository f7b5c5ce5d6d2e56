"""Edge-labelled cells: every edge of a complete DAG carries an operation, every node sums its incoming edges."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.errors import InvalidArchitectureError
from surrogate_nas.space.base import Decision, Graphs, SearchSpace
from surrogate_nas.space.population import Population

Edge = tuple[int, int]

# The operations that are convolutions (ReLU, convolution, batch normalisation), by their kernel size in pixels.
KERNEL_SIZES = {"nor_conv_1x1": 1, "nor_conv_3x3": 3}


@dataclass(frozen=True)
class CellSpace(SearchSpace):
    """All cells over one list of operations.

    Attributes:
        name: the name of the space.
        operations: what an edge may carry; two of them have a meaning beyond their name:
        zero: the operation without output.
        identity: the operation that passes its input on.
        nodes: number of nodes; node 0 is the input, the last one the output.
    """

    name: str
    operations: tuple[str, ...]
    zero: str = "none"
    identity: str = "skip_connect"
    nodes: int = 4

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """(source, target) of each decision, ordered by target and then by source."""
        return tuple((source, target) for target in range(1, self.nodes) for source in range(target))

    @cached_property
    def decisions(self) -> tuple[Decision, ...]:  # type: ignore[override]
        """One decision an edge: its operation."""
        return tuple(Decision(f"edge_{source}_{target}", self.operations) for source, target in self.edges)

    @cached_property
    def _fields(self) -> list[dict[str, int]]:
        return [{f"{name}~{source}": i for i, name in enumerate(self.operations)} for source, _ in self.edges]

    def parse_one(self, text: str) -> list[int]:
        """Return the operation of each edge of ``|op~0|+|op~0|op~1|+|op~0|op~1|op~2|`` (NAS-Bench-201's form)."""
        if isinstance(text, str):
            fields = text.strip("|").replace("|+|", "|").split("|")
            options = [known.get(field, -1) for known, field in zip(self._fields, fields, strict=False)]
            if len(fields) == len(self.edges) and -1 not in options and self._join(fields) == text:
                return options
        form = self._join([f"op~{source}" for source, _ in self.edges])
        raise InvalidArchitectureError(
            f"{text!r} is no architecture of space {self.name!r}. Expected {form} with op one of "
            f"{', '.join(self.operations)}."
        )

    def _join(self, fields: list[str]) -> str:
        groups, start = [], 0
        for target in range(1, self.nodes):
            groups.append("|" + "|".join(fields[start : start + target]) + "|")
            start += target
        return "+".join(groups)

    def format(self, population: Population) -> list[str]:
        """Return NAS-Bench-201's text of each architecture."""
        self.check(population)
        names = [[f"{name}~{source}" for name in self.operations] for source, _ in self.edges]
        rows = population.decisions.tolist()
        return [self._join([field[option] for field, option in zip(names, row, strict=True)]) for row in rows]

    def labelled_edges(self, architecture: Population) -> tuple[tuple[int, int, str], ...]:
        """Return the (source, target, operation) triples of the one architecture given."""
        self.check(architecture)
        (row,) = architecture.decisions
        return tuple((*edge, self.operations[option]) for edge, option in zip(self.edges, row, strict=True))

    def live(self, population: Population) -> NDArray[np.bool_]:
        """Return (n, k) whether an edge lies on a path from the input to the output that no zero cuts."""
        self.check(population)
        passes = population.decisions != self.operations.index(self.zero)
        fed = np.zeros((len(population), self.nodes), dtype=bool)
        used = fed.copy()
        fed[:, 0] = used[:, -1] = True
        for column, (source, target) in enumerate(self.edges):
            fed[:, target] |= passes[:, column] & fed[:, source]
        for column, (source, target) in reversed(list(enumerate(self.edges))):
            used[:, source] |= passes[:, column] & used[:, target]
        sources, targets = np.array(self.edges).T
        return np.asarray(passes & fed[:, sources] & used[:, targets])

    def key(self, population: Population) -> NDArray[np.int64]:
        """Return (n,) hashes of the computed expression.

        A node's value is a multiset of terms, and its hash the sum of theirs modulo 2^64: the order of a sum does not
        matter, an identity adds the terms of its source, a zero adds nothing, and an operation on nothing is nothing.
        Any other operation makes one term out of its source's value. Unequal expressions collide with probability about
        2^-64 a pair; for the spaces of this package a test compares the classes with those of a symbolic evaluation.
        """
        self.check(population)
        values = np.zeros((len(population), self.nodes), dtype=np.uint64)
        values[:, 0] = _mix(np.ones(1))
        for column, (source, target) in enumerate(self.edges):
            option = population.decisions[:, column]
            term = _mix(values[:, source] ^ _mix(option + 2))
            term = np.where(option == self.operations.index(self.identity), values[:, source], term)
            term[(option == self.operations.index(self.zero)) | (values[:, source] == 0)] = 0
            values[:, target] += term
        hashes: NDArray[np.int64] = values[:, -1].view(np.int64)
        return hashes

    @cached_property
    def simplicity(self) -> NDArray[np.int64]:
        """(size,) number of edges that are not zero."""
        return np.asarray((self._all.decisions != self.operations.index(self.zero)).sum(axis=1))

    def graphs(self, population: Population) -> Graphs:
        """Return a node for the input, each edge and the output; edges that are not live are absent nodes."""
        live = self.live(population)
        n, k = live.shape
        operations = np.full((n, k + 2), -1, dtype=np.int8)
        operations[:, 0], operations[:, -1] = 0, 1
        operations[:, 1:-1] = np.where(live, population.decisions + 2, -1)
        reads = np.zeros((k + 2, k + 2), dtype=bool)
        for column, (source, target) in enumerate(self.edges):
            reads[0, column + 1] = source == 0
            reads[column + 1, -1] = target == self.nodes - 1
            for later, (start, _) in enumerate(self.edges):
                reads[column + 1, later + 1] |= start == target
        present = operations >= 0
        adjacency = reads & present[:, :, None] & present[:, None, :]
        return Graphs(("input", "output", *self.operations), operations, adjacency)


def _mix(x: NDArray[Any]) -> NDArray[np.uint64]:
    """Return splitmix64 of each value (Steele et al., "Fast splittable pseudorandom number generators", 2014)."""
    mixed = x.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
