"""How well do two seeds of a digits recipe agree, and with real CIFAR-10 results? See README.md beside this file.

    SURROGATE_NAS_DATA=FOLDER python benchmarks/table/run.py recipes --cells 48

Trains random cells of NAS-Bench-201 with two seeds for each recipe, and writes results/recipes.csv.
"""

from __future__ import annotations

import argparse
import csv
from functools import partial
from pathlib import Path

import numpy as np

from surrogate_nas import load_table
from surrogate_nas.metrics import kendall_tau
from surrogate_nas.space import NB201
from surrogate_nas.verification.data import digits
from surrogate_nas.verification.recipe import Recipe
from surrogate_nas.verification.verify import verify

SEEDS = (1, 2)
SMALL = {"channels": 8, "cells_per_stage": 1, "flip": False, "crop_padding": 0}
RECIPES = {
    "chosen": ({}, {"epochs": 4, "batch_size": 64, "learning_rate": 0.05}),
    "two distractors": ({"distractors": 2}, {"epochs": 4, "batch_size": 64, "learning_rate": 0.05}),
    "learning rate 0.1": ({}, {"epochs": 4, "batch_size": 64, "learning_rate": 0.1}),
    "learning rate 0.025": ({}, {"epochs": 4, "batch_size": 64, "learning_rate": 0.025}),
    "canvas 12, 3 distractors": (
        {"canvas": 12, "distractors": 3},
        {"epochs": 4, "batch_size": 64, "learning_rate": 0.05},
    ),
}


def main() -> None:
    """Train every recipe, and print and write how well its seeds agree."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=48)
    real = load_table("nb201")
    cells = NB201.sample(parser.parse_args().cells, rng=np.random.default_rng(3))
    cifar10 = real.accuracy(dataset="cifar10", split="valid")[real.find(cells)]
    rows = []
    for name, (data, recipe) in RECIPES.items():
        trainings = verify(cells, partial(digits, **data), Recipe(**SMALL, **recipe), seeds=SEEDS, progress=True)
        valid = np.array([training.valid for training in trainings]).reshape(len(cells), len(SEEDS))
        rows.append(
            {
                "recipe": name,
                "cells": len(cells),
                "tau_between_seeds": round(kendall_tau(valid[:, 0], valid[:, 1]), 3),
                "tau_with_cifar10": round(kendall_tau(valid.mean(axis=1), cifar10), 3),
                "median_accuracy": round(float(np.median(valid)), 2),
                "seconds_a_training": round(float(np.mean([training.seconds for training in trainings])), 2),
            }
        )
        print(rows[-1])
    with (Path(__file__).parent / "results" / "recipes.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
