"""Targets on the scale that predictors learn on: accuracies by their logarithmic error, costs by their logarithm."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.errors import SettingError, TargetError, expected

TargetKind = Literal["accuracy", "cost", "value"]
LEAST_ERROR = 0.01  # percent; a perfect accuracy has a finite score
LEAST_WIDTH = 0.1  # of equal targets, which tell no scale: a tenth of the error, for accuracies
FAR = 4.0  # robust deviations below the median, where scores are bent
NEAR = 1.0  # the same of many accuracies
FEW = 40  # accuracies that are bent one deviation farther: few tell less of the spread, and need the low ones more
DEEPEST = 20.0  # of what is bent, on the way back: e^20 units below the knee, and no overflow
LEAST_LOGARITHM = -700.0  # of a cost, on the way back: it remains positive


@dataclass(frozen=True)
class TargetScale:
    """An invertible map between targets and scores of mean 0 and deviation about 1.

    For accuracies in percent the score is an affine map of -log(100 - accuracy), which tells the best apart, and for
    costs, such as milliseconds, of their logarithm. Other targets are only centred and scaled. Below a knee all of them
    go on as a logarithm: how bad the worst are tells little of the others, and what failed is nearly all alike bad.

    Attributes:
        kind: "accuracy" (percent), "cost" (positive) or "value".
        centre, width: of the affine map, which comes last.
        knee, unit: what lies x units below the knee, before the affine map, is put log(1 + x) units below it.
    """

    kind: TargetKind
    centre: float = 0.0
    width: float = 1.0
    knee: float = -np.inf
    unit: float = 1.0

    @classmethod
    def fit(cls, targets: NDArray[np.float64], kind: TargetKind) -> TargetScale:
        """Return the scale of these (n,) targets.

        Raises:
            TargetError: accuracies outside 0 to 100, or costs that are not positive.
            SettingError: there is no such kind.
        """
        if kind not in get_args(TargetKind):
            raise SettingError(expected("kind of target", kind, get_args(TargetKind)))
        if kind == "cost" and (targets <= 0).any():
            raise TargetError(f"costs are positive, got {targets.min()}; leave failed measurements out.")
        if kind == "accuracy" and ((targets < 0) | (targets > 100)).any():
            raise TargetError(f"accuracies lie in 0 to 100 percent, got {targets.min()} to {targets.max()}.")
        raw = cls(kind).score(targets)
        median = float(np.median(raw))
        spread = 1.4826 * float(np.median(np.abs(raw - median)))  # the deviation of normal data
        deviations = min(NEAR + FEW / len(targets), FAR) if kind == "accuracy" else FAR
        bent = cls(kind, knee=median - deviations * spread, unit=spread) if spread > 0 else cls(kind)
        score = bent.score(targets)
        return replace(bent, centre=float(score.mean()), width=float(score.std()) or LEAST_WIDTH)

    def numbers(self) -> NDArray[np.float64]:
        """Return centre, width, knee and unit, to be saved."""
        return np.array([self.centre, self.width, self.knee, self.unit])

    def score(self, targets: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (n,) scores of targets."""
        if self.kind == "accuracy":
            raw = -np.log(np.maximum(100 - targets, LEAST_ERROR))
        else:
            raw = np.log(targets) if self.kind == "cost" else targets
        below = ((self.knee - raw) / self.unit).clip(min=0)
        bent = np.where(below > 0, self.knee - self.unit * np.log1p(below), raw)
        return np.asarray((bent - self.centre) / self.width)

    def target(self, score: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (n,) targets of scores."""
        raw, _ = self._raw(score)
        if self.kind == "accuracy":
            return (100 - np.exp(-raw)).clip(0, 100)
        return np.exp(raw) if self.kind == "cost" else raw

    def deviation(self, score: NDArray[np.float64], std: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (n,) deviations of targets, to first order, for scores of these deviations."""
        raw, slope = self._raw(score)
        if self.kind != "value":
            slope = slope * np.exp(-raw if self.kind == "accuracy" else raw)
        return np.asarray(slope * std)

    def score_deviation(self, score: NDArray[np.float64], std: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (n,) deviations of these scores, to first order, for targets of these deviations."""
        return np.asarray(std / self.deviation(score, np.ones_like(score)))

    def _raw(self, score: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return (n,) logarithms, or values, before they were bent and scaled, and by how much they change by score."""
        bent = score * self.width + self.centre
        below = ((self.knee - bent) / self.unit).clip(0, DEEPEST)
        raw = np.where(below > 0, self.knee - self.unit * np.expm1(below), bent)
        if self.kind != "value":  # no accuracy lies below zero, and no cost at it
            raw = raw.clip(min=-np.log(100) if self.kind == "accuracy" else LEAST_LOGARITHM)
        return raw, self.width * np.exp(below)
