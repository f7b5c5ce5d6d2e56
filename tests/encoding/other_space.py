"""A search space that has no cells: two decisions and nothing else."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.errors import InvalidArchitectureError
from surrogate_nas.space import Decision, Graphs, Population, SearchSpace


class Other(SearchSpace):
    """Pairs of letters; each computes a function of its own."""

    name = "other"
    decisions = (Decision("first", ("a", "b")), Decision("second", ("a", "b", "c")))

    def parse_one(self, text: str) -> list[int]:
        if len(text) != 2 or text[0] not in "ab" or text[1] not in "abc":
            raise InvalidArchitectureError(f"{text!r} is no pair of letters.")
        return ["abc".index(letter) for letter in text]

    def format(self, population: Population) -> list[str]:
        return ["".join("abc"[option] for option in row) for row in population.decisions]

    def key(self, population: Population) -> NDArray[np.int64]:
        return self.index(population)

    def graphs(self, population: Population) -> Graphs:
        raise NotImplementedError

    @property
    def simplicity(self) -> NDArray[np.int64]:
        return np.zeros(self.size, dtype=np.int64)


OTHER = Other()
