"""How far two trainings of one architecture lie apart, learned from those that a table repeats with several seeds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surrogate_nas.errors import NotMeasuredError
from surrogate_nas.split import Split
from surrogate_nas.table.table import Table

NEIGHBOURS = 100  # architectures that a deviation is pooled over: its own relative error is about 1 / sqrt(200)


@dataclass(frozen=True)
class SeedNoise:
    """The deviation between seeds as a function of accuracy: weak cells scatter more than strong ones.

    Attributes:
        accuracy: (m,) mean accuracies in percent of the architectures with several seeds, ascending.
        deviation: (m,) standard deviations between seeds in points, pooled over the architectures of nearest accuracy.
        freedom: degrees of freedom that the least supported deviation rests on.
    """

    accuracy: NDArray[np.float64]
    deviation: NDArray[np.float64]
    freedom: int

    def at(self, accuracy: ArrayLike) -> NDArray[np.float64]:
        """Return the (n,) deviations in points between seeds of architectures of (n,) accuracies in percent."""
        return np.asarray(np.interp(np.asarray(accuracy, dtype=np.float64), self.accuracy, self.deviation))


def seed_noise(
    table: Table, *, dataset: str, split: Split | str, epochs: int | None = None, neighbours: int = NEIGHBOURS
) -> SeedNoise:
    """Return the noise between seeds of one column of a table.

    The variance is pooled within architectures, over windows of ``neighbours`` of them sorted by mean accuracy.

    Raises:
        NotMeasuredError: no architecture has two seeds, or the table has no such column.
    """
    split = Split.of(split)
    epochs = max(table.epochs(dataset, split)) if epochs is None else epochs
    seeds = table.seeds(dataset, split, epochs)
    values = np.array([table.accuracy(dataset=dataset, split=split, epochs=epochs, seed=seed) for seed in seeds])
    counts = (~np.isnan(values)).sum(axis=0) if seeds else np.zeros(len(table), dtype=np.int64)
    repeated = counts > 1
    if not repeated.any():
        raise NotMeasuredError(
            f"table {table.name!r} holds no architecture with two seeds on {dataset} {split} after {epochs} epochs, so "
            "the noise between seeds is not known; measure some again with another seed."
        )
    means = np.nanmean(values[:, repeated], axis=0)
    order = np.argsort(means, kind="stable")
    squares = np.nansum((values[:, repeated] - means) ** 2, axis=0)[order]
    freedom = (counts[repeated] - 1)[order]
    pooled, supported = _windowed(squares, neighbours), _windowed(freedom, neighbours)
    return SeedNoise(means[order], np.sqrt(pooled / supported), int(supported.min()))


def _windowed(values: NDArray[np.generic], width: int) -> NDArray[np.float64]:
    """Return the (m,) sums over the nearest ``width`` positions; windows at the ends stay as wide, and lie askew."""
    m = len(values)
    width = min(width, m)
    start = np.clip(np.arange(m) - width // 2, 0, m - width)
    summed = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    return np.asarray(summed[start + width] - summed[start])
