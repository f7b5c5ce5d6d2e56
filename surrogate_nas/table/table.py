"""What was measured: aligned columns over one population."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surrogate_nas.errors import NotMeasuredError, SettingError, TableFormatError, expected
from surrogate_nas.space import Population, SearchSpace
from surrogate_nas.split import Split

if TYPE_CHECKING:
    import pandas

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
        identity = self.population.key if self.by_function else self.population.index
        if len(np.unique(identity)) != len(self.population):
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

    @overload
    def query(
        self,
        architectures: str,
        *,
        dataset: str,
        split: Split | str,
        epochs: int | None = None,
        seed: int | None = None,
        measure: Measure = "accuracy",
    ) -> float: ...

    @overload
    def query(
        self,
        architectures: Population | list[str],
        *,
        dataset: str | ArrayLike,
        split: str | ArrayLike,
        epochs: ArrayLike | None = None,
        seed: ArrayLike | None = None,
        measure: Measure = "accuracy",
    ) -> NDArray[np.float64]: ...

    def query(
        self,
        architectures: str | Population | list[str],
        *,
        dataset: str | ArrayLike,
        split: str | ArrayLike,
        epochs: ArrayLike | None = None,
        seed: ArrayLike | None = None,
        measure: Measure = "accuracy",
    ) -> float | NDArray[np.float64]:
        """Return what was measured of one architecture given by its text, or (m,) values of m queries.

        NaN where an architecture was not measured, as in ``accuracy``. Each of the other arguments is one value for
        all queries, or (m,) of them; a million queries at a time take some 30 ms, as many single ones some seconds.

        Args:
            architectures: one text; or m architectures, as a population (fast) or as texts.
            dataset: what was trained on.
            split: the images that were measured.
            epochs: length of the training; None for the longest.
            seed: of the training; None for the mean over the recorded seeds.
            measure: one of ``MEASURES``, in the unit that ``Column`` tells.

        Raises:
            NotMeasuredError: the table has no such column; nothing falls back to another one.
            InvalidArchitectureError: a text is no architecture of the space, or the population of another one.
            SettingError: an argument has another length than there are architectures.
        """
        if isinstance(architectures, str):
            row = self.row_of.item(self.space.position(architectures))
            return self.column(measure, dataset, split, epochs, seed).item(row) if row >= 0 else np.nan  # type: ignore[arg-type]
        from surrogate_nas.table.query import query

        population = architectures if isinstance(architectures, Population) else self.space.parse(architectures)
        return query(self, population, measure, dataset=dataset, split=split, epochs=epochs, seed=seed)

    def column(
        self, measure: Measure, dataset: str, split: Split | str, epochs: int | None, seed: int | None
    ) -> NDArray[np.float64]:
        """Return the (n,) values of a measure, as ``accuracy`` does of that one; remembered for the next question.

        Raises:
            NotMeasuredError: the table has no such column; nothing falls back to another one.
        """
        question = (measure, dataset, split, epochs, seed)
        try:
            return self._answers[question]
        except KeyError:
            answer = self._values(measure, dataset, Split.of(split), epochs, seed)
            return self._answers.setdefault(question, answer)

    @cached_property
    def _answers(self) -> dict[tuple[object, ...], NDArray[np.float64]]:
        return {}

    def to_pandas(self) -> pandas.DataFrame:
        """Return the rows in the long form of the table's file: a row for each architecture and training.

        Raises:
            SettingError: pandas is not installed.
        """
        from surrogate_nas.table.parquet import to_long

        try:
            return to_long(self).to_pandas()
        except ModuleNotFoundError as error:
            raise SettingError("to_pandas needs pandas; install surrogate-nas[pandas].") from error

    def find(self, population: Population) -> NDArray[np.int64]:
        """Return (n,) the row of each architecture, -1 where the table does not hold it."""
        return self.row_of.take(self.space.index(population))

    @cached_property
    def row_of(self) -> NDArray[np.int64]:
        """(size,) row of each architecture in ``space.enumerate()``, -1 where the table does not hold it."""
        if not self.by_function:
            rows = np.full(self.space.size, -1)
            rows[self.population.index] = np.arange(len(self))
            return rows
        held = self.population.key
        order = np.argsort(held)
        wanted = self.space.enumerate().key
        at = order[np.searchsorted(held[order], wanted).clip(max=len(held) - 1)]
        return np.where(held[at] == wanted, at, -1)

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
