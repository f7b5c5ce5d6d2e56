"""What NAS-Bench-201 and NATS-Bench recorded of an architecture: their names for data sets and splits, and our columns.

Both store an architecture's trainings as ``ArchResults`` of ``ResultsCount``, the classes of the ``nas-bench-201``
package, which interpret them here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from nas_201_api import ArchResults, ResultsCount
from numpy.typing import NDArray

from surrogate_nas.errors import SurrogateNASError, TableFormatError, expected
from surrogate_nas.space import Population
from surrogate_nas.split import Split
from surrogate_nas.table.curves import Curve, CurveWriter
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
COST_DATASETS = {"cifar10-valid": CIFAR10_25K}  # official name -> ours, where they differ

CONSISTENT_SEED = 888  # whose FLOPs and parameters are right where the seeds' differ (nats_bench, get_compute_costs)
Records = Iterable[tuple[int, list[Mapping[str, Any]]]]


def table_of(
    name: str, population: Population, records: Records, provenance: Mapping[str, Any], curves: CurveWriter
) -> Table:
    """Return the table of n architectures, and write their learning curves.

    Args:
        name: of the table.
        population: the n architectures.
        records: for each architecture its row in the population and the state of an ``ArchResults`` for each length of
            training, in alphabetical order of the texts.
        provenance: what the table says about its source.
        curves: where the learning curves go.

    Raises:
        TableFormatError: a record has another form, or is of another architecture.
    """
    columns: dict[Column, NDArray[np.float64]] = {}
    costs: dict[Cost, NDArray[np.float64]] = {}
    texts = population.texts

    def keep(target: dict[Any, NDArray[np.float64]], row: int) -> Callable[[Any, float], None]:
        def put(key: Any, value: float) -> None:
            target.setdefault(key, np.full(len(texts), np.nan))[row] = value

        return put

    for row, states in records:
        try:
            found: list[Curve] = []
            for state in states:
                results = _results(state, texts[row])
                _measure(results, keep(columns, row), found)
                _cost(results, keep(costs, row))
            curves.add(texts[row], found)
        except SurrogateNASError:
            raise
        except (LookupError, TypeError, ValueError, AttributeError, AssertionError, ArithmeticError) as error:
            raise TableFormatError(
                f"the record of {texts[row]} has not the form of NAS-Bench-201's ({type(error).__name__}: {error}). "
                "Take the file from its authors again."
            ) from error
    return Table(name, population, columns, provenance, costs=costs)


def _results(state: Mapping[str, Any], text: str) -> ArchResults:
    results = ArchResults.create_from_state_dict(dict(state))
    if results.arch_str != text:
        raise TableFormatError(f"the record of {text} is one of {results.arch_str}: files were swapped or renamed.")
    return results


def _measure(results: ArchResults, put: Callable[[Any, float], None], curves: list[Curve]) -> None:
    """Hand over the measurements after the last epoch, and append the learning curves."""
    for trained_on in results.get_dataset_names():
        for seed in results.get_dataset_seeds(trained_on):
            run = results.query(trained_on, seed)
            last = run.epochs - 1
            train_seconds = _seconds(run.train_times, range(run.epochs))
            for measured_on in ("train", *run.eval_names):
                key = (*_ours(trained_on, measured_on), int(run.epochs), int(seed))
                curve = Curve(*key, *_curve(run, measured_on, train_seconds))
                put(Column("accuracy", *key), curve.accuracy[last])
                put(Column("loss", *key), curve.loss[last])
                if train_seconds is not None:
                    put(Column("train_seconds", *key), sum(train_seconds))
                if measured_on != "train" and curve.seconds is not None:
                    put(Column("evaluation_seconds", *key), sum(curve.seconds))
                if not np.isnan(curve.accuracy[:last]).all():
                    curves.append(curve)


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
    keys = [f"{measured_on}@{epoch}" for epoch in epochs]
    return _values(run.eval_acc1es, keys), _values(run.eval_losses, keys), _seconds(run.eval_times, keys)


def _values(by_epoch: Mapping[Any, float], keys: Iterable[Any]) -> NDArray[np.float64]:
    return np.array([by_epoch.get(key, np.nan) for key in keys], dtype=np.float64)


def _seconds(by_epoch: Mapping[Any, float] | None, keys: Iterable[Any]) -> NDArray[np.float64] | None:
    """Return (epochs,) seconds, or None where not every epoch's are known."""
    values = _values(by_epoch or {}, keys)
    return None if np.isnan(values).any() else values


def _cost(results: ArchResults, put: Callable[[Any, float], None]) -> None:
    """Hand over what no training changes; a latency that was not measured is recorded as -1."""
    for trained_on in results.get_dataset_names():
        dataset = COST_DATASETS.get(trained_on, trained_on)
        runs = results.query(trained_on)
        put(Cost("parameters_millions", dataset), _agreed({seed: run.params for seed, run in runs.items()}))
        put(Cost("flops_millions", dataset), _agreed({seed: run.flop for seed, run in runs.items()}))
        latencies = [seconds for seconds in (run.get_latency() for run in runs.values()) if seconds > 0]
        if latencies:
            put(Cost("latency_seconds", dataset), sum(latencies) / len(latencies))


def _agreed(by_seed: Mapping[int, float]) -> float:
    """Return the value that all seeds record; where they differ in five decimals, that of the seed that is right."""
    if len({f"{value:.5f}" for value in by_seed.values()}) > 1:
        return float(by_seed[CONSISTENT_SEED])
    return float(sum(by_seed.values()) / len(by_seed))
