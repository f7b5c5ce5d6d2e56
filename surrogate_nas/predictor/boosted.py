"""Gradient-boosted trees (XGBoost) on the cell features."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import xgboost
from numpy.typing import NDArray

from surrogate_nas.encoding.features import all_features
from surrogate_nas.encoding.trend import trend
from surrogate_nas.errors import SettingError
from surrogate_nas.predictor.base import Arrays, Prediction, Predictor, Values
from surrogate_nas.predictor.beyond import slope
from surrogate_nas.predictor.calibration import folds, held_out
from surrogate_nas.predictor.targets import TargetKind, TargetScale
from surrogate_nas.settings import integer
from surrogate_nas.space import Population


class Boosted(Predictor):
    """The mean of several XGBoost ensembles, each fitted to another random part of the architectures and features.

    Trees cannot go on beyond the labels: what a slope with size leaves is what they learn (``predictor.beyond``).

    Each member leaves out a fold of the architectures, or what its bootstrap sample does not hold: those tell how far
    predictions are off. The deviation is that distance, larger where the members disagree.

    Args:
        members: number of XGBoost ensembles.
        trees: trees of each.
        depth: greatest depth of a tree.
        learning_rate: shrinkage of each tree.
        subsample: share of the architectures that a tree sees.
        column_sample: share of the features that a tree sees.
        bagging: fit each member to a bootstrap sample instead of to all folds but one.
        leaning: whether that slope is taken off first; where all labels of a space are known, nothing lies beyond.
        target: what is predicted; accuracies are learned by their logarithmic error.
    """

    name = "boosted"

    def __init__(
        self,
        *,
        members: int = 5,
        trees: int = 300,
        depth: int = 3,
        learning_rate: float = 0.1,
        subsample: float = 0.8,
        column_sample: float = 0.25,
        bagging: bool = False,
        leaning: bool = True,
        target: TargetKind = "accuracy",
    ) -> None:
        self.members = members
        self.trees = trees
        self.depth = depth
        self.learning_rate = learning_rate
        self.subsample = subsample
        self.column_sample = column_sample
        self.bagging = bagging
        self.leaning = leaning
        self.target = target

    def settings(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        numbers = ("members", "trees", "depth", "learning_rate", "subsample", "column_sample")
        return {name: getattr(self, name) for name in (*numbers, "bagging", "leaning", "target")}

    def _fit(self, population: Population, targets: Values, weights: Values, rng: np.random.Generator) -> Prediction:
        integer("boosted: members", self.members, least=1)
        integer("boosted: trees", self.trees, least=1)
        self.scale_ = TargetScale.fit(targets, self.target)
        x, score = all_features(population), self.scale_.score(targets)
        self.slope_ = slope(population, score, weights) if self.leaning else 0.0
        line, n = self.slope_ * trend(population), len(score)
        if self.bagging:
            drawn = rng.multinomial(n, np.full(n, 1 / n), size=self.members)  # (members, n)
        else:
            drawn = (folds(len(population), self.members, rng=rng) != np.arange(self.members)[:, None]).astype(np.int64)
        seeds = rng.integers(2**31, size=self.members)
        everything = xgboost.DMatrix(x, nthread=1)

        def fit(member: int) -> tuple[xgboost.Booster, Values]:
            parameters = {
                "max_depth": self.depth,
                "learning_rate": self.learning_rate,
                "subsample": self.subsample,
                "colsample_bytree": self.column_sample,
                "seed": int(seeds[member]),
                "nthread": 1,  # members run side by side, and one thread adds in one order
            }
            kept = drawn[member] > 0
            data = xgboost.DMatrix(x[kept], (score - line)[kept], weight=(weights * drawn[member])[kept], nthread=1)
            booster = xgboost.train(parameters, data, self.trees)
            return booster, booster.predict(everything) + line

        try:
            with ThreadPoolExecutor(self.members) as pool:
                self.boosters_, scores = zip(*pool.map(fit, range(self.members)), strict=True)
        except xgboost.core.XGBoostError as error:  # names the parameter that it refuses, and its range
            raise SettingError(f"boosted: {str(error).splitlines()[0]}.") from error
        mean, std, self.residual_ = held_out(np.stack(scores), drawn == 0, score)
        return self._prediction(mean, std)

    def _predict(self, population: Population) -> Prediction:
        data = xgboost.DMatrix(all_features(population), nthread=1)
        with ThreadPoolExecutor(self.members) as pool:
            left = np.stack(list(pool.map(lambda booster: booster.predict(data), self.boosters_)))
        scores = left + self.slope_ * trend(population)
        return self._prediction(scores.mean(axis=0), scores.std(axis=0))

    def _prediction(self, mean: Values, spread: Values) -> Prediction:
        """Return the prediction of (n,) mean scores of the members, whose deviations are the (n,) spread."""
        return Prediction(self.scale_.target(mean), self.scale_.deviation(mean, np.sqrt(spread**2 + self.residual_**2)))

    def _state(self) -> Arrays:
        state = {
            f"booster_{member}": np.frombuffer(booster.save_raw("json"), dtype=np.uint8)
            for member, booster in enumerate(self.boosters_)
        }
        numbers = {"residual": np.array(self.residual_), "slope": np.array(self.slope_)}
        return {**state, **numbers, "scale": self.scale_.numbers()}

    def _restore(self, state: Arrays) -> None:
        self.scale_ = TargetScale(self.target, *state["scale"].tolist())
        self.residual_, self.slope_ = state["residual"].item(), state["slope"].item()
        self.boosters_ = tuple(_booster(state[f"booster_{member}"]) for member in range(self.members))


def _booster(raw: NDArray[np.uint8]) -> xgboost.Booster:
    booster = xgboost.Booster({"nthread": 1})
    booster.load_model(bytearray(raw.tobytes()))
    return booster
