"""What do other tasks add to few labels, and does a task that misleads hurt? See README.md beside this file.

    SURROGATE_NAS_DATA=FOLDER python -m benchmarks.predictor.transfer nb201:cifar10 nb201:cifar100 --draws 10

Writes results/transfer.csv, a row a target, sources, base and number of labels: Kendall's tau of the held-out half,
mean and standard error over draws, and of the difference to the same labels and the same base without source. Rows that
were not asked for stay as they are. Some sources mislead, made of the first that is named, another one for each draw:
with --misleading "permuted labels", "reversed labels" or "noise" it is learned from such labels, and with "permuted
predictions" it is as sure of itself as the source, and wrong.
"""

from __future__ import annotations

import argparse
import copy
import csv
import time
from pathlib import Path

import numpy as np

from surrogate_nas import fit
from surrogate_nas.configuration import load
from surrogate_nas.predictor import Predictor
from surrogate_nas.predictor.distilled import Distilled
from surrogate_nas.predictor.transfer import Transfer
from surrogate_nas.record import write_csv
from surrogate_nas.sources import smoothed, source
from surrogate_nas.table import Table
from surrogate_nas.table.chosen import chosen

RESULTS = Path(__file__).parent / "results" / "transfer.csv"
LABELS = [10, 39, 78, 156, 469, 781]
WRONG = {
    "permuted labels": lambda labels, rng: rng.permutation(labels),
    "reversed labels": lambda labels, rng: np.nanmax(labels) + np.nanmin(labels) - labels,
    "noise": lambda labels, rng: np.where(np.isnan(labels), np.nan, rng.uniform(10, 90, len(labels))),
}
MISLEADING = [*WRONG, "permuted predictions"]
KEYS = ("target", "epochs", "sources", "base", "labels")


class Permuted(Distilled):
    """What a source says, of other cells: another permutation for each fit, so that draws average over them."""

    def __init__(self, told: Distilled, seed: int) -> None:
        super().__init__(told.teacher, told.sources)
        self.space_, self.widening_, self.rows_ = told.space_, told.widening_, told.rows_
        order = np.random.default_rng(seed).permutation(len(told.mean_))
        self.mean_, self.std_ = told.mean_[order], told.std_[order]


def main() -> None:
    """Fit with and without sources, to the same labels."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", help="TABLE:DATASET")
    parser.add_argument("sources", nargs="+", help="TABLE:DATASET, learned from together")
    parser.add_argument("--epochs", type=int, help="length of the target's trainings")
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--labels", type=int, nargs="+", default=LABELS)
    parser.add_argument("--bases", nargs="+", default=["gaussian_process"])
    parser.add_argument("--misleading", nargs="*", choices=MISLEADING, default=[])
    asked = parser.parse_args()
    name, _, dataset = asked.target.partition(":")
    table, dataset = chosen(name, dataset or None)
    tutors: dict[str, list[list[Predictor]]] = {}
    if not asked.misleading:
        tutors["+".join(asked.sources)] = [[source(s, dataset=dataset) for s in asked.sources]] * asked.draws
    for wrong in sorted(set(WRONG) & set(asked.misleading)):
        tutors[wrong] = [[learned_from(wrong, asked.sources[0], draw)] for draw in range(asked.draws)]
    if "permuted predictions" in asked.misleading:
        sure = source(asked.sources[0], dataset=dataset)
        assert isinstance(sure, Distilled)
        tutors["permuted predictions"] = [[Permuted(sure, draw)] for draw in range(asked.draws)]
    rows = read()
    for base in asked.bases:
        for labels in asked.labels:
            for told, by_draw in tutors.items():
                key = (asked.target, str(asked.epochs or "longest"), told, base, str(labels))
                rows[key] = dict(zip(KEYS, key, strict=True)) | measured(
                    table, dataset, asked.epochs, base, labels, by_draw
                )
                print(rows[key], flush=True)
                write_csv(RESULTS, [rows[key] for key in sorted(rows, key=lambda key: (*key[:4], int(key[4])))])


def measured(
    table: Table, dataset: str, epochs: int | None, base: str, labels: int, by_draw: list[list[Predictor]]
) -> dict[str, object]:
    """Return tau with and without sources over the draws, and the slopes."""
    started = time.process_time()
    alone, told, slopes, covered = [], [], [], []
    for draw, tutors in enumerate(by_draw):
        common = {"table": table, "dataset": dataset, "epochs": epochs, "train_size": labels, "seed": draw}
        alone.append(fit(**common, predictor=base).metrics.kendall_tau.mean)
        result = fit(**common, predictor=Transfer(load("predictor", base), copy.copy(tutors)))
        told.append(result.metrics.kendall_tau.mean)
        covered.append(result.metrics.coverage_90.mean)
        slopes.append(result.predictor_.slopes_)
    gain = np.subtract(told, alone)
    return {
        "draws": len(by_draw),
        "tau_alone": round(float(np.mean(alone)), 4),
        "tau": round(float(np.mean(told)), 4),
        "tau_error": round(float(np.std(told) / len(told) ** 0.5), 4),
        "gain": round(float(gain.mean()), 4),
        "gain_error": round(float(gain.std() / len(gain) ** 0.5), 4),
        "slopes": " ".join(f"{slope:.2f}" for slope in np.mean(slopes, axis=0)),
        "coverage_90": round(float(np.mean(covered)), 3),
        "cpu_seconds": round((time.process_time() - started) / len(by_draw), 2),
    }


def learned_from(wrong: str, name: str, draw: int) -> Predictor:
    """Return what is learned from a table whose labels are wrong."""
    table, dataset = chosen(name.partition(":")[0], name.partition(":")[2] or None)
    columns = {
        column: WRONG[wrong](values, np.random.default_rng(draw))  # of one draw all columns are permuted alike
        for column, values in table.columns.items()
        if column.dataset == dataset
    }
    return smoothed(Table(table.name, table.population, columns, by_function=table.by_function), dataset)


def read() -> dict[tuple[str, ...], dict[str, object]]:
    """Return the rows of earlier runs by target, epochs, sources, base and number of labels."""
    if not RESULTS.exists():
        return {}
    with RESULTS.open(newline="", encoding="utf-8") as file:
        return {tuple(row[key] for key in KEYS): dict(row) for row in csv.DictReader(file)}


if __name__ == "__main__":
    main()
