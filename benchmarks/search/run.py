"""How good is what a sampler finds, after how many queries and training seconds? See README.md beside this file.

    python benchmarks/search/run.py nb201 cifar10 --seeds 100
    python benchmarks/search/run.py nb201 cifar10 --seeds 20 --samplers bananas gaussian_process

Adds a row a run to results/TABLE-DATASET.csv, leaves out the runs that it holds, and prints what all of them say. A run
ends when it has found the optimum, since nothing better can follow. Budgets beyond 150 queries serve only those runs
that are not near it yet.
"""

from __future__ import annotations

import argparse
import time
from functools import partial

import numpy as np
from rows import RESULTS, add_missing, interval, read

from surrogate_nas import load_table, search
from surrogate_nas.configuration import names
from surrogate_nas.table import Table
from surrogate_nas.table.evaluator import TableEvaluator

MARKS = (25, 50, 100, 150)  # queries, and average trainings of the table, after which the regret is told
NEAR = 0.1  # points below the optimum: near enough
OWN = "surrogate"


def run(table: Table, dataset: str, budgets: list[int], near: float, sampler: str, seed: int) -> dict[str, object]:
    """Return what one run gave; it is repeated with the next budget while the optimum is not found, or not nearly."""
    average = float(np.nanmean(TableEvaluator(table, dataset=dataset).seconds))  # of a training
    for budget in budgets:
        start = time.process_time()
        result = search(table=table, dataset=dataset, sampler=sampler, budget=budget, seed=seed)
        spent = time.process_time() - start
        best = np.array([trial.best_valid for trial in result.trials])
        regret = result.optimum.valid - best
        if regret[-1] <= (0 if budget < MARKS[-1] else near):
            break
    seconds = np.cumsum([trial.seconds for trial in result.trials])
    found = np.flatnonzero(regret == 0)
    close = np.flatnonzero(regret <= near + 1e-9)  # accuracies are decimal fractions

    def after(queries: int) -> float:
        return round(float(regret[min(max(queries, 1), len(regret)) - 1]), 4)

    return {
        **{f"regret_{mark}": after(mark) for mark in MARKS},
        **{f"regret_{mark}_trainings": after(int((seconds <= mark * average).sum())) for mark in MARKS},
        "queries_to_optimum": int(found[0]) + 1 if len(found) else "",
        "queries_to_near": int(close[0]) + 1 if len(close) else "",
        "seconds_to_near": round(float(seconds[close[0]])) if len(close) else "",
        "queries": len(regret),
        "test_of_best": round(result.best.test, 4),
        "cpu_seconds": round(spent, 2),
    }


def random_seconds_to_near(table: Table, dataset: str, near: float) -> float:
    """Return the expected training seconds of random search until near the optimum, exactly.

    Each of the others comes before all of the m near ones with probability 1 / (m + 1); one near one is paid.
    """
    evaluator = TableEvaluator(table, dataset=dataset)
    close = evaluator.values >= evaluator.values.max() - near - 1e-9
    return float(evaluator.seconds[~close].sum() / (close.sum() + 1) + evaluator.seconds[close].mean())


def column(rows: list[dict[str, str]], name: str) -> np.ndarray:
    """Return the numbers in a column, by seed; infinity where a run did not get there."""
    return np.array([float(row[name] or "inf") for row in sorted(rows, key=lambda row: int(row["seed"]))])


def summarise(rows: list[dict[str, str]], random_seconds: float) -> None:
    """Print a line a sampler, with 95 percent intervals of the mean, and its paired distance from our own."""
    by_sampler = {name: [row for row in rows if row["sampler"] == name] for name in {row["sampler"] for row in rows}}
    for name, own in sorted(by_sampler.items()):
        queries, near = column(own, "queries_to_optimum"), column(own, "seconds_to_near")
        regrets = {mark: column(own, f"regret_{mark}") for mark in MARKS}
        text = ", ".join(f"{mark}: {r.mean():.3f} ± {interval(r):.3f}" for mark, r in regrets.items())
        print(f"{name}, {len(own)} runs: mean regret at {text}")
        low, middle, high, worst = np.quantile(queries, [0.25, 0.5, 0.95, 1], method="inverted_cdf")
        spent = {mark: column(own, f"regret_{mark}_trainings") for mark in MARKS}
        text = ", ".join(f"{mark}: {r.mean():.3f} ± {interval(r):.3f}" for mark, r in spent.items())
        print(f"    after the seconds of so many average trainings: {text}")
        print(
            f"    queries to the optimum: mean {queries.mean():.1f}, quartile {low:.0f}, median {middle:.0f}, "
            f"95th percentile {high:.0f}, worst {worst:.0f}; found in {np.isfinite(queries).sum()}"
        )
        ratio = random_seconds / near.mean()
        print(f"    training seconds until near: mean {near.mean():,.0f}, of random search {ratio:.1f} times as many")
        seeds = {row["seed"] for row in own}
        reference = [row for row in by_sampler.get(OWN, []) if row["seed"] in seeds]
        if name != OWN and len(reference) == len(own):
            gains = {mark: r - column(reference, f"regret_{mark}") for mark, r in regrets.items()}
            text = ", ".join(f"{mark}: {g.mean():.3f} ± {interval(g):.3f}" for mark, g in gains.items())
            print(f"    regret above that of {OWN}, paired: {text}")


def main() -> None:
    """Run what is not there yet, sampler by sampler, and print what all runs say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table")
    parser.add_argument("dataset")
    parser.add_argument("--budgets", type=int, nargs="+", default=[50, 150])
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--samplers", nargs="+", default=[name for name in names("sampler") if name != "hyperband"])
    parser.add_argument("--near", type=float, default=NEAR)
    chosen = parser.parse_args()
    table = load_table(chosen.table)
    path = RESULTS / f"{chosen.table}-{chosen.dataset}.csv"
    runs = [(sampler, seed) for sampler in chosen.samplers for seed in range(chosen.seeds)]
    add_missing(path, ("sampler", "seed"), runs, partial(run, table, chosen.dataset, chosen.budgets, chosen.near))
    summarise(read(path), random_seconds_to_near(table, chosen.dataset, chosen.near))


if __name__ == "__main__":
    main()
