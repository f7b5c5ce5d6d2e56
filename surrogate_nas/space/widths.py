"""Chains of layers whose widths are chosen: nothing but the number of channels differs between architectures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.errors import InvalidArchitectureError
from surrogate_nas.space.base import Decision, Graphs, SearchSpace
from surrogate_nas.space.population import Population


@dataclass(frozen=True)
class WidthSpace(SearchSpace):
    """All chains of a fixed number of layers over one list of widths.

    Attributes:
        name: the name of the space.
        widths: the numbers of channels that a layer may have, smallest first.
        layers: the number of layers.
    """

    name: str
    widths: tuple[int, ...]
    layers: int

    @cached_property
    def decisions(self) -> tuple[Decision, ...]:  # type: ignore[override]
        """One decision a layer: its number of channels."""
        options = tuple(map(str, self.widths))
        return tuple(Decision(f"width_{layer}", options) for layer in range(self.layers))

    @cached_property
    def _option_of(self) -> dict[str, int]:
        return {str(width): option for option, width in enumerate(self.widths)}

    def parse_one(self, text: str) -> list[int]:
        """Return the width of each layer of ``8:16:24:32:40`` (NATS-Bench's form), as options."""
        if isinstance(text, str):
            options = [self._option_of.get(field, -1) for field in text.split(":")]
            if len(options) == self.layers and -1 not in options:
                return options
        raise InvalidArchitectureError(
            f"{text!r} is no architecture of space {self.name!r}. Expected {self.layers} widths joined by colons, "
            f"each one of {', '.join(map(str, self.widths))}."
        )

    def format(self, population: Population) -> list[str]:
        """Return NATS-Bench's text of each architecture."""
        self.check(population)
        return [":".join(str(self.widths[option]) for option in row) for row in population.decisions.tolist()]

    def key(self, population: Population) -> NDArray[np.int64]:
        """Return (n,) the position of each architecture: no two widths compute the same function."""
        return self.index(population)

    def represent(self, population: Population) -> Population:
        """Return the architectures themselves, without enumerating what may be too many."""
        return population

    @cached_property
    def simplicity(self) -> NDArray[np.int64]:
        """(size,) sum of the widths."""
        return np.asarray(np.array(self.widths)[self._all.decisions].sum(axis=1))

    def graphs(self, population: Population) -> Graphs:
        """Return a chain: a node for the input, one for each layer, named by its width, and one for the output."""
        self.check(population)
        nodes = self.layers + 2
        operations = np.empty((len(population), nodes), dtype=np.int8)
        operations[:, 0], operations[:, -1] = 0, 1
        operations[:, 1:-1] = population.decisions + 2
        adjacency = np.repeat(np.eye(nodes, k=1, dtype=bool)[None], len(population), axis=0)
        return Graphs(("input", "output", *(f"width_{width}" for width in self.widths)), operations, adjacency)
