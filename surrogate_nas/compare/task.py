"""What methods are compared on: a table and one of its data sets."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.errors import NotMeasuredError, SettingError
from surrogate_nas.split import Split
from surrogate_nas.table import Table, load_table
from surrogate_nas.table.chosen import chosen


@dataclass(frozen=True)
class Task:
    """One column of a table.

    Attributes:
        table: its name or file.
        dataset: what was trained on.
        split: the images whose accuracy methods see.
        epochs: length of the trainings.
    """

    table: str
    dataset: str
    split: str
    epochs: int

    @property
    def name(self) -> str:
        """What results call it."""
        return f"{opened(self.table).name}:{self.dataset}"

    def labels(self) -> NDArray[np.float64]:
        """Return the (n,) accuracies in percent that methods see, NaN where there is none."""
        return opened(self.table).accuracy(dataset=self.dataset, split=self.split, epochs=self.epochs)

    def tests(self) -> NDArray[np.float64]:
        """Return the (n,) test accuracies in percent; NaN where the table has none, for nothing else stands in."""
        try:
            return opened(self.table).accuracy(dataset=self.dataset, split=Split.TEST, epochs=self.epochs)
        except NotMeasuredError:
            return np.full(len(opened(self.table)), np.nan)

    @property
    def fingerprint(self) -> str:
        """A digest of the architectures and their labels: what a table's name alone does not tell."""
        decisions = opened(self.table).population.decisions
        return hashlib.sha256(decisions.tobytes() + self.labels().tobytes() + self.tests().tobytes()).hexdigest()[:16]


def tasks(tables: Iterable[str], datasets: Iterable[str | None], *, split: str, epochs: int | None) -> list[Task]:
    """Return a task for each table and data set.

    Args:
        tables: names or files; one like ``nb201:cifar10`` brings its data set.
        datasets: for the tables that bring none; None for the only one that a table has.
        split: the images whose accuracy methods see.
        epochs: length of the trainings; None for the longest.

    Raises:
        UnknownTableError, NotMeasuredError: there is no such table, or it holds no such column.
        SettingError: a table has several data sets and none is chosen, or a task is named twice.
    """
    datasets = list(datasets)
    pairs = [
        (table.partition(":")[0], dataset)
        for table in tables
        for dataset in ([table.partition(":")[2]] if ":" in table else datasets)
    ]
    found = [_task(table, dataset, split, epochs) for table, dataset in pairs]
    for at, task in enumerate(found):
        if task.name in [other.name for other in found[:at]]:
            raise SettingError(f"{task.name} is named twice among the tables; name each task once.")
    return found


@cache
def opened(table: str) -> Table:
    """Return a table, read once in a process."""
    return load_table(table)


def _task(name: str, dataset: str | None, split: str, epochs: int | None) -> Task:
    table, known = chosen(opened(name), dataset)
    split = Split.of(split)
    epochs = max(table.epochs(known, split)) if epochs is None else epochs
    task = Task(name, known, str(split), epochs)
    task.labels()
    return task
