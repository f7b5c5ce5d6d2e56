"""How well does a predictor rank architectures after few labels? See README.md beside this file.

    SURROGATE_NAS_DATA=FOLDER python benchmarks/predictor/run.py nb201 cifar10 --draws 10

Writes results/TABLE-DATASET-PROTOCOL.csv, a row a predictor and number of labels: mean and standard error over draws.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

from surrogate_nas import fit, load_table
from surrogate_nas.configuration import names

METRICS = ("kendall_tau", "precision_at_1pct", "regret_top1", "coverage_90", "fit_seconds", "predict_seconds")


def main() -> None:
    """Fit every predictor to every number of labels."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table")
    parser.add_argument("dataset")
    parser.add_argument("--protocol", default="A")
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--labels", type=int, nargs="+", default=[39, 78, 156])
    parser.add_argument("--predictors", nargs="+", default=names("predictor"))
    chosen = parser.parse_args()
    table = load_table(chosen.table)
    rows = []
    for predictor in chosen.predictors:
        for labels in chosen.labels:
            result = fit(
                table=table,
                dataset=chosen.dataset,
                predictor=predictor,
                train_size=labels,
                protocol=chosen.protocol,
                draws=chosen.draws,
            )
            row: dict[str, object] = {"predictor": predictor, "labels": labels, "draws": chosen.draws}
            for name in METRICS:
                moments = result.metrics[name]
                row[name] = round(moments.mean, 4)
                row[f"{name}_error"] = round(moments.std / chosen.draws**0.5, 4)
            rows.append(row)
            print(row)
    path = Path(__file__).parent / "results" / f"{chosen.table}-{chosen.dataset}-{chosen.protocol}.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
