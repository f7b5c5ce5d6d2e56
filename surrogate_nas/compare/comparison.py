"""Compare samplers by their searches, or predictors by their fits."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from joblib import cpu_count

from surrogate_nas.compare.analysis import compared_fits, compared_searches
from surrogate_nas.compare.method import methods
from surrogate_nas.compare.pool import execute_all
from surrogate_nas.compare.progress import Progress
from surrogate_nas.compare.run import FINISHED, Run
from surrogate_nas.compare.task import Task, opened, tasks
from surrogate_nas.errors import NotMeasuredError, RunFolderError, SettingError, expected
from surrogate_nas.metrics import kendall_tau
from surrogate_nas.record import Record
from surrogate_nas.settings import integer
from surrogate_nas.split import Split
from surrogate_nas.table.noise import seed_noise

METRICS = ("kendall_tau", "spearman", "precision_at_1pct", "precision_at_10")
Entry = str | Mapping[str, Any]


class Comparison(Record):
    """What ``result.json`` of a comparison holds, and the record of every run.

    Attributes:
        records: a mapping a run: its method, task, seed, status, and what it measured or scored.
    """

    records: list[dict[str, Any]]


def compare(
    *,
    tables: Sequence[str],
    datasets: Sequence[str | None] = (None,),
    samplers: Sequence[Entry] = (),
    predictors: Sequence[Entry] = (),
    seeds: int | Sequence[int] = 20,
    budget: int | Sequence[int] = 100,
    train_size: int | Sequence[int] = 78,
    protocol: str = "A",
    metric: str = "kendall_tau",
    split: str = "valid",
    epochs: int | None = None,
    target: float = 0.1,
    folder: str | Path | None = None,
    workers: int | None = None,
    time_limit: float = 600,
    progress: bool = False,
) -> Comparison:
    """Compare samplers, or predictors, on every table with every seed.

    A run that crashes, dies or exceeds its time is recorded as such and counts as the worst of its table and seed.

    Args:
        tables: names or files; ``NAME:DATASET`` brings its data set.
        datasets: for tables that bring none; None for the only one that a table has.
        samplers: names, dotted paths to classes, or mappings with ``_target_``, arguments and ``name``.
        predictors: the same, of predictors; either these or samplers.
        seeds: how many, from 0, or which.
        budget: measurements that a search may pay; of several, the standings after each are told.
        train_size: labels that a predictor is fitted to; several are compared one by one.
        protocol: how predictors are scored, see ``fit``.
        metric: what predictors are ranked by.
        split: the images whose accuracy methods see.
        epochs: length of the trainings; None for the longest.
        target: points of accuracy below the table's best label that count as reached.
        folder: where each run is kept as soon as it ends, so that the comparison can be resumed; None for nowhere.
        workers: processes at the same time, None for one a core; the results do not depend on it.
        time_limit: seconds of wall time after which a run is ended.
        progress: show a live table.

    Raises:
        SettingError: a setting is outside what is allowed.
        UnknownMethodError, UnknownTableError, NotMeasuredError: there is no such method, table or column.
        RunFolderError: the folder cannot be written, or holds runs of something else.
    """
    if bool(samplers) == bool(predictors):
        raise SettingError("compare takes either samplers=[NAME, ...] or predictors=[NAME, ...].")
    if metric not in METRICS:
        raise SettingError(expected("metric", metric, METRICS))
    if not target >= 0:
        raise SettingError(f"target is in points below the optimum and at least 0, got {target!r}.")
    if not time_limit > 0:
        raise SettingError(f"time_limit is in seconds and above 0, got {time_limit!r}.")
    kind = "sampler" if samplers else "predictor"
    chosen = methods(kind, samplers or predictors)
    on = tasks(tables, datasets, split=split, epochs=epochs)
    sizes = _sizes("budget" if samplers else "train_size", budget if samplers else train_size)
    marks = range(integer("seeds", seeds, least=1)) if isinstance(seeds, int) else [integer("seeds", s) for s in seeds]
    _check_sizes(kind, sizes, on)
    runs = [
        Run(method, task, seed, size, None if samplers else protocol)
        for size in (sizes[-1:] if samplers else sizes)
        for task in on
        for seed in marks
        for method in chosen
    ]
    workers = cpu_count() if workers is None else integer("workers", workers, least=1)
    names, labels = [method.name for method in chosen], {task.name: _facts(task) for task in on}
    with _kept(folder) as place, Progress(runs, workers, shown=progress) as ended:
        records = execute_all(runs, folder=place, workers=workers, time_limit=time_limit, ended=ended)
    if samplers:
        found = compared_searches(records, methods=names, tasks=labels, budgets=sizes, target=target)
    else:
        found = compared_fits(records, methods=names, tasks=list(labels), metric=metric)
    result = Comparison(
        kind=kind,
        methods=names,
        settings={method.name: dict(method.settings) for method in chosen},
        tasks=labels,
        seeds=list(marks),
        sizes=sizes,
        target=target,
        protocol=protocol if predictors else None,
        failed=sum(record["status"] != FINISHED for record in records),
        **found,
    )
    result.records = records
    return result


def _sizes(name: str, given: int | Sequence[int]) -> list[int]:
    sizes = [given] if isinstance(given, int) else list(given)
    if not sizes:
        raise SettingError(f"{name} is a whole number or a list of some, got an empty list.")
    return sorted({integer(name, size, least=1) for size in sizes})


def _check_sizes(kind: str, sizes: Sequence[int], on: Sequence[Task]) -> None:
    """Raise before the first run where every run would fail."""
    for task in on:
        held = int(np.isfinite(task.labels()).sum())
        name = "budget" if kind == "sampler" else "train_size"
        integer(name, sizes[-1], least=1, most=held, why=f" (the labels of {task.name})")


@contextlib.contextmanager
def _kept(folder: str | Path | None) -> Any:
    """Give a folder for the records: the one given, or one that goes away."""
    if folder is None:
        with tempfile.TemporaryDirectory() as temporary:
            yield Path(temporary)
        return
    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunFolderError(f"cannot write to the run folder {place} ({error.strerror}); choose another.") from error
    yield place


def _facts(task: Task) -> dict[str, Any]:
    """Return what a report tells of a task: where its labels come from, the best one, and their noise."""
    table, labels = opened(task.table), task.labels()
    return {
        "table": table.name,
        "dataset": task.dataset,
        "space": table.space.name,
        "split": task.split,
        "epochs": task.epochs,
        "candidates": int(np.isfinite(labels).sum()),
        "optimum": float(np.nanmax(labels)),
        "noise": _noise(task),
        "provenance": dict(table.provenance),
    }


def _noise(task: Task) -> dict[str, float] | None:
    """Return how far labels can be trusted; None where no architecture was trained with two seeds.

    ``points`` is the deviation between two trainings of architectures as good as the best label; ``kendall_tau`` is the
    rank correlation between the labels of two seeds, where the table has them.
    """
    table, column = opened(task.table), {"dataset": task.dataset, "split": task.split, "epochs": task.epochs}
    try:
        noise = seed_noise(table, **column)  # type: ignore[arg-type]  # a mapping of several types
    except NotMeasuredError:
        return None
    seeds = table.seeds(task.dataset, Split(task.split), task.epochs)
    first, second = (table.accuracy(seed=seed, **column) for seed in seeds[:2])  # type: ignore[arg-type]
    both = np.isfinite(first) & np.isfinite(second)
    return {
        "points": float(noise.at([np.nanmax(task.labels())])[0]),
        "kendall_tau": kendall_tau(first[both], second[both]),
    }
