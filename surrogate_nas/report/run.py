"""What a finished run left in its folder."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from surrogate_nas.errors import RunFolderError
from surrogate_nas.record import Record
from surrogate_nas.space import Population, get_space

SHOWN = 1000  # architectures that a section shows, a search's improvements not counted; more would make a page slow

Row = TypeVar("Row")

_REPEAT = ("command", "started", "versions", "machine")
_COMMON = (*_REPEAT, "space")
_TABLE = ("provenance", "table", "dataset", "split", "epochs", "seed")
# What result.json of each job must hold; the value of a key may still be null.
_REQUIRED = {
    "search": (
        *_COMMON,
        *_TABLE,
        *("sampler", "budget", "queries", "candidates", "seconds", "verification"),
        *("best", "oracle", "optimum", "regret"),
    ),
    "fit": (*_COMMON, *_TABLE, "protocol", "predictor", "train_size", "draws", "metrics"),
    "compare": (*_REPEAT, "kind", "methods", "tasks", "seeds", "sizes", "standings", "comparisons", "runs"),
    "verify": (*_COMMON, "data", "recipe", "verification"),
    "fit tasks": (*_COMMON, *_TABLE, "protocol", "partition", "predictor", "draws", "tasks", "relations"),
}


@dataclass(frozen=True)
class Measured:
    """An architecture, its accuracy, and what a predictor that had not seen it expected.

    Attributes:
        architecture: its text.
        measured: percent; None where the measurement failed.
        predicted: percent; None where nothing was predicted.
        predicted_std: standard deviation of the prediction, in percentage points.
    """

    architecture: str
    measured: float | None
    predicted: float | None
    predicted_std: float | None


@dataclass(frozen=True)
class Trial(Measured):
    """One query of a search.

    Attributes:
        query: its position, from 1.
        best: the highest accuracy up to here, in percent.
        seconds: what the training took.
        costs: the values of the other objectives.
    """

    query: int
    best: float | None
    seconds: float | None
    costs: tuple[float | None, ...] = ()


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        result: what ``result.json`` holds.
        configuration: the text of ``config.yaml``.
        trials: the queries of a search, in order.
        predictions: the held-out predictions of a fit.
    """

    result: Record
    configuration: str
    trials: tuple[Trial, ...] = ()
    predictions: tuple[Measured, ...] = ()

    @property
    def kind(self) -> str:
        """Which page the run has: that of its job, and for comparisons that of what was compared."""
        job = str(self.result.job)
        return f"compare {self.result.kind}s" if job == "compare" else job

    @cached_property
    def shown(self) -> tuple[Trial, ...]:
        """The trials that a page shows: all of them, or evenly spaced ones and every improvement."""
        spaced = set(evenly(self.trials))
        return tuple(trial for trial in self.trials if trial in spaced or trial.query in self.improvements)

    @cached_property
    def improvements(self) -> frozenset[int]:
        """The queries that raised the best accuracy so far."""
        before = (None, *(trial.best for trial in self.trials))
        return frozenset(trial.query for trial, best in zip(self.trials, before, strict=False) if trial.best != best)

    def architecture(self, text: str) -> Population:
        """Return one of the run's architectures."""
        return get_space(self.result.space).parse(text)


def evenly(rows: Sequence[Row]) -> Sequence[Row]:
    """Return at most as many rows as a section shows, evenly spaced."""
    return rows[:: math.ceil(len(rows) / SHOWN) or 1]


def read_run(folder: Path) -> Run:
    """Return what a job left in its folder.

    Raises:
        RunFolderError: a file is missing or damaged, or the folder belongs to something else.
    """
    result = _read_result(folder / "result.json")
    trials: tuple[Trial, ...] = ()
    predictions: tuple[Measured, ...] = ()
    if result.job == "search":
        path = folder / "trials.csv"
        trials = _read_trials(path, result.split, result.get("objectives", [])[1:])
        if len(trials) != result.queries:
            raise RunFolderError(
                f"{path} holds {len(trials)} of {result.queries} queries, so it was cut off; run the search again with "
                "the same folder."
            )
    if result.job == "fit" and (folder / "predictions.csv").exists():
        predictions = _read_predictions(folder / "predictions.csv")
    return Run(result, _read(folder / "config.yaml"), trials, predictions)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise RunFolderError(
            f"cannot read {path} ({reason}); a report needs the folder that a finished job left, like runs/search/TIME."
        ) from error


def _read_result(path: Path) -> Record:
    try:
        value = json.loads(_read(path))
    except json.JSONDecodeError as error:
        raise RunFolderError(f"{path} is no JSON ({error}); run the job again with the same folder.") from error
    job = value.get("job") if isinstance(value, dict) else None
    if not isinstance(job, str) or job not in _REQUIRED:
        raise RunFolderError(f"{path} is of job {job!r}; reports are made of {', '.join(_REQUIRED)}.")
    missing = [key for key in _REQUIRED[job] if key not in value]
    if missing:
        raise RunFolderError(f"{path} lacks {', '.join(missing)}; run the {job} again with this version.")
    return Record(value)


def _read_trials(path: Path, split: str, costs: Sequence[str]) -> tuple[Trial, ...]:
    columns = ("query", "architecture", split, f"best_{split}", "seconds", "predicted", "predicted_std", *costs)
    return tuple(
        Trial(
            architecture=row["architecture"],
            measured=_number(row[split]),
            predicted=_number(row["predicted"]),
            predicted_std=_number(row["predicted_std"]),
            query=position,
            best=_number(row[f"best_{split}"]),
            seconds=_number(row["seconds"]),
            costs=tuple(_number(row[name]) for name in costs),
        )
        for position, row in enumerate(_rows(path, columns), start=1)
    )


def _read_predictions(path: Path) -> tuple[Measured, ...]:
    columns = ("architecture", "measured", "predicted", "predicted_std")
    return tuple(
        Measured(row["architecture"], *(_number(row[column]) for column in columns[1:])) for row in _rows(path, columns)
    )


def _rows(path: Path, columns: Iterable[str]) -> list[dict[str, Any]]:
    rows = csv.DictReader(_read(path).splitlines())
    missing = [column for column in columns if column not in (rows.fieldnames or ())]
    if missing:
        raise RunFolderError(f"{path} lacks the columns {', '.join(missing)}; run the job again with this version.")
    return list(rows)


def _number(text: str | None) -> float | None:
    """Return a finite number, None for an empty field or what is not finite."""
    try:
        value = float(text or "nan")
    except ValueError as error:
        raise RunFolderError(f"expected a number in a CSV file of the run, got {text!r}; run the job again.") from error
    return value if math.isfinite(value) else None
