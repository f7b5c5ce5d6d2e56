"""Fit a predictor to a few labels of a table, and score it on labels it did not see."""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from surrogate_nas.configuration import load
from surrogate_nas.errors import SettingError, expected
from surrogate_nas.metrics import coverage, kendall_tau, precision_at, regret_at_top, spearman
from surrogate_nas.predictor import Prediction, Predictor
from surrogate_nas.predictor.growth import grown
from surrogate_nas.predictor.leakage import check_unseen
from surrogate_nas.predictor.transfer import Transfer
from surrogate_nas.record import Record
from surrogate_nas.settings import integer, number
from surrogate_nas.sources import source as find_source
from surrogate_nas.space import Population
from surrogate_nas.split import Split
from surrogate_nas.table import Table
from surrogate_nas.table.chosen import chosen
from surrogate_nas.table.training_images import growth_to_test

LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)  # of the intervals whose coverage is told
PARTITIONS = {
    "A": "labels and held-out architectures are disjoint halves, by {identity}",
    "B": "all architectures are scored, also the fitted ones, on test labels that none was fitted to",
}


class FitResult(Record):
    """What ``result.json`` holds of a fit, the fitted predictor and its predictions.

    Attributes:
        predictor_: the fitted predictor of the first draw.
        predictions: of the first draw, a record for each scored architecture.
    """

    predictor_: Predictor
    predictions: list[Record]


@dataclass(frozen=True)
class Outcome:
    """A predictor fitted to one draw of labels, its predictions of the held-out ones, and how good they are.

    Attributes:
        predictor: as it was fitted.
        predictions: a record for each scored architecture.
        metrics: by name.
        covered: share of the labels inside the intervals of each of ``LEVELS``.
    """

    predictor: Predictor
    predictions: list[Record]
    metrics: dict[str, float]
    covered: list[float]


@dataclass(frozen=True)
class Task:
    """What is learned from and what is scored on.

    Attributes:
        population: n architectures.
        labels: (n,) accuracies in percent that may be fitted to, NaN where there is none.
        truth: (n,) accuracies in percent that predictions are scored on, NaN where there is none.
        protocol: "A": labels from a random half, scored on the other half; "B": labels from anywhere, scored on all.
        growth: on how many times the images of the labels networks were trained for the truth.
    """

    population: Population
    labels: NDArray[np.float64]
    truth: NDArray[np.float64]
    protocol: str
    growth: float = 1.0

    @property
    def labelled(self) -> NDArray[np.int64]:
        """Rows of the architectures that may be fitted to, in either half."""
        return np.flatnonzero(~np.isnan(self.labels))

    @property
    def drawable(self) -> int:
        """How many labels can be drawn at most."""
        return len(self.labelled) // 2 if self.protocol == "A" else len(self.labelled)


def fit(
    *,
    table: str | Path | Table,
    dataset: str | None = None,
    predictor: str | Predictor = "ensemble",
    train_size: int = 78,
    protocol: str = "A",
    draws: int = 1,
    seed: int = 0,
    split: Split | str = Split.VALID,
    epochs: int | None = None,
    sources: Sequence[str | Predictor] = (),
    growth: float | None = None,
) -> FitResult:
    """Fit a predictor to random labels of a table, and score it on others.

    Args:
        table: a table, its name or its file.
        dataset: what the architectures were trained on; may be left out where the table has one data set.
        predictor: a name, or an unfitted predictor, of which a copy is fitted.
        train_size: labels that are fitted to; 78 are 0.5 % of NAS-Bench-201.
        protocol: "A": labels from a random half of the architectures, scored on the other half's labels of the same
            split; "B": labels of ``split`` from anywhere, scored on the test split over the whole table.
        draws: how often labels are drawn and fitted to.
        seed: of the draws and the fits.
        split: the images whose accuracy is fitted to.
        epochs: length of the trainings; None for the longest.
        sources: other tasks to learn from first: ``TABLE:DATASET``, ``TABLE`` where it has one data set, or fitted
            predictors. All validation labels of a table are learned from, and none of them is counted; so sources of
            the images that are fitted are refused, whatever their split and length of training.
        growth: on how many times the images networks were trained for test accuracies, in protocol B: predictions are
            told what more images do (``predictor.growth``). None for what the source of the table says, 2 for CIFAR-10
            of NAS-Bench-201; 1 scores validation predictions as they are.

    Returns:
        What ``result.json`` holds (see the README), the fitted predictor and the predictions of the first draw.
        Accuracies and regrets are in percent, the other metrics but the seconds between -1 and 1.

    Raises:
        SettingError: the protocol is unknown, there are too few labels for ``train_size``, or the growth is not
            positive or asked of protocol A.
        LeakageError: the predictor or a source knows labels of these images already.
        InvalidArchitectureError: a source is of another space.
        UnknownTableError, UnknownMethodError: there is no such table or predictor.
        NotMeasuredError: the table has no such data set, split or length of training.
    """
    table, dataset = chosen(table, dataset)
    split = Split.of(split)
    epochs = max(table.epochs(dataset, split)) if epochs is None else epochs
    task = _task(table, dataset, split, epochs, protocol, growth)
    source = f" (what protocol {protocol} may draw from table {table.name!r} of {dataset} on split {split})"
    integer("train_size", train_size, least=1, most=task.drawable, why=source)
    integer("draws", draws, least=1)
    integer("seed", seed)
    unfitted = load("predictor", predictor) if isinstance(predictor, str) else predictor
    unfitted = _with(sources, unfitted, dataset)
    with threadpool_limits(1, user_api="blas"):  # small matrices: threads cost more than they give
        outcomes = [
            _draw(task, copy.deepcopy(unfitted), train_size, np.random.default_rng([seed, draw]))
            for draw in range(draws)
        ]
    result = FitResult(
        protocol=protocol,
        partition=PARTITIONS[protocol].format(identity="function" if table.by_function else "text"),
        predictor=unfitted.name,
        table=table.name,
        space=table.space.name,
        dataset=dataset,
        split=str(split),
        epochs=epochs,
        train_size=train_size,
        draws=draws,
        seed=seed,
        growth=task.growth,
        metrics=moments([outcome.metrics for outcome in outcomes]),
        reliability=[
            {"level": level, "covered": float(np.mean(covered))}
            for level, *covered in zip(LEVELS, *(outcome.covered for outcome in outcomes), strict=True)
        ],
    )
    if sources:
        result["sources"] = _contributions(sources, [outcome.predictor for outcome in outcomes])
    result.predictor_, result.predictions = outcomes[0].predictor, outcomes[0].predictions
    return result


