"""A surrogate benchmark: a table that is predicted from another one, and answers for every architecture of its space.

As in NAS-Bench-301 (Zela et al., "Surrogate NAS Benchmarks: Going Beyond the Limited Search Spaces of Tabular NAS
Benchmarks", ICLR 2022), a predictor is fitted to the mean accuracies that were measured, and each answer carries the
noise of a training. There that noise is normal; here it is taken from trainings that were repeated with another seed.
"""

from __future__ import annotations

import copy
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from surrogate_nas.configuration import load
from surrogate_nas.errors import SettingError, TargetError
from surrogate_nas.metrics import kendall_tau
from surrogate_nas.predictor import Predictor
from surrogate_nas.predictor.validation import FOLDS, cross_predict
from surrogate_nas.settings import integer
from surrogate_nas.space import Population
from surrogate_nas.split import Split
from surrogate_nas.table import Column, Table
from surrogate_nas.table.parquet import digest

SEEDS = (1, 2, 3)
NEIGHBOURS = 300  # repeated trainings of nearest accuracy that the noise of an architecture is drawn from
DECIMALS = 2  # of a percent; finer than one of 10,000 images, and small in a file
SPLITS = (Split.VALID, Split.TEST)
Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SeedNoise:
    """How far trainings lay from the mean of their architecture.

    Attributes:
        accuracy: (m,) mean accuracy in percent on the first split, of each training's architecture, ascending.
        residuals: (m, splits) points that each training lay from its architecture's mean, scaled so that their
            variance is that between trainings although the mean is of few of them.
    """

    accuracy: Values
    residuals: Values

    def draw(self, means: Values, rng: np.random.Generator) -> Values:
        """Return (n, splits) residuals for architectures of (n,) mean accuracies on the first split.

        Each is that of one training of about this accuracy, on all splits alike: weak architectures scatter more than
        strong ones, and the splits of one training err together.
        """
        width = min(NEIGHBOURS, len(self.accuracy))
        nearest = np.searchsorted(self.accuracy, means) - width // 2
        start = nearest.clip(0, len(self.accuracy) - width)
        return self.residuals[start + rng.integers(width, size=len(means))]


def surrogate_table(
    table: Table,
    name: str,
    *,
    datasets: Sequence[str] | None = None,
    predictor: str | Predictor = "boosted",
    seeds: Sequence[int] = SEEDS,
    deviation: float | None = None,
    seed: int = 0,
    progress: bool = False,
) -> Table:
    """Return a table of predicted accuracies of every architecture of the space, as trainings with seeds would tell.

    Accuracies on validation and test images after the longest training are predicted; their labels are the means over
    the seeds that were measured. What is drawn depends on nothing but the data set, the architecture and the seed.

    Args:
        table: what was measured.
        name: of the new table.
        datasets: which data sets to predict; None for all.
        predictor: a name, or an unfitted predictor, of which copies are fitted.
        seeds: of the trainings that are imitated.
        deviation: standard deviation in points between seeds, for data sets of which no training was repeated.
        seed: of the fits.
        progress: show a progress bar.

    Returns:
        The table. Its provenance says what it was predicted from and by what, and for each split Kendall's tau between
        predictions and labels of held-out architectures beside that between two seeds.

    Raises:
        SettingError: no training was repeated and no deviation given, or a setting is outside what is allowed.
        NotMeasuredError: the table has no such data set.
    """
    if deviation is not None and not 0 <= deviation < np.inf:
        raise SettingError(f"the deviation between seeds is a number of points, at least 0, got {deviation}.")
    for each in seeds:
        integer("seeds", each)
    unfitted = load("predictor", predictor) if isinstance(predictor, str) else predictor
    population = table.space.representatives() if table.by_function else table.space.enumerate()
    columns: dict[Column, Values] = {}
    fits: list[dict[str, Any]] = []
    chosen = {dataset: _lengths(table, dataset) for dataset in datasets or table.datasets}
    noises = {dataset: _noise(table, dataset, lengths, deviation) for dataset, lengths in chosen.items()}
    bar = tqdm(total=sum(map(len, chosen.values())), disable=not progress, unit="split")
    with bar, threadpool_limits(1, user_api="blas"):
        for dataset, lengths in chosen.items():
            means = []
            for split, epochs in lengths.items():
                bar.set_description(f"{dataset} {split}")
                mean, fit = _predicted(table, population, unfitted, dataset, split, epochs, seed)
                means.append(mean)
                fits.append(fit)
                bar.update()
            columns |= _drawn(dataset, lengths, np.array(means), noises[dataset], seeds)
    provenance = {
        **{key: table.provenance[key] for key in ("licence", "citation") if key in table.provenance},
        "version": "1",
        "source": f"predicted by surrogate_nas from the table {table.name}; no value of it was measured",
        "surrogate": {
            "table": table.name,
            "table_sha256": digest(table),
            "table_source": table.provenance.get("source", ""),
            "predictor": unfitted.name,
            "predictor_settings": unfitted.settings(),
            "seed": seed,
            "fits": fits,
        },
    }
    return Table(name, population, columns, provenance, by_function=table.by_function)


