"""Targets on the scale that predictors learn on: accuracies by their logarithmic error, costs by their logarithm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.errors import SettingError, TargetError, expected

TargetKind = Literal["accuracy", "cost", "value"]
LEAST_ERROR = 0.01  # percent; a perfect accuracy has a finite score
LEAST_WIDTH = 0.1  # of equal targets, which tell no scale: a tenth of the error, for accuracies
CLIP = 4.0  # robust deviations below the median; what failed is all alike bad


@dataclass(frozen=True)
class TargetScale:
    """An invertible map between targets and scores of mean 0 and deviation about 1.

    For accuracies in percent the score is an affine map of -log(100 - accuracy), which tells the best apart, and for
    costs, such as milliseconds, of their logarithm. Other targets are only centred and scaled.

    Attributes:
        kind: "accuracy" (percent), "cost" (positive) or "value".
        centre, width: of the affine map.
        floor: the least score; lower ones are clipped.
    """

    kind: TargetKind
    centre: float
    width: float
    floor: float

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
        raw = cls(kind, 0.0, 1.0, -np.inf).score(targets)
        median = float(np.median(raw))
        spread = 1.4826 * float(np.median(np.abs(raw - median)))  # the deviation of normal data
        kept = raw.clip(min=median - CLIP * spread) if spread > 0 else raw
        width = float(kept.std()) or LEAST_WIDTH
        centre = float(kept.mean())
        return cls(kind, centre, width, float((kept.min() - centre) / width))

    def numbers(self) -> NDArray[np.float64]:
        """Return centre, width and floor, to be saved."""
        return np.array([self.centre, self.width, self.floor])

    def score(self, targets: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (n,) scores of targets."""
        if self.kind == "accuracy":
            raw = -np.log(np.maximum(100 - targets, LEAST_ERROR))
        else:
            raw = np.log(targets) if self.kind == "cost" else targets
        return ((raw - self.centre) / self.width).clip(min=self.floor)

    def target(self, score: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (n,) targets of scores."""
        raw = score * self.width + self.centre
        if self.kind == "accuracy":
            return (100 - np.exp(-raw)).clip(0, 100)
        return np.exp(raw) if self.kind == "cost" else raw

    def deviation(self, score: NDArray[np.float64], std: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (n,) deviations of targets, to first order, for scores of these deviations."""
        raw = score * self.width + self.centre
        slope = {"accuracy": np.exp(-raw), "cost": np.exp(raw), "value": np.ones_like(raw)}[self.kind]
        return np.asarray(self.width * slope * std)