def _with(sources: Sequence[str | Predictor], predictor: Predictor, dataset: str) -> Predictor:
    """Return the predictor, with the sources before it if there are any, after checking what it knows.

    Raises:
        LeakageError: it knows labels of these images.
    """
    check_unseen(predictor, dataset)
    if not sources:
        return predictor
    together = Transfer(predictor, [find_source(s, dataset=dataset) if isinstance(s, str) else s for s in sources])
    check_unseen(together, dataset)
    return together


def _contributions(sources: Sequence[str | Predictor], fitted: Sequence[Predictor]) -> list[Record]:
    """Return for each source how much of it went into the predictions, over the draws."""
    slopes = np.stack([transfer.slopes_ for transfer in fitted if isinstance(transfer, Transfer)])  # (draws, sources)
    return [
        Record(
            source=source if isinstance(source, str) else ", ".join(sorted(source.seen)) or source.name,
            slope={"mean": float(of.mean()), "std": float(of.std())},
            used=float((of > 0).mean()),
        )
        for source, of in zip(sources, slopes.T, strict=True)
    ]


def check_disjoint(train: Population, held_out: Population) -> None:
    """Raise if an architecture is on both sides of a partition, by its text.

    Raises:
        SettingError: one is.
    """
    shared = train[train.isin(held_out)]
    if len(shared):
        raise SettingError(
            f"{len(shared)} architectures are both fitted to and held out, the first {shared[0].text}; partition them."
        )


def _task(table: Table, dataset: str, split: Split, epochs: int, protocol: str, growth: float | None) -> Task:
    if protocol not in PARTITIONS:
        raise SettingError(expected("protocol", protocol, PARTITIONS))
    labels = table.accuracy(dataset=dataset, split=split, epochs=epochs)
    if protocol == "A":
        if growth is not None:
            raise SettingError(f"protocol A scores on the split that it fits to; leave growth out, got {growth!r}.")
        return Task(table.population, labels, labels, protocol)
    if split in (Split.TEST, Split.VALTEST):
        raise SettingError(f"protocol B scores on test labels, so it cannot fit to split {split}; choose split=valid.")
    truth = table.accuracy(dataset=dataset, split=Split.TEST, epochs=epochs)
    growth = growth_to_test(table, dataset, split) if growth is None else number("growth", growth, above=0)
    return Task(table.population, labels, truth, protocol, growth)


def _partition(task: Task, train_size: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows to fit to, and the rows to score on."""
    order = rng.permutation(task.labelled)
    if task.protocol == "B":
        return order[:train_size], np.flatnonzero(~np.isnan(task.truth))
    half, held_out = order[: task.drawable], order[task.drawable :]
    check_disjoint(task.population[half], task.population[held_out])
    return half[:train_size], held_out


def _draw(task: Task, predictor: Predictor, train_size: int, rng: np.random.Generator) -> Outcome:
    """Fit to one draw of labels, and score."""
    train, held_out = _partition(task, train_size, rng)
    start = time.perf_counter()
    predictor.fit(task.population[train], task.labels[train], rng=rng)
    fitted = time.perf_counter()
    scored, truth = task.population[held_out], task.truth[held_out]
    prediction = grown(predictor.predict(scored), scored, growth=task.growth)
    seconds = {"fit_seconds": fitted - start, "predict_seconds": time.perf_counter() - fitted}
    columns = zip(scored.texts, truth, prediction.mean, prediction.std, strict=True)
    names = ("architecture", "measured", "predicted", "predicted_std")
    records = [Record(zip(names, row, strict=True)) for row in columns]
    covered = [coverage(prediction.mean, prediction.std, truth, level) for level in LEVELS]
    return Outcome(predictor, records, {**metrics(prediction, truth), **seconds}, covered)


def metrics(prediction: Prediction, truth: NDArray[np.float64]) -> dict[str, float]:
    """Return how good (n,) predictions of (n,) labels are, by name."""
    return {
        "kendall_tau": kendall_tau(prediction.mean, truth),
        "spearman": spearman(prediction.mean, truth),
        "precision_at_1pct": precision_at(prediction.mean, truth, 0.01),
        "precision_at_10": precision_at(prediction.mean, truth, min(10, len(truth))),
        "regret_top1": regret_at_top(prediction.mean, truth),
        "coverage_90": coverage(prediction.mean, prediction.std, truth, 0.9),
    }


def moments(draws: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    """Return mean and deviation over the draws of each metric."""
    values = {name: np.array([draw[name] for draw in draws]) for name in draws[0]}
    return {name: {"mean": float(of.mean()), "std": float(of.std())} for name, of in values.items()}
