"""Fit a predictor to few labels of several tasks of a table, and score each task on labels that it did not see."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from surrogate_nas.configuration import load
from surrogate_nas.errors import NotMeasuredError, SettingError, expected
from surrogate_nas.fit import LEVELS, PARTITIONS, FitResult, check_disjoint, metrics, moments
from surrogate_nas.metrics import coverage
from surrogate_nas.predictor import Prediction, Predictor
from surrogate_nas.predictor.growth import grown
from surrogate_nas.predictor.leakage import check_unseen
from surrogate_nas.predictor.targets import TargetKind
from surrogate_nas.record import Record
from surrogate_nas.settings import integer
from surrogate_nas.split import Split
from surrogate_nas.table import Table, load_table
from surrogate_nas.table.training_images import growth_to_test

ACCURACY, TRAIN_SECONDS = "accuracy", "train_seconds"
Values = NDArray[np.float64]


@dataclass(frozen=True)
class TableTask:
    """A task of a table.

    Attributes:
        name: as it was asked for.
        dataset: what was trained on.
        quantity: "accuracy" (percent), "train_seconds", or one of the table's costs, in its own unit.
        epochs: length of the trainings; None for a cost.
        labels: (n,) what may be fitted to, NaN where there is none.
        truth: (n,) what predictions are scored on, NaN where there is none.
        growth: on how many times the images of the labels networks were trained for the truth.
        seeds: (n,) how many trainings each label is the mean of.
    """

    name: str
    dataset: str
    quantity: str
    epochs: int | None
    labels: Values
    truth: Values
    growth: float
    seeds: Values

    @property
    def kind(self) -> TargetKind:
        """How a predictor learns it."""
        return "accuracy" if self.quantity == ACCURACY else "value"


def fit_tasks(
    *,
    table: str | Path | Table,
    tasks: Sequence[str],
    predictor: str | Predictor = "multitask",
    train_size: int | Sequence[int] = 78,
    protocol: str = "A",
    draws: int = 1,
    seed: int = 0,
    split: Split | str = Split.VALID,
) -> FitResult:
    """Fit a predictor to random labels of several tasks of a table, each drawn for itself, and score it on others.

    Args:
        table: a table, its name or its file.
        tasks: each ``DATASET``, ``DATASET@EPOCHS`` for a shorter training, or ``DATASET:QUANTITY`` for
            ``train_seconds`` or a cost of the table such as ``latency_seconds``.
        predictor: a name, or an unfitted predictor of several tasks, of which copies are fitted.
        train_size: labels of each task that are fitted to, or one number for all.
        protocol: "A": labels from a random half of the architectures, the same for all tasks, scored on the other half;
            "B": labels of ``split`` from anywhere, scored on the test split over the whole table. Predictions are told
            what more images do where networks were tested after training on more, as the table's source says.
        draws: how often labels are drawn and fitted to.
        seed: of the draws and the fits.
        split: the images whose accuracy is fitted to.

    Returns:
        What ``result.json`` holds (see the README), the predictor of all tasks and the predictions of the first draw.

    Raises:
        SettingError: the protocol is unknown, there are too few labels, or the predictor learns one task only.
        LeakageError: the predictor knows labels of these images already.
        UnknownTableError, UnknownMethodError: there is no such table or predictor.
        NotMeasuredError: the table has no such task.
    """
    table = table if isinstance(table, Table) else load_table(table)
    if protocol not in PARTITIONS:
        raise SettingError(expected("protocol", protocol, PARTITIONS))
    if len(tasks) < 2 or len(set(tasks)) < len(tasks):
        raise SettingError(f"tasks must be two different ones or more, got {list(tasks)}; of one task: dataset=NAME.")
    read = [_task(table, name, Split.of(split), protocol) for name in tasks]
    sizes = _sizes(train_size, read, protocol)
    integer("draws", draws, least=1)
    integer("seed", seed)
    unfitted = load("predictor", predictor) if isinstance(predictor, str) else predictor
    for task in read:
        check_unseen(unfitted, task.dataset)
    with threadpool_limits(1, user_api="blas"):
        outcomes = [
            _draw(table, read, sizes, protocol, unfitted, np.random.default_rng([seed, draw])) for draw in range(draws)
        ]
    result = FitResult(
        protocol=protocol,
        partition=PARTITIONS[protocol].format(identity="function" if table.by_function else "text"),
        predictor=unfitted.name,
        table=table.name,
        space=table.space.name,
        dataset=", ".join(dict.fromkeys(task.dataset for task in read)),
        split=str(Split.of(split)),
        epochs=", ".join(dict.fromkeys(str(task.epochs) for task in read if task.epochs)),
        draws=draws,
        seed=seed,
        tasks=[
            _summary(task, size, [outcome.tasks[position] for outcome in outcomes])
            for position, (task, size) in enumerate(zip(read, sizes, strict=True))
        ],
        relations=np.mean([outcome.relations for outcome in outcomes], axis=0).tolist(),
        seconds=moments([{"fit_seconds": outcome.seconds} for outcome in outcomes])["fit_seconds"],
    )
    result.predictor_, result.predictions = outcomes[0].predictor, outcomes[0].predictions
    return result


@dataclass(frozen=True)
class _Outcome:
    """What one draw of labels gave.

    Attributes:
        predictor: of all tasks.
        predictions: a record for each task and scored architecture.
        tasks: of each its metrics, together and alone, its coverage, and what held-out labels say of sharing.
        relations: (tasks, tasks) that the predictor found.
        seconds: of the fit to all tasks.
    """

    predictor: Any
    predictions: list[Record]
    tasks: list[dict[str, Any]]
    relations: Values
    seconds: float


def _task(table: Table, name: str, split: Split, protocol: str) -> TableTask:
    """Return what a name asks for.

    Raises:
        NotMeasuredError: the table does not hold it.
        SettingError: it cannot be scored by the protocol.
    """
    asked, _, length = str(name).partition("@")
    dataset, _, quantity = asked.partition(":")
    quantity = quantity or ACCURACY
    if dataset not in table.datasets:
        raise NotMeasuredError(f"table {table.name!r}: " + expected("data set", dataset, table.datasets))
    if quantity not in (ACCURACY, TRAIN_SECONDS):
        labels = table.cost(quantity, dataset=dataset)
        epochs = None
    else:
        lengths = table.epochs(dataset, split)
        if length and length not in map(str, lengths):
            raise NotMeasuredError(f"table {table.name!r}: " + expected("length of training (epochs)", length, lengths))
        epochs = int(length) if length else max(lengths)
        labels = (
            table.accuracy(dataset=dataset, split=split, epochs=epochs)
            if quantity == ACCURACY
            else table.train_seconds(dataset=dataset, epochs=epochs)
        )
    truth, growth = labels, 1.0
    if protocol == "B":
        if quantity != ACCURACY or split in (Split.TEST, Split.VALTEST):
            raise SettingError(f"protocol B fits to validation and scores on test accuracies; task {name!r} needs A.")
        truth = table.accuracy(dataset=dataset, split=Split.TEST, epochs=epochs)
        growth = growth_to_test(table, dataset, split)
    seeds = _seeds(table, dataset, split, epochs) if quantity == ACCURACY else np.ones(len(table))
    return TableTask(str(name), dataset, quantity, epochs, labels, truth, growth, seeds)


def _seeds(table: Table, dataset: str, split: Split, epochs: int | None) -> Values:
    """Return (n,) how many recorded trainings the mean accuracy of each architecture is of, one where nobody tells."""
    seeds = table.seeds(dataset, split, int(epochs or 0))
    columns = [table.accuracy(dataset=dataset, split=split, epochs=epochs, seed=seed) for seed in seeds]
    return np.sum([np.isfinite(column) for column in columns], axis=0).clip(min=1) if columns else np.ones(len(table))


def _sizes(train_size: int | Sequence[int], tasks: Sequence[TableTask], protocol: str) -> list[int]:
    """Return how many labels of each task are drawn.

    Raises:
        SettingError: a number is none, there are more or fewer than tasks, or there are fewer labels.
    """
    sizes = [train_size] * len(tasks) if isinstance(train_size, int) else list(train_size)
    if len(sizes) != len(tasks):
        raise SettingError(f"train_size must be one number, or one for each of {len(tasks)} tasks, got {sizes}.")
    for task, size in zip(tasks, sizes, strict=True):
        known = int(np.isfinite(task.labels).sum())
        most = known // 2 if protocol == "A" else known
        integer("train_size", size, least=1, most=most, why=f" (what protocol {protocol} may draw of {task.name})")
    return sizes


def _partition(
    table: Table, tasks: Sequence[TableTask], sizes: Sequence[int], protocol: str, rng: np.random.Generator
) -> tuple[list[NDArray[np.int64]], NDArray[np.int64]]:
    """Return the rows to fit to of each task, and the rows to score on."""
    order = rng.permutation(len(table))
    if protocol == "B":
        half = held_out = order
    else:
        half, held_out = order[: len(order) // 2], order[len(order) // 2 :]
        check_disjoint(table.population[half], table.population[held_out])
    chosen = []
    for task, size in zip(tasks, sizes, strict=True):
        known = half[np.isfinite(task.labels[half])]
        if len(known) < size:  # the half happens to hold few of a task's labels
            raise SettingError(f"this half holds {len(known)} labels of {task.name}, fewer than train_size={size}.")
        chosen.append(rng.choice(known, size, replace=False))
    return chosen, held_out


def _draw(
    table: Table,
    tasks: Sequence[TableTask],
    sizes: Sequence[int],
    protocol: str,
    unfitted: Predictor,
    rng: np.random.Generator,
) -> _Outcome:
    """Fit to one draw of labels of all tasks, and of each alone, and score."""
    chosen, held_out = _partition(table, tasks, sizes, protocol, rng)
    rows = np.unique(np.concatenate(chosen))
    targets, weights = np.full((2, len(rows), len(tasks)), np.nan)
    for position, (task, own) in enumerate(zip(tasks, chosen, strict=True)):
        at = np.searchsorted(rows, own)
        targets[at, position], weights[at, position] = task.labels[own], task.seeds[own]
    started = time.perf_counter()
    predictor = _of_kinds(unfitted, [task.kind for task in tasks])
    predictor.fit(table.population[rows], targets, weights=weights, rng=rng)
    seconds = time.perf_counter() - started
    together = predictor.predict(table.population[held_out])
    found: list[dict[str, Any]] = []
    predictions: list[Record] = []
    for position, (task, own) in enumerate(zip(tasks, chosen, strict=True)):
        known = np.isfinite(task.truth[held_out])
        scored = held_out[known]
        truth = task.truth[scored]
        sign = 1 if task.kind == "accuracy" else -1  # of costs the least are best
        cells = table.population[scored]
        said = Prediction(together.mean[known, position], together.std[known, position])
        said = grown(said, cells, growth=task.growth)
        alone = _of_kinds(unfitted, [task.kind])
        alone.fit(table.population[own], task.labels[own, None], weights=task.seeds[own, None], rng=rng)
        apart = alone.predict(cells)
        apart = grown(Prediction(apart.mean[:, 0], apart.std[:, 0]), cells, growth=task.growth)
        found.append(
            {
                "together": metrics(Prediction(sign * said.mean, said.std), sign * truth),
                "alone": metrics(Prediction(sign * apart.mean, apart.std), sign * truth),
                "sharing": {**asdict(predictor.sharing_[position]), "helped": predictor.sharing_[position].helped},
                "covered": [coverage(said.mean, said.std, truth, level) for level in LEVELS],
            }
        )
        names = ("task", "architecture", "measured", "predicted", "predicted_std")
        columns = zip([task.name] * len(truth), cells.texts, truth, said.mean, said.std, strict=True)
        predictions += [Record(zip(names, row, strict=True)) for row in columns]
    return _Outcome(predictor, predictions, found, predictor.relations_, seconds)


def _of_kinds(unfitted: Predictor, kinds: list[TargetKind]) -> Any:
    """Return an unfitted copy of a predictor for tasks of these kinds.

    Raises:
        SettingError: it learns one task only.
    """
    if not hasattr(unfitted, "importance"):
        raise SettingError(f"predictor {unfitted.name!r} learns one task; of several learns predictor=multitask.")
    settings = {**unfitted.settings(), "target": kinds}
    if len(kinds) == 1:
        settings["importance"] = None
    return type(unfitted).from_settings(settings)


def _summary(task: TableTask, size: int, draws: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return what is told of a task: means and deviations over the draws."""
    sharing = [draw["sharing"] for draw in draws]
    covered = zip(LEVELS, *(draw["covered"] for draw in draws), strict=True)
    return {
        "name": task.name,
        "dataset": task.dataset,
        "quantity": task.quantity,
        "epochs": task.epochs,
        "train_size": size,
        "growth": task.growth,
        "metrics": moments([draw["together"] for draw in draws]),
        "metrics_alone": moments([draw["alone"] for draw in draws]),
        "sharing": moments([{name: float(one[name]) for name in one if name != "labels"} for one in sharing]),
        "reliability": [{"level": level, "covered": float(np.mean(shares))} for level, *shares in covered],
    }
