"""Does a surrogate behave like the table it was fitted to? See README.md beside this file.

    SURROGATE_NAS_DATA=FOLDER python benchmarks/table/run.py surrogate --labels 1000 15625

Fits surrogates to some architectures of NAS-Bench-201 on CIFAR-10, compares them with the whole table, and writes
results/surrogate.csv.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import Any

import numpy as np

from surrogate_nas import load_table, search
from surrogate_nas.metrics import kendall_tau
from surrogate_nas.surrogate_table import surrogate_table
from surrogate_nas.table import Table

DATASET = "cifar10"
SAMPLERS = ("random", "evolution", "local_search")
BANDS = ((0, 60), (60, 85), (85, 90), (90, 100))  # of accuracies in percent, in which the scatter is compared


def main() -> None:
    """Fit, compare, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", type=int, nargs="+", default=[1000, 15625])
    parser.add_argument("--seeds", type=int, default=10, help="of the searches")
    parser.add_argument("--budget", type=int, default=100)
    chosen = parser.parse_args()
    real = load_table("nb201")
    rows = [{"table": "measured", **_behaviour(real, chosen.seeds, chosen.budget)}]
    print(rows[-1])
    for labels in chosen.labels:
        part = _part(real, np.random.default_rng(0).permutation(len(real))[:labels])
        surrogate = surrogate_table(part, f"{labels} labels", datasets=[DATASET], progress=True)
        unseen = np.flatnonzero(~np.isin(real.population.key, part.population.key))
        fit = surrogate.provenance["surrogate"]["fits"][0]
        rows.append(
            {
                "table": f"surrogate of {labels} labels",
                "tau_held_out_functions": fit["held_out_kendall_tau"],
                "tau_unseen_with_noise": _tau(real, surrogate, unseen),
                **_behaviour(surrogate, chosen.seeds, chosen.budget),
            }
        )
        print(rows[-1])
    with (Path(__file__).parent / "results" / "surrogate.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[-1]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _part(table: Table, rows: np.ndarray[Any, Any]) -> Table:
    columns = {column: values[rows] for column, values in table.columns.items()}
    return Table(table.name, table.population[rows], columns, table.provenance)


def _tau(real: Table, surrogate: Table, rows: np.ndarray[Any, Any]) -> float | None:
    """Return Kendall's tau between measured and drawn means of architectures of functions that were not fitted to."""
    if not len(rows):
        return None
    values = (table.accuracy(dataset=DATASET, split="valid")[rows] for table in (real, surrogate))
    return round(kendall_tau(*values), 3)


def _behaviour(table: Table, seeds: int, budget: int) -> dict[str, Any]:
    """Return what a user of a table sees: the scatter between seeds, and what searches find."""
    recorded = table.seeds(DATASET, table.splits(DATASET)[-1], 200)[:2]
    one, two = (table.accuracy(dataset=DATASET, split="valid", seed=seed) for seed in recorded)
    mean = (one + two) / 2
    told: dict[str, Any] = {"tau_between_seeds": round(kendall_tau(one, two), 3)}
    for low, high in BANDS:
        inside = (mean >= low) & (mean < high)
        squares = (one - two)[inside] ** 2
        told[f"architectures_{low}_{high}"] = len(squares)
        told[f"deviation_{low}_{high}"] = round(float(np.sqrt(squares.mean() / 2)), 3) if len(squares) else None
    for sampler in SAMPLERS:
        found = [
            search(table=table, dataset=DATASET, sampler=sampler, budget=budget, seed=seed) for seed in range(seeds)
        ]
        regrets = np.array([result.regret for result in found])
        told[f"regret_{sampler}"] = round(float(regrets.mean()), 3)
        told[f"regret_{sampler}_error"] = round(float(regrets.std(ddof=1) / np.sqrt(seeds)), 3)
    return told


if __name__ == "__main__":
    main()
