"""What does more training do to the order of architectures? See README.md beside this file.

    SURROGATE_NAS_DATA=FOLDER python -m benchmarks.predictor.growth --folder runs/growth

Trains 300 classes of cells of nb201-digits again, on twice the images; that takes twenty minutes, a kill loses no
finished training, and --lengths does without. Writes results/growth.csv: how well predictions, fitted to all labels of
less training, rank the labels of more, once they are told of it with exponents of several sizes.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from surrogate_nas import configuration, load_predictor, load_table
from surrogate_nas.build import build_table, plan, provenance
from surrogate_nas.metrics import kendall_tau
from surrogate_nas.predictor import Prediction, Predictor
from surrogate_nas.predictor.growth import EXPONENT, grown
from surrogate_nas.record import write_csv
from surrogate_nas.space import Population
from surrogate_nas.split import Split
from surrogate_nas.table import Table
from surrogate_nas.verification.data import digits

EXPONENTS = (0.0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1)
LENGTHS = (12, 200)  # epochs
IMAGES = 2000  # behind the labels of nb201-digits


class Pair(NamedTuple):
    """Predictions of n architectures after less training, and their labels after more."""

    name: str
    population: Population
    before: Prediction
    after: NDArray[np.float64]
    growth: float


def main() -> None:
    """Rank the labels of more training by those of less."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("runs/growth"), help="of the tables that are trained")
    parser.add_argument("--classes", type=int, default=300, help="of equal function, of which one cell is trained")
    parser.add_argument("--lengths", action="store_true", help="only what tables tell, without a training")
    asked = parser.parse_args()
    pairs = [of_lengths("cifar100"), of_lengths("cifar10")]
    if not asked.lengths:
        pairs.append(of_images(asked.folder, asked.classes))
    rows = []
    for pair in pairs:
        for exponent in EXPONENTS:
            told = grown(pair.before, pair.population, growth=pair.growth ** (exponent / EXPONENT))
            tau = round(kendall_tau(told.mean, pair.after), 4)
            rows.append({"pair": pair.name, "growth": round(pair.growth, 2), "exponent": exponent, "kendall_tau": tau})
            print(rows[-1], flush=True)
    write_csv(Path(__file__).parent / "results" / "growth.csv", rows)


def of_lengths(dataset: str) -> Pair:
    """Return the validation labels of both lengths of training."""
    table = load_table("nb201")
    short, long = (table.accuracy(dataset=dataset, split=Split.VALID, epochs=epochs) for epochs in LENGTHS)
    before = smoothed(table.population, short).predict(table.population)
    return Pair(f"{dataset}, epochs", table.population, before, long, LENGTHS[1] / LENGTHS[0])


def of_images(folder: Path, classes: int) -> Pair:
    """Return the validation labels of digits after training on one and on twice as many images."""
    table = load_table("nb201-digits")
    fitted = smoothed(table.population, table.accuracy(dataset="digits", split=Split.VALID))
    more = trained(folder / f"digits-{2 * IMAGES}.parquet", 2 * IMAGES, classes)
    after = more.accuracy(dataset="digits", split=Split.VALID)
    return Pair("digits, images", more.population, fitted.predict(more.population), after, 2)


def trained(path: Path, images: int, classes: int) -> Table:
    """Return the table at a path, after training what it lacks."""
    task, recipe = partial(digits, train=images), configuration.load("recipe", "digits")
    return build_table(
        path,
        plan(load_table("nb201-digits").space, classes=classes, seeds=[777]),
        task,
        recipe,
        name=path.stem,
        dataset="digits",
        provenance=provenance("digits", task, "digits", recipe),
    )


def smoothed(population: Population, labels: NDArray[np.float64]) -> Predictor:
    """Return a predictor fitted to all labels: noise in them would speak for anything that tells of accuracy, too."""
    return load_predictor("boosted", depth=5, trees=600, learning_rate=0.05, leaning=False).fit(
        population, labels, rng=np.random.default_rng(0)
    )


if __name__ == "__main__":
    main()
