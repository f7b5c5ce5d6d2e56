"""What NAS-Bench-201 and NATS-Bench recorded of an architecture: their names for data sets and splits, and our columns.

Both store an architecture's trainings as ``ArchResults`` of ``ResultsCount``, the classes of the ``nas-bench-201``
package, which interpret them here.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
from nas_201_api import ArchResults, ResultsCount
from numpy.typing import NDArray
from tqdm import tqdm

from surrogate_nas.errors import SurrogateNASError, TableFormatError, expected
from surrogate_nas.space import Population
from surrogate_nas.split import Split
from surrogate_nas.table.curves import ARCHITECTURES_PER_GROUP, Curve, CurveWriter, group
from surrogate_nas.table.importers.pool import in_order
from surrogate_nas.table.importers.runs import Numbers
from surrogate_nas.table.table import Column, Cost, Table

# Trained on the first 25,000 images of CIFAR-10, as official ``cifar10-valid``. Its validation accuracy is what all
# literature calls the validation accuracy of cifar10. Its test accuracy is not that of cifar10, which is measured after
# training on all 50,000 images: under one name the two would be mixed, so it has a name of its own.
CIFAR10_25K = "cifar10-25k"

# (trained on, measured on) in official names -> (data set, split) here; the only place that knows both.
NAMES: dict[tuple[str, str], tuple[str, Split]] = {
    ("cifar10-valid", "train"): (CIFAR10_25K, Split.TRAIN),
    ("cifar10-valid", "x-valid"): ("cifar10", Split.VALID),
    ("cifar10-valid", "ori-test"): (CIFAR10_25K, Split.TEST),
    ("cifar10", "train"): ("cifar10", Split.TRAIN),
    ("cifar10", "ori-test"): ("cifar10", Split.TEST),
    ("cifar100", "train"): ("cifar100", Split.TRAIN),
    ("cifar100", "x-valid"): ("cifar100", Split.VALID),
    ("cifar100", "x-test"): ("cifar100", Split.TEST),
    ("cifar100", "ori-test"): ("cifar100", Split.VALTEST),
    ("ImageNet16-120", "train"): ("ImageNet16-120", Split.TRAIN),
    ("ImageNet16-120", "x-valid"): ("ImageNet16-120", Split.VALID),
    ("ImageNet16-120", "x-test"): ("ImageNet16-120", Split.TEST),
    ("ImageNet16-120", "ori-test"): ("ImageNet16-120", Split.VALTEST),
}
COST_DATASETS = {"cifar10-valid": CIFAR10_25K}  # official name -> ours, where they differ, for costs

CONSISTENT_SEED = 888  # whose FLOPs and parameters are right where the seeds' differ (nats_bench, get_compute_costs)


Source = TypeVar("Source")
States = Callable[[Source], Iterable[Iterable[Mapping[str, Any]]]]


class Measured(NamedTuple):
    """What was measured of n architectures that follow each other in a table.

    Attributes:
        n: how many.
        columns, costs: (n,) each, as of a table.
        curves: a group of a ``CurveWriter``.
    """

    n: int
    columns: dict[Column, NDArray[np.float64]]
    costs: dict[Cost, NDArray[np.float64]]
    curves: pa.Table


def table_of(
    name: str,
    population: Population,
    sources: Iterable[Source],
    states: States[Source],
    provenance: Mapping[str, Any],
    curves: CurveWriter,
) -> Table:
    """Return the table of n architectures, and write their learning curves.

    Args:
        name: of the table.
        population: the n architectures, in alphabetical order of the texts.
        sources: of their records, in the same order, each of a group of ``curves.ARCHITECTURES_PER_GROUP``.
        states: yields for each architecture of a source the state of an ``ArchResults`` for each length of training.
            It may do so in another process.
        provenance: what the table says about its source.
        curves: where the learning curves go.

    Raises:
        TableFormatError: a record has another form, or is of another architecture.
    """
    n, row = len(population), 0
    columns: dict[Column, NDArray[np.float64]] = {}
    costs: dict[Cost, NDArray[np.float64]] = {}
    groups = [
        population.texts[start : start + ARCHITECTURES_PER_GROUP] for start in range(0, n, ARCHITECTURES_PER_GROUP)
    ]
    parts = in_order(partial(_read, states), zip(sources, groups, strict=True), len(groups))
    with tqdm(total=n, unit="architecture", desc=name) as progress, contextlib.closing(parts):
        for part in parts:
            rows = slice(row, row := row + part.n)
            _keep(columns, part.columns, rows, n)
            _keep(costs, part.costs, rows, n)
            curves.add(part.curves)
            progress.update(part.n)
    return Table(name, population, columns, provenance, costs=costs)


def _read(states: States[Source], task: tuple[Source, Sequence[str]]) -> Measured:
    """Return what the records of one source, which are of the architectures given, say."""
    source, texts = task
    n = len(texts)
    columns: dict[Column, NDArray[np.float64]] = {}
    costs: dict[Cost, NDArray[np.float64]] = {}
    curves: dict[str, list[Curve]] = {}
    for row, (text, of_lengths) in enumerate(zip(texts, states(source), strict=True)):
        values, known, curves[text] = _interpreted(of_lengths, text)
        _keep(columns, values, row, n)
        _keep(costs, known, row, n)
    return Measured(n, columns, costs, group(curves))


Key = TypeVar("Key", Column, Cost)


def _keep(
    target: dict[Key, NDArray[np.float64]], values: Mapping[Key, float | NDArray[np.float64]], rows: int | slice, n: int
) -> None:
    """Put values into the rows that they belong to, of the n that every column has."""
    for key, value in values.items():
        if key not in target:
            target[key] = np.full(n, np.nan)
        target[key][rows] = value


def _interpreted(
    states: Iterable[Mapping[str, Any]], text: str
) -> tuple[dict[Column, float], dict[Cost, float], list[Curve]]:
    """Return the measurements after the last epoch, the costs and the learning curves of one architecture."""
    values: dict[Column, float] = {}
    costs: dict[Cost, float] = {}
    curves: list[Curve] = []
    try:
        for state in states:
            results = _results(state, text)
            costs |= _costs(results)
            for curve, train_seconds in _measured(results):
                values |= _values_of(curve, train_seconds)
                if not np.isnan(curve.accuracy[:-1]).all():  # of some, the source has only the last epoch
                    curves.append(curve)
    except SurrogateNASError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, AssertionError, ArithmeticError) as error:
        raise TableFormatError(
            f"the record of {text} has not the form of NAS-Bench-201's ({type(error).__name__}: {error}). "
            "Take the file from its authors again."
        ) from error
    return values, costs, curves


def _results(state: Mapping[str, Any], text: str) -> ArchResults:
    results = ArchResults.create_from_state_dict(dict(state))
    if results.arch_str != text:
        raise TableFormatError(
            f"the record of {text} is one of {results.arch_str}: files were swapped or renamed. "
            "Take them from their authors again."
        )
    return results


def _measured(results: ArchResults) -> Iterator[tuple[Curve, NDArray[np.float64] | None]]:
    """Yield what was measured on each split of each training, and the (epochs,) seconds of that training."""
    for trained_on in results.get_dataset_names():
        for seed in results.get_dataset_seeds(trained_on):
            run = results.query(trained_on, seed)
            train_seconds = _seconds(run.train_times, range(run.epochs))
            for measured_on in ("train", *run.eval_names):
                key = (*_ours(trained_on, measured_on), int(run.epochs), int(seed))
                yield Curve(*key, *_curve(run, measured_on, train_seconds)), train_seconds


def _values_of(curve: Curve, train_seconds: NDArray[np.float64] | None) -> dict[Column, float]:
    """Return what is kept of a curve: its end, and how long the training and the evaluations took."""
    key = curve[:4]
    values = {Column("accuracy", *key): curve.accuracy[-1], Column("loss", *key): curve.loss[-1]}
    if train_seconds is not None:
        values[Column("train_seconds", *key)] = sum(train_seconds.tolist())
    if curve.split is not Split.TRAIN and curve.seconds is not None:
        values[Column("evaluation_seconds", *key)] = sum(curve.seconds.tolist())
    return values


def _ours(trained_on: str, measured_on: str) -> tuple[str, Split]:
    if (trained_on, measured_on) not in NAMES:
        known = [f"{measured} of {trained}" for trained, measured in NAMES]
        raise TableFormatError(expected("result", f"{measured_on} of {trained_on}", known))
    return NAMES[trained_on, measured_on]


def _curve(
    run: ResultsCount, measured_on: str, train_seconds: NDArray[np.float64] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64] | None]:
    """Return (epochs,) accuracies, losses and seconds; NaN after epochs of which nothing was kept."""
    epochs = range(run.epochs)
    if measured_on == "train":
        return _values(run.train_acc1es, epochs), _values(run.train_losses, epochs), train_seconds
    keys = _epoch_keys(measured_on, run.epochs)
    return _values(run.eval_acc1es, keys), _values(run.eval_losses, keys), _seconds(run.eval_times, keys)


@lru_cache
def _epoch_keys(measured_on: str, epochs: int) -> tuple[str, ...]:
    return tuple(sys.intern(f"{measured_on}@{epoch}") for epoch in range(epochs))  # as those of runs are


def _values(by_epoch: Mapping[Any, float], keys: Sequence[Any]) -> NDArray[np.float64]:
    if isinstance(by_epoch, Numbers):
        return by_epoch.at(keys)
    return np.array([*map(by_epoch.get, keys)], dtype=np.float64)  # NaN for None, which stands for what is missing


def _seconds(by_epoch: Mapping[Any, float] | None, keys: Sequence[Any]) -> NDArray[np.float64] | None:
    """Return (epochs,) seconds, or None where not every epoch's are known."""
    values = _values({} if by_epoch is None else by_epoch, keys)
    return None if np.isnan(values).any() else values


def _costs(results: ArchResults) -> dict[Cost, float]:
    """Return what no training changes; a latency that was not measured is recorded as -1."""
    costs: dict[Cost, float] = {}
    for trained_on in results.get_dataset_names():
        dataset = COST_DATASETS.get(trained_on, trained_on)
        runs = results.query(trained_on)
        costs[Cost("parameters_millions", dataset)] = _agreed({seed: run.params for seed, run in runs.items()})
        costs[Cost("flops_millions", dataset)] = _agreed({seed: run.flop for seed, run in runs.items()})
        latencies = [seconds for seconds in (run.get_latency() for run in runs.values()) if seconds > 0]
        if latencies:
            costs[Cost("latency_seconds", dataset)] = sum(latencies) / len(latencies)
    return costs


def _agreed(by_seed: Mapping[int, float]) -> float:
    """Return the value that all seeds record; where they differ in five decimals, that of the seed that is right."""
    if len({f"{value:.5f}" for value in by_seed.values()}) > 1:
        return float(by_seed[CONSISTENT_SEED])
    return float(sum(by_seed.values()) / len(by_seed))
