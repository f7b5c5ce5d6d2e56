"""What was measured: aligned columns over one population."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.errors import NotMeasuredError, TableFormatError, expected
from surrogate_nas.space import Population, SearchSpace
from surrogate_nas.split import Split

MEAN = -1  # the seed under which a source publishes the mean over its seeds
MEASURES = ("accuracy", "loss", "train_seconds", "evaluation_seconds")
Measure = str  # one of MEASURES


class Column(NamedTuple):
    """What the values of one column are.

    Attributes:
        measure: "accuracy" in percent, "loss" in nats, "train_seconds" of the whole training that was measured,
            "evaluation_seconds" of all evaluations on the split during that training.
        dataset: what was trained on.
        split: the images that were measured.
        epochs: length of the training.
        seed: of the training; -1 for the published mean over seeds.
    """

    measure: Measure
    dataset: str
    split: Split
    epochs: int
    seed: int


class Cost(NamedTuple):
    """What the values of one column are that no training changes.

    Attributes:
        quantity: its name, with the unit at the end: "parameters_millions", "flops_millions", "latency_seconds", ...
        dataset: whose images and classes the network is made for.
    """

    quantity: str
    dataset: str


@dataclass(frozen=True, eq=False)
class Table:
    """Measurements of n architectures.

    Attributes:
        name: the name of the table.
        population: the n architectures, all different.
        columns: the (n,) float64 values of each column; NaN where an architecture was not measured.
        provenance: where the numbers come from: version, source, licence, citation and, for tables whose trainings can
            be repeated, the data and the recipe.
        training_seconds: (n,) seconds of a training for each (dataset, epochs), for sources that do not tell them by
            seed.
        costs: the (n,) float64 values of each cost; NaN where an architecture's is not known.
        by_function: whether a row stands for all architectures that compute the same function.

    Raises:
        TableFormatError: an architecture occurs twice, or a column has another length.
    """

    name: str
    population: Population
    columns: Mapping[Column, NDArray[np.float64]]
    provenance: Mapping[str, Any] = field(default_factory=dict)
    training_seconds: Mapping[tuple[str, int], NDArray[np.float64]] = field(default_factory=dict)
    by_function: bool = False
    costs: Mapping[Cost, NDArray[np.float64]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for column, values in (*self.columns.items(), *self.costs.items()):
            if values.shape != (len(self.population),):
                raise TableFormatError(
                    f"column {column} of table {self.name!r} has {values.shape} values "
                    f"for {len(self.population)} architectures."
                )
        if len(np.unique(self._identity(self.population))) != len(self.population):
            raise TableFormatError(f"table {self.name!r} holds an architecture more than once.")

    def __len__(self) -> int:
        return len(self.population)

    def __repr__(self) -> str:
        return (
            f"Table({self.name}: {len(self)} architectures of {self.space.name}, datasets {', '.join(self.datasets)})"
        )

    @property
    def space(self) -> SearchSpace:
        """The search space of the architectures."""
        return self.population.space

    @cached_property
    def datasets(self) -> tuple[str, ...]:
        """The names of the data sets, in alphabetical order."""
        return tuple(sorted({column.dataset for column in self.columns} | {cost.dataset for cost in self.costs}))

    def splits(self, dataset: str) -> tuple[Split, ...]:
        """Return the splits that were measured on a data set; none where the table holds only costs of it."""
        if dataset in {cost.dataset for cost in self.costs} - {column.dataset for column in self.columns}:
            return ()
        return tuple(sorted({column.split for column in self._of(dataset)}))

    def epochs(self, dataset: str, split: Split) -> tuple[int, ...]:
        """Return the lengths of training that were measured, shortest first."""
        return tuple(sorted({column.epochs for column in self._of(dataset, Split(split))}))

    def seeds(self, dataset: str, split: Split, epochs: int) -> tuple[int, ...]:
        """Return the recorded seeds, without the one that stands for their mean."""
        known = self._of(dataset, Split(split), epochs)
        return tuple(sorted({column.seed for column in known if column.seed != MEAN}))

    def accuracy(
        self, *, dataset: str, split: Split | str, epochs: int | None = None, seed: int | None = None
    ) -> NDArray[np.float64]:
        """Return (n,) accuracies in percent, NaN where an architecture was not measured.

        Args:
            dataset: what was trained on.
            split: the images that were measured.
            epochs: length of the training; None for the longest.
            seed: of the training; None for the mean over the recorded seeds.

        Raises:
            NotMeasuredError: the table has no such column; nothing falls back to another one.
        """
        return self._values("accuracy", dataset, Split.of(split), epochs, seed)

    def train_seconds(
        self, *, dataset: str, epochs: int | None = None, split: Split | str | None = None
    ) -> NDArray[np.float64]:
        """Return (n,) mean seconds of one training, NaN where the source does not tell.

        Args:
            dataset: what was trained on.
            epochs: length of the training; None for the longest.
            split: of the accuracy that the training is to give; None for validation where it is measured. NAS-Bench-201
                measures CIFAR-10's validation and test accuracy on trainings of its own, of 25,000 and 50,000 images.

        Raises:
            NotMeasuredError: the table has no such data set or length of training.
        """
        if epochs is None:
            epochs = max(column.epochs for column in self._of(dataset))
        if (dataset, epochs) in self.training_seconds:
            return self.training_seconds[dataset, epochs]
        known = {
            column.split
            for column in self._of(dataset, None if split is None else Split.of(split))
            if column.epochs == epochs and column.measure == "train_seconds"
        }
        if not known:
            return np.full(len(self), np.nan)
        chosen = Split.VALID if Split.VALID in known else min(known)
        return self._values("train_seconds", dataset, chosen, epochs, None)

    def cost(self, quantity: str, *, dataset: str) -> NDArray[np.float64]:
        """Return (n,) values of a cost that no training changes, NaN where it is not known.

        Args:
            quantity: its name, with the unit at the end, such as "flops_millions".
            dataset: whose images and classes the network is made for.

        Raises:
            NotMeasuredError: the table does not hold it.
        """
        if (quantity, dataset) not in self.costs:
            there = [f"{cost.quantity} of {cost.dataset}" for cost in sorted(self.costs)]
            raise NotMeasuredError(f"table {self.name!r}: " + expected("cost", f"{quantity} of {dataset}", there))
        return self.costs[Cost(quantity, dataset)]

    def find(self, population: Population) -> NDArray[np.int64]:
        """Return (n,) the row of each architecture, -1 where the table does not hold it."""
        self.space.check(population)
        held, rows = self._sorted_identities
        wanted = self._identity(population)
        at = np.searchsorted(held, wanted).clip(max=len(held) - 1)
        return np.where(held[at] == wanted, rows[at], -1)

    @cached_property
    def _sorted_identities(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        identities = self._identity(self.population)
        order = np.argsort(identities)
        return identities[order], order

    def _identity(self, population: Population) -> NDArray[np.int64]:
        return population.key if self.by_function else population.index

    def _of(self, dataset: str, split: Split | None = None, epochs: int | None = None) -> list[Column]:
        """Return the columns of a data set, split and length of training, or say which there are."""
        known = list(self.columns)
        wanted: list[tuple[str, object, Callable[[Column], object]]] = [
            ("data set", dataset, lambda column: column.dataset),
            ("split", split, lambda column: column.split),
            ("length of training (epochs)", epochs, lambda column: column.epochs),
        ]
        for what, value, part in wanted:
            if value is None:
                continue
            chosen = [column for column in known if part(column) == value]
            if not chosen:
                there = sorted({part(column) for column in known}, key=str)
                raise NotMeasuredError(f"table {self.name!r}: " + expected(what, str(value), there))
            known = chosen
        return known

    def _values(
        self, measure: Measure, dataset: str, split: Split, epochs: int | None, seed: int | None
    ) -> NDArray[np.float64]:
        known = [column for column in self._of(dataset, split, epochs) if column.measure == measure]
        if not known:
            raise NotMeasuredError(f"table {self.name!r} holds no {measure} of data set {dataset!r} on split {split}.")
        epochs = max(column.epochs for column in known)
        by_seed = {column.seed: self.columns[column] for column in known if column.epochs == epochs}
        if seed is None:
            if MEAN in by_seed:
                return by_seed[MEAN]
            return _mean(np.stack(list(by_seed.values())))
        if seed == MEAN or seed not in by_seed:
            raise NotMeasuredError(f"table {self.name!r}: " + expected("seed", seed, sorted(set(by_seed) - {MEAN})))
        return by_seed[seed]


def joined(name: str, tables: Sequence[Table]) -> Table:
    """Return one table of what several tables of one space measured, with the provenance of the first.

    Raises:
        TableFormatError: two of them hold the same column.
    """
    population = tables[0].space.at(np.unique(np.concatenate([table.population.index for table in tables])))
    columns: dict[Column, NDArray[np.float64]] = {}
    costs: dict[Cost, NDArray[np.float64]] = {}
    for table in tables:
        rows = table.find(population)
        for column, values in table.columns.items():
            _add(columns, column, np.where(rows >= 0, values[rows], np.nan))
        for cost, values in table.costs.items():
            _add(costs, cost, np.where(rows >= 0, values[rows], np.nan))
    return Table(name, population, columns, tables[0].provenance, costs=costs)


Key = TypeVar("Key", Column, Cost)


def _add(target: dict[Key, NDArray[np.float64]], key: Key, values: NDArray[np.float64]) -> None:
    if key in target:
        raise TableFormatError(f"{key} comes from two sources; give the one that is to be kept.")
    target[key] = values


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the (n,) mean of values (seeds, n) over the seeds that are not NaN; NaN where all are."""
    measured = ~np.isnan(values)
    total = np.where(measured, values, 0).sum(axis=0)
    count = measured.sum(axis=0)
    return np.asarray(np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0))
