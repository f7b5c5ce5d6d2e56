"""How good is what a sampler finds, after how many queries? See README.md beside this file.

    python benchmarks/search/run.py nb201-digits digits --budget 60 --seeds 20
    python benchmarks/search/run.py nb201 cifar10 --budget 150 --seeds 10

Writes results/TABLE-DATASET.csv, a row a run, and prints mean regrets with standard errors.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np

from surrogate_nas import load_table, search
from surrogate_nas.configuration import names

RESULTS = Path(__file__).parent / "results"


def run(table_name: str, dataset: str, sampler: str, budget: int, seed: int, marks: list[int]) -> dict[str, object]:
    """Return one run: regret on the searched split (points of accuracy) at each mark, and queries to the optimum."""
    result = search(table=table_name, dataset=dataset, sampler=sampler, budget=budget, seed=seed)
    best = [trial.best_valid for trial in result.trials]
    optimum = result.optimum.valid
    first = next((trial.query for trial, value in zip(result.trials, best, strict=True) if value == optimum), "")
    return {
        "sampler": sampler,
        "seed": seed,
        **{f"regret_{mark}": round(optimum - best[mark - 1], 4) for mark in marks},
        "queries_to_optimum": first,
        "best_valid": best[-1],
        "test_of_best": result.best.test,
        "wall_seconds": round(result.seconds.wall, 2),
    }


def main() -> None:
    """Run every sampler with every seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table")
    parser.add_argument("dataset")
    parser.add_argument("--budget", type=int, default=150)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--samplers", nargs="+", default=names("sampler"))
    chosen = parser.parse_args()
    marks = [mark for mark in (25, 50, 60, 100, 150) if mark <= chosen.budget]
    print(load_table(chosen.table))
    rows = [
        run(chosen.table, chosen.dataset, sampler, chosen.budget, seed, marks)
        for sampler in chosen.samplers
        for seed in range(chosen.seeds)
    ]
    with (RESULTS / f"{chosen.table}-{chosen.dataset}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    for sampler in chosen.samplers:
        own = [row for row in rows if row["sampler"] == sampler]
        regrets = {mark: np.array([float(str(row[f"regret_{mark}"])) for row in own]) for mark in marks}
        found = sum(row["queries_to_optimum"] != "" for row in own)
        summary = ", ".join(f"{m}: {r.mean():.3f} ± {r.std(ddof=1) / len(r) ** 0.5:.3f}" for m, r in regrets.items())
        slowest = max(float(str(row["wall_seconds"])) for row in own)
        print(f"{sampler:14} regret at {summary}; optimum found in {found} of {len(own)}; slowest run {slowest:.1f} s")


if __name__ == "__main__":
    main()
