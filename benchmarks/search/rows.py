"""The rows of a benchmark: a line of a CSV a run, added as soon as it is done, so that an interrupted one goes on."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np

RESULTS = Path(__file__).parent / "results"


def read(path: Path) -> list[dict[str, str]]:
    """Return the rows that a file of results holds."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def add_missing(
    path: Path,
    keys: tuple[str, ...],
    runs: Iterable[tuple[object, ...]],
    measure: Callable[..., Mapping[str, object]],
) -> None:
    """Measure each run of which a file of results holds no row, and add a row of its keys and what was measured.

    Args:
        path: of the file.
        keys: the columns that tell runs apart, the first ones of a row.
        runs: the values of the keys.
        measure: given these values, returns the other columns.
    """
    there = {tuple(row[key] for key in keys) for row in read(path)}
    for run in runs:
        if tuple(map(str, run)) in there:
            continue
        row = {**dict(zip(keys, run, strict=True)), **measure(*run)}
        fresh = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.DictWriter(file, list(row), lineterminator="\n")
            if fresh:
                writer.writeheader()
            writer.writerow(row)


def interval(values: np.ndarray) -> float:
    """Return half the width of the 95 percent interval of the mean."""
    return float(1.96 * values.std(ddof=1) / len(values) ** 0.5) if len(values) > 1 else float("nan")