def _lengths(table: Table, dataset: str) -> dict[Split, int]:
    """Return the longest training of each split that is predicted."""
    held = {
        split: max(column.epochs for column in table.columns if column[:3] == ("accuracy", dataset, split))
        for split in SPLITS
        if any(column[:3] == ("accuracy", dataset, split) for column in table.columns)
    }
    if not held:
        table.splits(dataset)  # raises where there is no such data set
        raise SettingError(f"table {table.name!r} holds no accuracy of {dataset} on {' or '.join(SPLITS)}.")
    return held


def _noise(table: Table, dataset: str, lengths: dict[Split, int], deviation: float | None) -> SeedNoise | float:
    """Return the noise between seeds that were measured, or the deviation that was given where none were.

    Raises:
        SettingError: neither is there.
    """
    held = [set(table.seeds(dataset, split, epochs)) for split, epochs in lengths.items()]
    seeds = sorted(set.intersection(*held))
    values = np.array(
        [
            [table.accuracy(dataset=dataset, split=split, epochs=epochs, seed=seed) for seed in seeds]
            for split, epochs in lengths.items()
        ]
    ).reshape(len(lengths), len(seeds), len(table))
    trained = ~np.isnan(values).any(axis=0)  # (seeds, n)
    repeated = trained.sum(axis=0) > 1
    if not repeated.any():
        if deviation is not None:
            return deviation
        splits = " and ".join(f"{split} after {epochs} epochs" for split, epochs in lengths.items())
        raise SettingError(
            f"table {table.name!r} repeats no training of {dataset} ({splits}) with a second seed, so the noise "
            "between seeds is not known: say how large it is with --deviation POINTS (0 for none), or choose another "
            "--dataset."
        )
    values, trained = values[:, :, repeated], trained[:, repeated]
    values = np.where(trained, values, np.nan)
    means = np.nanmean(values, axis=1, keepdims=True)  # (splits, 1, architectures)
    count = trained.sum(axis=0)
    residuals = (values - means) * np.sqrt(count / (count - 1))
    accuracy = np.broadcast_to(means[0], trained.shape)[trained]
    order = np.argsort(accuracy, kind="stable")
    return SeedNoise(accuracy[order], residuals[:, trained].T[order])


def _predicted(
    table: Table, population: Population, unfitted: Predictor, dataset: str, split: Split, epochs: int, seed: int
) -> tuple[Values, dict[str, Any]]:
    """Return the (n,) predicted means in percent of a population, and what is to be said of the fit.

    What is fitted to is the percentage of labels that are worse, turned back into an accuracy by their distribution:
    predictors do not tell apart what fails to train, and a table of them must.
    """
    labels = table.accuracy(dataset=dataset, split=split, epochs=epochs)
    known = np.flatnonzero(~np.isnan(labels))
    measured, labels = table.population[known], labels[known]
    if len(np.unique(measured.key)) < FOLDS:
        raise TargetError(
            f"table {table.name!r} holds {len(known)} accuracies of {dataset} {split}; a surrogate needs those of at "
            f"least {FOLDS} different functions."
        )
    rng = np.random.default_rng([seed, zlib.crc32(f"{dataset} {split}".encode())])
    worse = 100 * (rankdata(labels) - 0.5) / len(labels)
    held_out = cross_predict(unfitted, measured, worse, rng=rng)
    predicted = copy.deepcopy(unfitted).fit(measured, worse, rng=rng).predict(population).mean
    fit = {
        "dataset": dataset,
        "split": str(split),
        "epochs": epochs,
        "labels": len(known),
        "held_out_kendall_tau": _rounded(kendall_tau(held_out.mean, labels)),
        "kendall_tau_between_seeds": _ceiling(table, dataset, split, epochs),
    }
    return np.interp(predicted, np.sort(worse), np.sort(labels)), fit


def _ceiling(table: Table, dataset: str, split: Split, epochs: int) -> float | None:
    """Return Kendall's tau between the first two seeds, over the architectures with both; None where there are none."""
    seeds = table.seeds(dataset, split, epochs)[:2]
    values = np.array([table.accuracy(dataset=dataset, split=split, epochs=epochs, seed=seed) for seed in seeds])
    both = ~np.isnan(values).any(axis=0) if len(seeds) == 2 else np.zeros(len(table), dtype=bool)
    return _rounded(kendall_tau(*values[:, both])) if both.sum() > 1 else None


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 4)


def _drawn(
    dataset: str, lengths: dict[Split, int], means: Values, noise: SeedNoise | float, seeds: Sequence[int]
) -> dict[Column, Values]:
    """Return the columns of each seed: the (splits, n) means and noise."""
    columns: dict[Column, Values] = {}
    for seed in seeds:
        rng = np.random.default_rng([seed, zlib.crc32(dataset.encode())])
        if isinstance(noise, SeedNoise):
            residuals = noise.draw(means[0], rng).T
        else:
            residuals = rng.normal(scale=noise, size=means.shape)
        values = (means + residuals).clip(0, 100).round(DECIMALS)
        columns |= {
            Column("accuracy", dataset, split, epochs, seed): of_split
            for (split, epochs), of_split in zip(lengths.items(), values, strict=True)
        }
    return columns
