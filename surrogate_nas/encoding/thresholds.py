"""Features as answers to "more than this much?", which smooth predictors learn better from than from counts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.encoding.features import features
from surrogate_nas.encoding.neighbourhood import heard
from surrogate_nas.space import Population, SearchSpace, distinct
from surrogate_nas.space.cell import CellSpace

QUANTILES = np.linspace(0.05, 0.95, 10)
SPACE_ROWS = 20_000  # draws of architectures that stand for a space


@dataclass(frozen=True, eq=False)
class ThresholdCode:
    """Standardised answers to whether a feature exceeds thresholds between its quantiles.

    A feature that rarely differs has no threshold and drops out. Gorishniy et al., "On Embeddings for Numerical
    Features in Tabular Deep Learning" (NeurIPS 2022, section 3.2), place thresholds alike.

    Attributes:
        columns: (c,) int64, the feature that each answer is about.
        thresholds: (c,) what it is compared with.
        centre: (c,) mean answer where the code was fitted.
        spread: (c,) standard deviation of the answers there.
    """

    columns: NDArray[np.int64]
    thresholds: NDArray[np.float64]
    centre: NDArray[np.float64]
    spread: NDArray[np.float64]

    @classmethod
    def fit(cls, features: NDArray[np.float32]) -> Self:
        """Return the code with thresholds halfway between consecutive different quantiles of (n, f) features.

        The quantiles are values that occur, so that different thresholds give different answers.
        """
        quantiles = np.quantile(features.astype(np.float64), QUANTILES, axis=0, method="inverted_cdf")
        lower, upper = quantiles[:-1], quantiles[1:]
        rows, columns = np.nonzero(upper > lower)
        thresholds = (lower[rows, columns] + upper[rows, columns]) / 2
        answers = features.take(columns, axis=1) > thresholds
        return cls(columns, thresholds, answers.mean(axis=0), answers.std(axis=0))

    def __call__(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the (n, c) code of (n, f) features."""
        answers = features.take(self.columns, axis=1) > self.thresholds
        return np.where(answers, (1 - self.centre) / self.spread, -self.centre / self.spread)

    def numbers(self) -> NDArray[np.float64]:
        """Return columns, thresholds, centre and spread as (4, c) numbers, to be saved."""
        return np.stack([self.columns, self.thresholds, self.centre, self.spread])

    @classmethod
    def of(cls, numbers: NDArray[np.float64]) -> Self:
        """Return the code that ``numbers`` told."""
        columns, thresholds, centre, spread = numbers
        return cls(columns.astype(np.int64), thresholds, centre, spread)


@lru_cache
def space_code(space: SearchSpace) -> ThresholdCode:
    """Return the code of a space, fitted to architectures drawn from it once and for all, each function once."""
    drawn = space.at(np.random.default_rng(0).integers(space.size, size=SPACE_ROWS))
    return ThresholdCode.fit(features(distinct(space.represent(drawn))))


def surroundings(population: Population) -> NDArray[np.float32]:
    """Return the (n, c) code of the whole space, of cells the mean with those around them."""
    space = population.space
    if not isinstance(space, CellSpace):
        return space_code(space)(features(population)).astype(np.float32)
    return _heard_code(space)[np.searchsorted(space.representatives().index, space.represent(population).index)]


@lru_cache
def _heard_code(space: CellSpace) -> NDArray[np.float32]:
    """Return the (classes, c) code of the representatives together with what is around them."""
    return heard(space_code(space)(features(space.representatives())), space).astype(np.float32)
