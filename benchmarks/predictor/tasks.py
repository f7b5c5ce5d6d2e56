"""Does a task learn from another one? See README.md beside this file.

    SURROGATE_NAS_DATA=FOLDER python benchmarks/predictor/tasks.py nb201 cifar10 cifar100 --labels 200 20 --draws 10

Writes results/tasks-TABLE.csv, a row a draw and task. Draws that are there already are not repeated.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from surrogate_nas import load_table
from surrogate_nas.fit_tasks import fit_tasks
from surrogate_nas.record import Record, write_csv

METRICS = ("kendall_tau", "precision_at_1pct", "coverage_90")


def main() -> None:
    """Fit the tasks together and each alone, and print what the draws say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table")
    parser.add_argument("tasks", nargs="+")
    parser.add_argument("--labels", type=int, nargs="+", required=True)
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--first", type=int, default=0, help="seed of the first draw")
    chosen = parser.parse_args()
    table = load_table(chosen.table)
    path = Path(__file__).parent / "results" / f"tasks-{table.name}.csv"
    rows: list[Mapping[str, object]] = []
    if path.exists():
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    asked = " ".join(f"{task}={labels}" for task, labels in zip(chosen.tasks, chosen.labels, strict=True))
    for draw in range(chosen.first, chosen.first + chosen.draws):
        if (asked, str(draw)) in {(row["tasks"], str(row["draw"])) for row in rows}:
            continue
        started = time.process_time()
        result = fit_tasks(table=table, tasks=chosen.tasks, train_size=chosen.labels, seed=draw)
        seconds = time.process_time() - started
        rows += [_row(asked, draw, task, result.relations[0][-1], seconds) for task in result.tasks]
        write_csv(path, rows)
        _print([row for row in rows if row["tasks"] == asked])


def _row(asked: str, draw: int, task: Record, relation: float, seconds: float) -> dict[str, object]:
    """Return what one draw says of one task: together, alone, and what held-out labels had said of sharing."""
    row: dict[str, object] = {"tasks": asked, "draw": draw, "task": task.name, "labels": task.train_size}
    for name in METRICS:
        row[name] = round(task.metrics[name].mean, 4)
        row[f"{name}_alone"] = round(task.metrics_alone[name].mean, 4)
    row["helped"] = int(task.sharing.helped.mean)
    row["share"] = round(task.sharing.share.mean, 3)
    row["relation"] = round(relation, 3)
    row["cpu_seconds"] = round(seconds, 1)
    return row


def _print(rows: Sequence[Mapping[str, object]]) -> None:
    """Print mean and standard error over the draws so far."""
    for task in dict.fromkeys(row["task"] for row in rows):
        own = [row for row in rows if row["task"] == task]
        parts = []
        for name in (f"{metric}{suffix}" for metric in METRICS for suffix in ("", "_alone")):
            values = np.array([float(str(row[name])) for row in own])
            parts.append(f"{name} {values.mean():.3f} +- {values.std(ddof=1) / len(own) ** 0.5:.3f}")
        print(f"{task} n={len(own)}: {', '.join(parts)}", flush=True)


if __name__ == "__main__":
    main()
