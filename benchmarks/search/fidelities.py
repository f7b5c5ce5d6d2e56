"""What do short trainings save on the way to a near-optimal long one? See README.md beside this file.

    python benchmarks/search/fidelities.py nb201 cifar10 --seeds 50
    python benchmarks/search/fidelities.py nb201 cifar10 --seeds 20 --methods hyperband

Adds a row a run to results/fidelities.csv, leaves out the runs that it holds, and prints what all of them say. A method
is a sampler with both lengths, or "surrogate-long" with the longest only. A run goes on until a long training is near
the optimum, its budget of seconds doubling meanwhile; all trainings that were finished by then are paid.
"""

from __future__ import annotations

import argparse
import tempfile
import time

import numpy as np
from rows import RESULTS, add_missing, interval, read
from run import NEAR

from surrogate_nas import load_table, search
from surrogate_nas.table import Table

FIRST, MOST = 25_000, 400_000  # seconds of the first budget, and of the last one
KEYS = ("table", "dataset", "method", "seed")
LONG = "-long"


def run(table: Table, lengths: list[int], near: float, dataset: str, method: str, seed: int) -> dict[str, object]:
    """Return what one run paid."""
    values = table.accuracy(dataset=dataset, split="valid", epochs=lengths[-1])
    goal = np.nanmax(values) - near - 1e-9  # accuracies are decimal fractions
    fidelities = {} if method.endswith(LONG) else {"fidelities": lengths}
    start, seconds = time.process_time(), FIRST
    with tempfile.TemporaryDirectory() as folder:
        while True:
            result = search(
                table=table,
                dataset=dataset,
                sampler=method.removesuffix(LONG),
                seconds=seconds,
                seed=seed,
                folder=folder,
                **fidelities,
            )
            best = np.array([trial.best_valid for trial in result.trials])
            close = np.flatnonzero(best >= goal)
            if len(close) or seconds >= MOST:
                break
            seconds *= 2
    paid = np.cumsum([trial.seconds for trial in result.trials])
    trials = result.trials[: close[0] + 1] if len(close) else result.trials
    long = [trial.get("epochs", lengths[-1]) == lengths[-1] for trial in trials]
    return {
        "seconds_to_near": round(float(paid[close[0]])) if len(close) else "",
        "long_trainings": sum(long),
        "short_trainings": len(long) - sum(long),
        "cpu_seconds": round(time.process_time() - start, 2),
    }


def main() -> None:
    """Run what is not there yet, seed by seed, and print what all runs say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table")
    parser.add_argument("datasets", nargs="+")
    parser.add_argument("--lengths", type=int, nargs="+", default=[12, 200])
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--methods", nargs="+", default=["surrogate", "surrogate-long"])
    parser.add_argument("--near", type=float, default=NEAR)
    chosen = parser.parse_args()
    table, path = load_table(chosen.table), RESULTS / "fidelities.csv"
    runs = [
        (table.name, dataset, method, seed)
        for seed in range(chosen.seeds)
        for dataset in chosen.datasets
        for method in chosen.methods
    ]
    add_missing(path, KEYS, runs, lambda _, *what: run(table, chosen.lengths, chosen.near, *what))
    summarise(read(path))


def summarise(rows: list[dict[str, str]]) -> None:
    """Print a line for each task and method, and what both lengths need of the seconds of the long one alone."""
    for task in sorted({(row["table"], row["dataset"]) for row in rows}):
        own = [row for row in rows if (row["table"], row["dataset"]) == task]
        seconds = {
            method: {int(row["seed"]): float(row["seconds_to_near"] or "inf") for row in own if row["method"] == method}
            for method in sorted({row["method"] for row in own})
        }
        for method, of_seed in seconds.items():
            values = np.array(list(of_seed.values()))
            near = values[np.isfinite(values)]
            counts = np.array(
                [
                    [int(row[f"{kind}_trainings"]) for kind in ("long", "short")]
                    for row in own
                    if row["method"] == method
                ]
            )
            print(
                f"{' '.join(task)} {method} ({len(values)} runs, {len(near)} near): seconds mean {near.mean():,.0f} ± "
                f"{interval(near):,.0f}, median {np.median(values):,.0f}; long and short trainings "
                f"{counts.mean(axis=0).round(1).tolist()}"
            )
            base = seconds.get("surrogate" + LONG, {})
            both = sorted(set(base) & set(of_seed))
            if method != "surrogate" + LONG and both and all(np.isfinite([of_seed[s] for s in both])):
                print(f"    of the long ones alone: {part(of_seed, base, both)}")


def part(of_seed: dict[int, float], base: dict[int, float], seeds: list[int]) -> str:
    """Return the ratio of the mean seconds, with a bootstrap interval over the seeds that both ran with."""
    pairs = np.array([[of_seed[seed], base[seed]] for seed in seeds])
    drawn = pairs[np.random.default_rng(0).integers(len(pairs), size=(2000, len(pairs)))].mean(axis=1)  # (2000, 2)
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], [0.025, 0.975])
    return f"{pairs[:, 0].mean() / pairs[:, 1].mean():.2f} [{low:.2f}, {high:.2f}] over {len(seeds)} seeds"


if __name__ == "__main__":
    main()
