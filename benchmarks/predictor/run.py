"""How well does a predictor rank architectures after few labels? See README.md beside this file.

    SURROGATE_NAS_DATA=FOLDER python benchmarks/predictor/run.py nb201 cifar10 --draws 10

Writes results/TABLE-DATASET-PROTOCOL.csv, a row a predictor, number of labels and growth (what predictions are told of
the images behind test accuracies; 1: nothing): mean and standard error over draws. Rows that were not asked for stay.
"""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path

from surrogate_nas import fit, load_table
from surrogate_nas.configuration import names
from surrogate_nas.record import write_csv

METRICS = ("kendall_tau", "precision_at_1pct", "regret_top1", "coverage_90", "fit_seconds", "predict_seconds")
LABELS = {"A": [39, 78, 156, 469, 781], "B": [39, 78, 156, 469, 1563]}


def main() -> None:
    """Fit every predictor to every number of labels."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table")
    parser.add_argument("dataset")
    parser.add_argument("--protocol", default="A", choices=LABELS)
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--labels", type=int, nargs="+")
    parser.add_argument("--growth", type=float, help="with protocol B; 1: nothing is told")
    parser.add_argument("--predictors", nargs="+", default=names("predictor"))
    chosen = parser.parse_args()
    table = load_table(chosen.table)
    path = Path(__file__).parent / "results" / f"{chosen.table}-{chosen.dataset}-{chosen.protocol}.csv"
    rows = read(path)
    for predictor in chosen.predictors:
        for labels in chosen.labels or LABELS[chosen.protocol]:
            started = time.process_time()
            result = fit(
                table=table,
                dataset=chosen.dataset,
                predictor=predictor,
                train_size=labels,
                protocol=chosen.protocol,
                draws=chosen.draws,
                growth=chosen.growth,
            )
            row = {"predictor": predictor, "labels": labels, "growth": result.growth, "draws": chosen.draws}
            for name in METRICS:
                moments = result.metrics[name]
                row[name] = round(moments.mean, 4)
                row[f"{name}_error"] = round(moments.std / chosen.draws**0.5, 4)
            row["cpu_seconds"] = round((time.process_time() - started) / chosen.draws, 2)
            print(row, flush=True)
            rows[predictor, labels, result.growth] = row
            write_csv(path, [rows[key] for key in sorted(rows)])


def read(path: Path) -> dict[tuple[str, int, float], dict[str, object]]:
    """Return the rows of earlier runs by predictor, number of labels and growth."""
    if not path.exists():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {(row["predictor"], int(row["labels"]), float(row["growth"])): dict(row) for row in csv.DictReader(file)}


if __name__ == "__main__":
    main()
