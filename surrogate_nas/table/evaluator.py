"""Measure architectures by looking them up: what a search on a table pays with."""

from __future__ import annotations

import copy

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.errors import NotMeasuredError
from surrogate_nas.space import Population
from surrogate_nas.split import Split
from surrogate_nas.table.table import Table


class TableEvaluator:
    """Answers with one column of a table.

    Args:
        table: where to look.
        dataset, split, epochs, seed: which column; None for the longest training, and for the mean over seeds.

    Attributes:
        candidates: the architectures that were measured in this column.

    Raises:
        NotMeasuredError: the table has no such column.
    """

    def __init__(
        self,
        table: Table,
        *,
        dataset: str,
        split: Split | str = Split.VALID,
        epochs: int | None = None,
        seed: int | None = None,
    ) -> None:
        values = table.accuracy(dataset=dataset, split=split, epochs=epochs, seed=seed)
        epochs = epochs or max(table.epochs(dataset, Split.of(split)))
        seconds = table.train_seconds(dataset=dataset, epochs=epochs, split=split)
        self.table = table
        self.rows = np.flatnonzero(~np.isnan(values))  # of each candidate in the table
        self.candidates = table.population[self.rows]
        self.values, self.seconds = values[self.rows], seconds[self.rows]

    def within(self, allowed: NDArray[np.bool_]) -> TableEvaluator:
        """Return an evaluator of those candidates only for which the (n,) answers are true."""
        fewer = copy.copy(self)
        fewer.rows, fewer.candidates = self.rows[allowed], self.candidates[allowed]
        fewer.values, fewer.seconds = self.values[allowed], self.seconds[allowed]
        return fewer

    def locate(self, population: Population) -> NDArray[np.int64]:
        """Return the (n,) position of each architecture among the candidates, -1 where it was not measured."""
        rows = self.table.find(population)
        at = np.searchsorted(self.rows, rows).clip(max=len(self.rows) - 1)
        return np.where(self.rows[at] == rows, at, -1)

    def __call__(self, architecture: Population) -> tuple[float, float]:
        """Return the accuracy in percent of one architecture and the seconds that its training took.

        Raises:
            NotMeasuredError: it was not measured.
        """
        (position,) = self.locate(architecture)
        if position < 0:
            raise NotMeasuredError(f"table {self.table.name!r} does not hold {architecture.text}.")
        return float(self.values[position]), float(self.seconds[position])
