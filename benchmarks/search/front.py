"""How much of the true front of accuracy and a cost is found after how many queries? See README.md beside this file.

    python benchmarks/search/front.py nb201 cifar10 pixel3_latency_ms --seeds 20
    python benchmarks/search/front.py nb201 cifar100 flops_millions --seeds 20 --samplers surrogate nsga2 tpe random

Adds a row a run to results/front.csv, leaves out the runs that it holds, and prints what all of them say. The sampler
"optuna" is ours in an Optuna study of its own, which learns the cost from what was measured.
"""

from __future__ import annotations

import argparse

import numpy as np
import optuna
from rows import RESULTS, add_missing, interval, read

from surrogate_nas import SurrogateSampler, load_table, search
from surrogate_nas.pareto import front, hypervolume
from surrogate_nas.search.limits import cost as cost_of
from surrogate_nas.table import Table

MARKS = (25, 50, 100)  # queries after which the volume is told
KEYS = ("table", "dataset", "epochs", "cost", "sampler", "seed")


def measured(table: Table, dataset: str, epochs: int, cost: str, sampler: str, seed: int) -> np.ndarray:
    """Return the (queries, 2) points of one run: accuracies, and costs with their sign turned."""
    if sampler != "optuna":
        found = search(
            table=table,
            dataset=dataset,
            epochs=epochs,
            objectives=["accuracy", cost],
            sampler=sampler,
            budget=MARKS[-1],
            seed=seed,
        )
        return np.array([[trial.valid, -trial[cost]] for trial in found.trials])
    everything = points_of(table, dataset, epochs, cost)
    space = table.space

    def objective(trial: optuna.Trial) -> tuple[float, float]:
        cell = space.choose({d.name: trial.suggest_categorical(d.name, d.options) for d in space.decisions})
        accuracy, turned = everything[table.find(cell)[0]]
        return float(accuracy), float(-turned)

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=SurrogateSampler(space, seed=seed))
    study.optimize(objective, n_trials=MARKS[-1])
    return np.array([[trial.values[0], -trial.values[1]] for trial in study.trials])


def points_of(table: Table, dataset: str, epochs: int, cost: str) -> np.ndarray:
    """Return the (n, 2) points of the whole table."""
    accuracy = table.accuracy(dataset=dataset, split="valid", epochs=epochs)
    return np.column_stack([accuracy, -cost_of(cost, table.population, table=table, dataset=dataset)])


def run(table: Table, dataset: str, epochs: int, cost: str, sampler: str, seed: int) -> dict[str, object]:
    """Return the part of the true front's volume that one run found, above a wide and a tight reference."""
    everything = points_of(table, dataset, epochs, cost)
    best = everything[front(everything)]
    references = {
        "wide": np.array([0.0, everything[:, 1].min()]),
        "tight": np.array([np.median(everything[:, 0]), best[:, 1].min() - 1e-9]),
    }
    points = measured(table, dataset, epochs, cost, sampler, seed)
    return {
        f"{name}_{mark}": round(hypervolume(points[:mark], at) / hypervolume(best, at), 5)
        for name, at in references.items()
        for mark in MARKS
    }


def main() -> None:
    """Run what is not there yet, and print what all runs say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table")
    parser.add_argument("dataset")
    parser.add_argument("costs", nargs="+")
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--samplers", nargs="+", default=["surrogate", "nsga2"])
    chosen = parser.parse_args()
    table, path = load_table(chosen.table), RESULTS / "front.csv"
    runs = [
        (chosen.table, chosen.dataset, chosen.epochs, cost, sampler, seed)
        for seed in range(chosen.seeds)
        for cost in chosen.costs
        for sampler in chosen.samplers
    ]
    add_missing(path, KEYS, runs, lambda _, *what: run(table, *what))
    summarise(read(path))


def summarise(rows: list[dict[str, str]]) -> None:
    """Print a line for each task and sampler."""
    for group in sorted({tuple(row[key] for key in KEYS[:-1]) for row in rows}):
        own = [row for row in rows if tuple(row[key] for key in KEYS[:-1]) == group]
        print(" ".join(group), f"({len(own)} runs)")
        for name in ("wide", "tight"):
            parts = {mark: np.array([float(row[f"{name}_{mark}"]) for row in own]) for mark in MARKS}
            told = ", ".join(f"{mark}: {p.mean():.4f} ± {interval(p):.4f}" for mark, p in parts.items())
            print(f"    {name} reference, part of the volume at {told}; worst {parts[MARKS[-1]].min():.4f}")


if __name__ == "__main__":
    main()
