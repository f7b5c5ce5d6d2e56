"""What is known from the start, and not charged: measurements that the user already has, or another task's table."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

import numpy as np

from surrogate_nas.errors import InvalidArchitectureError, SettingError, WarmStartError
from surrogate_nas.sampler.guided import Guided
from surrogate_nas.sampler.surrogate import Surrogate
from surrogate_nas.search.measurement import Evaluator
from surrogate_nas.sources import source
from surrogate_nas.split import Split
from surrogate_nas.table.catalog import table_paths


def is_other_task(warm_start: str | Path) -> bool:
    """Return whether a warm start names another task, ``TABLE:DATASET`` or ``TABLE``, and no file or folder."""
    return isinstance(warm_start, str) and not Path(warm_start).exists() and warm_start.split(":")[0] in table_paths()


def guided_by(task: str, sampler: Any, name: str, *, dataset: str) -> Guided:
    """Return the surrogate sampler with another task before it: that shapes its starts and its prior, not its history.

    Raises:
        SettingError: another sampler is asked for, which learns from no other task.
        LeakageError: the task has the images that are searched on, so that its labels would be seen and not counted.
        NotMeasuredError: there is no such data set in the table.
    """
    if not isinstance(sampler, Surrogate):
        raise SettingError(f"warm_start={task}: sampler {name!r} learns from no other task; sampler=surrogate does.")
    return Guided([source(task, dataset=dataset)])


def known_measurements(path: str | Path, evaluator: Evaluator, *, split: Split) -> dict[int, float]:
    """Return the accuracy in percent of each candidate that a file tells, by its position; means where it repeats.

    Args:
        path: a CSV with the columns ``architecture`` and ``accuracy``, or the folder of an earlier search, whose
            accuracies on the split are taken.
        evaluator: whose candidates are meant.
        split: that the search is about.

    Raises:
        WarmStartError: the file cannot be read, lacks a column, or has a line that is none or no accuracy at all.
    """
    path = Path(path)
    file, column = (path / "trials.csv", str(split)) if path.is_dir() else (path, "accuracy")
    try:
        with file.open(newline="", encoding="utf-8") as text:
            reader = csv.DictReader(text)
            there, rows = set(reader.fieldnames or ()), list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise WarmStartError(f"warm_start: {file} cannot be read ({reason}).") from error
    missing = {"architecture", column} - there
    if missing:
        raise WarmStartError(f"warm_start: {file} has no column {min(missing)!r}; it needs architecture,{column}.")
    values: dict[int, list[float]] = {}
    for line, row in enumerate(rows, start=2):
        position, accuracy = _row(row, column, evaluator, f"warm_start: {file}, line {line}: ")
        if math.isfinite(accuracy):  # an earlier search may have failed there
            values.setdefault(position, []).append(accuracy)
    if not values:
        raise WarmStartError(
            f"warm_start: {file} tells no accuracy; leave it out, or add lines of architecture,{column}."
        )
    return {position: float(np.mean(told)) for position, told in values.items()}


def _row(row: dict[str, str], column: str, evaluator: Evaluator, where: str) -> tuple[int, float]:
    """Return the position and the accuracy that one line tells.

    Raises:
        WarmStartError: it tells none.
    """
    try:
        architecture = evaluator.candidates.space.parse(row["architecture"] or "")
    except InvalidArchitectureError as error:
        raise WarmStartError(f"{where}{error}") from error
    position = int(evaluator.locate(architecture)[0])
    if position < 0:
        raise WarmStartError(f"{where}{row['architecture']} is no candidate of this search; remove the line.")
    try:
        accuracy = float(row[column] or "nan")
    except ValueError:
        accuracy = math.inf
    if accuracy < 0 or accuracy > 100:
        raise WarmStartError(f"{where}accuracy must be a number in percent, 0 to 100, got {row[column]!r}.")
    return position, accuracy
