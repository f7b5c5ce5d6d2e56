"""Build a table by training its architectures for real; a kill loses no finished training."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from surrogate_nas.errors import RunFolderError
from surrogate_nas.journal import append, read
from surrogate_nas.settings import integer
from surrogate_nas.space import SearchSpace
from surrogate_nas.split import Split
from surrogate_nas.table.parquet import read_table, write_table
from surrogate_nas.table.table import Column, Table
from surrogate_nas.verification.data import ImageTask
from surrogate_nas.verification.executor import Failure, Job
from surrogate_nas.verification.local import run_trainings
from surrogate_nas.verification.recipe import Recipe

WRITE_EVERY = 100  # trainings between two writings of the table file
CITATIONS = {
    "digits": "Images: E. Alpaydin, C. Kaynak: Optical Recognition of Handwritten Digits, UCI Machine Learning "
    "Repository (1998), CC BY 4.0, as shipped with scikit-learn. Cells: X. Dong, Y. Yang: NAS-Bench-201, ICLR 2020."
}
ORDER_SEED = 0  # of the random order in which the classes of a space are trained


def plan(space: SearchSpace, *, classes: int | None, seeds: Sequence[int]) -> list[Job]:
    """Return the trainings of a table: one representative of each of the first ``classes`` classes, for each seed.

    The classes of equal function come in one fixed random order, so that a partial table is a random sample and a
    larger one contains it.
    """
    representatives = space.representatives()
    order = np.random.default_rng(ORDER_SEED).permutation(len(representatives))[:classes]
    return [Job(representatives[int(at)], seed) for seed in seeds for at in order]


def plan_best(table: Table, count: int, *, seeds: Sequence[int]) -> list[Job]:
    """Return the trainings of a table's ``count`` best architectures for each seed.

    Best is what has the highest validation accuracy with the seed that most architectures were trained with, so
    repeating some of them with other seeds does not change the choice. Their recorded accuracies are the luckiest ones:
    with the other seeds they fall, on average.

    Raises:
        SettingError: the table holds fewer.
    """
    (dataset,) = table.datasets
    epochs = max(table.epochs(dataset, Split.VALID))
    by_seed = [
        table.accuracy(dataset=dataset, split=Split.VALID, epochs=epochs, seed=seed)
        for seed in table.seeds(dataset, Split.VALID, epochs)
    ]
    values = max(by_seed, key=lambda column: int((~np.isnan(column)).sum()))
    integer("--best", count, least=1, most=int((~np.isnan(values)).sum()), why=" (what the table holds)")
    order = np.argsort(-values, kind="stable")[:count]  # NaN comes last
    return [Job(table.population[int(at)], seed) for seed in seeds for at in order]


def provenance(data: str, make_task: Callable[[], ImageTask], recipe_name: str, recipe: Recipe) -> dict[str, Any]:
    """Return what a built table says about itself: enough to repeat any of its trainings.

    Args:
        data: name in the configuration's group ``data``.
        make_task: makes the images; a function or a partial one, whose settings are recorded.
        recipe_name: name in the configuration's group ``recipe``.
        recipe: how is trained.
    """
    function = make_task.func if isinstance(make_task, partial) else make_task
    defaults = {name: parameter.default for name, parameter in inspect.signature(function).parameters.items()}
    chosen = make_task.keywords if isinstance(make_task, partial) else {}
    return {
        "version": "1",
        "source": "trained by surrogate_nas",
        "licence": "MIT",
        "citation": CITATIONS.get(data, ""),
        "training": {
            "data": data,
            "data_settings": {name: chosen.get(name, default) for name, default in defaults.items()},
            "recipe": recipe_name,
            "recipe_settings": asdict(recipe),
        },
    }


def build_table(
    path: Path,
    jobs: Sequence[Job],
    make_task: Callable[[], ImageTask],
    recipe: Recipe,
    *,
    name: str,
    dataset: str,
    provenance: Mapping[str, Any],
    workers: int | None = None,
    device: str = "auto",
) -> Table:
    """Train what the table at ``path`` does not hold yet, and return the whole table.

    Each finished training is appended to a journal beside the table before the next begins, and merged into the table
    every hundred trainings and at the end, also after Ctrl-C.

    Raises:
        RunFolderError: the table at ``path`` was built with other settings.
    """
    journal = path.with_name(path.name + ".journal")
    table = _existing(path, provenance)
    path.parent.mkdir(parents=True, exist_ok=True)
    records = _records(table) | {_identity(record): record for record in read(journal)}
    todo = [job for job in jobs if (job.architecture.text, job.seed, recipe.epochs) not in records]
    space = jobs[0].architecture.space
    results = run_trainings(todo, make_task, recipe, workers=workers, device=device)
    progress = tqdm(total=len(jobs), initial=len(jobs) - len(todo), unit="training", desc=name)
    unmerged = 0
    try:
        with progress:
            for result in results:
                progress.update()
                if isinstance(result, Failure):
                    progress.write(result.reason)
                    continue
                record = {
                    "architecture": result.architecture,
                    "seed": result.seed,
                    "epochs": result.epochs,
                    "accuracy": {str(split): value for split, value in result.accuracy.items()},
                    "seconds": round(result.seconds, 3),
                }
                append(journal, record)
                records[_identity(record)] = record
                unmerged += 1
                if unmerged % WRITE_EVERY == 0:
                    write_table(_to_table(records.values(), space, name, dataset, provenance), path)
    finally:
        if records:
            write_table(_to_table(records.values(), space, name, dataset, provenance), path)
        journal.unlink(missing_ok=True)
    return read_table(path)


def _identity(record: Mapping[str, Any]) -> tuple[str, int, int]:
    return record["architecture"], record["seed"], record["epochs"]


def _existing(path: Path, provenance: Mapping[str, Any]) -> Table | None:
    if not path.exists():
        return None
    table = read_table(path)
    if dict(table.provenance) != dict(provenance):
        raise RunFolderError(
            f"{path} was built with other settings ({json.dumps(dict(table.provenance), sort_keys=True)}); "
            "its trainings cannot be continued with these. Build to another file."
        )
    return table


def _records(table: Table | None) -> dict[tuple[str, int, int], dict[str, Any]]:
    """Return the trainings of a table, as the journal tells them."""
    records: dict[tuple[str, int, int], dict[str, Any]] = {}
    if table is None:
        return records
    texts = table.population.texts
    for column, values in table.columns.items():
        for row in np.flatnonzero(~np.isnan(values)):
            identity = (texts[row], column.seed, column.epochs)
            record = records.setdefault(identity, dict(zip(("architecture", "seed", "epochs"), identity, strict=True)))
            if column.measure == "accuracy":
                record.setdefault("accuracy", {})[str(column.split)] = float(values[row])
            else:
                record["seconds"] = float(values[row])
    return records


def _to_table(
    records: Iterable[Mapping[str, Any]], space: SearchSpace, name: str, dataset: str, provenance: Mapping[str, Any]
) -> Table:
    records = list(records)
    population = space.parse([record["architecture"] for record in records])
    distinct, rows = np.unique(population.index, return_inverse=True)
    columns: dict[Column, Any] = {}
    for row, record in zip(rows, records, strict=True):
        for split, accuracy in record["accuracy"].items():
            for measure, value in (("accuracy", accuracy), ("train_seconds", record["seconds"])):
                column = Column(measure, dataset, Split(split), record["epochs"], record["seed"])
                columns.setdefault(column, np.full(len(distinct), np.nan))[row] = value
    return Table(name, space.at(distinct), columns, provenance, by_function=True)
