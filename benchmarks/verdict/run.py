"""How often the verdict's test calls NAS-Bench-201's own trainings in disagreement with NAS-Bench-201.

One seed of each architecture stands for a training here, the other seeds for the table. The noise is the whole table's.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from surrogate_nas.table import load_table
from surrogate_nas.table.noise import seed_noise
from surrogate_nas.verdict import LEVEL, Noise, p_value

BANDS = ((0, 40), (40, 70), (70, 85), (85, 90), (90, 93), (93, 100))  # percent
RESULTS = Path(__file__).parent / "results" / "false_alarms.csv"


def main() -> None:
    table = load_table("nb201")
    rows = []
    for split in ("valid", "test"):
        noise = seed_noise(table, dataset="cifar10", split=split)
        seeds = table.seeds("cifar10", split, 200)
        values = np.array([table.accuracy(dataset="cifar10", split=split, epochs=200, seed=seed) for seed in seeds])
        rest = values[1:]
        there = (~np.isnan(rest)).sum(axis=0)
        mean = np.nansum(rest, axis=0) / np.maximum(there, 1)
        known = np.flatnonzero((there > 0) & ~np.isnan(values[0]))
        p = np.array(
            [
                p_value(
                    float(values[0, row] - mean[row]),
                    Noise(float(noise.at(mean[row])), noise.freedom, "the table's own seeds"),
                    here=1,
                    there=int(there[row]),
                )
                for row in known
            ]
        )
        for low, high in (*BANDS, (0, 100)):
            inside = (mean[known] >= low) & (mean[known] < high)
            if inside.any():
                rows.append(
                    {
                        "split": split,
                        "from": low,
                        "to": high,
                        "architectures": int(inside.sum()),
                        "false_alarms_percent": round(100 * float((p[inside] < LEVEL).mean()), 2),
                        "below_1_percent": round(100 * float((p[inside] < 0.01).mean()), 2),
                    }
                )
                print(*rows[-1].values(), sep="\t")
    with RESULTS.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
