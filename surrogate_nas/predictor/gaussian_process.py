"""A Gaussian process on the cell features: fast, and honest about what it does not know."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, solve_triangular

from surrogate_nas.encoding.features import all_features, features
from surrogate_nas.encoding.thresholds import ThresholdCode, space_code
from surrogate_nas.predictor.base import Arrays, Prediction, Predictor, Values
from surrogate_nas.predictor.targets import TargetKind, TargetScale
from surrogate_nas.space import Population

Thresholds = Literal["measured", "space"]
Float = TypeVar("Float", np.float32, np.float64)

LENGTHS = np.geomspace(0.25, 16, 10)  # in units of the median distance between architectures
# Of few labels the likelihood says little of the length scale, and its maximum lies at either end of the grid. A
# log-normal prior keeps it near a few median distances (such a prior: Hvarfner et al., "Vanilla Bayesian optimization
# performs great in high dimensions", ICML 2024).
LIKELY_LENGTH, LENGTH_SPREAD = 2.5, 0.8
NOISES = np.geomspace(1e-3, 1, 10)  # noise variance in units of the signal's
LIKELIHOOD_ROWS = 256  # architectures that the marginal likelihood is computed on


class GaussianProcess(Predictor):
    """A Gaussian process with a Matern 5/2 kernel on the threshold code of the features.

    Length scale and noise maximise the marginal likelihood, times a prior of the length scale, over a grid; the signal
    variance does in closed form (Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006, sections 2.2
    and 5.4). The deviation includes the noise.

    Args:
        target: what is predicted; accuracies are learned by their logarithmic error.
        thresholds: where the code asks: between quantiles of the architectures that are fitted to, or of the whole
            space. The former ranks better, the latter searches better: what is measured in a search is much alike, and
            what sets it apart from the rest is what its own quantiles do not ask for. A process of the whole space
            does without what untrained networks tell, and its deviations are those of the likelihood.
    """

    name = "gaussian_process"

    def __init__(self, *, target: TargetKind = "accuracy", thresholds: Thresholds = "measured") -> None:
        self.target = target
        self.thresholds = thresholds

    def settings(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"target": self.target, "thresholds": self.thresholds}

    def _fit(self, population: Population, targets: Values, weights: Values, rng: np.random.Generator) -> Prediction:
        self.scale_ = TargetScale.fit(targets, self.target)
        score = self.scale_.score(targets)
        x = all_features(population) if self.thresholds == "measured" else features(population)
        self.code_ = ThresholdCode.fit(x) if self.thresholds == "measured" else space_code(population.space)
        self.inputs_ = self.code_(x)
        distance = _distance(self.inputs_, self.inputs_)
        rows = np.arange(len(x)) if len(x) <= LIKELIHOOD_ROWS else rng.choice(len(x), LIKELIHOOD_ROWS, replace=False)
        positive = distance[distance > 0]
        unit = float(np.median(positive)) if len(positive) else 1.0
        length, noise, self.signal_ = _most_likely(distance[np.ix_(rows, rows)] / unit, score[rows])
        self.length_, self.noise_ = length * unit, noise * self.signal_
        covariance = self.signal_ * _matern(distance / self.length_)
        covariance[np.diag_indices_from(covariance)] += self.noise_ / weights.clip(min=1e-6)
        self.factor_ = np.ascontiguousarray(cholesky(covariance, lower=True))  # as it is loaded
        self.dual_ = cho_solve((self.factor_, True), score)
        if self.thresholds == "space":  # labels that a search chose do not tell how far the others are off
            return Prediction(np.full(len(score), np.nan), np.full(len(score), np.nan))
        # Without each label in closed form (Rasmussen and Williams, equations 5.10 to 5.12).
        precision = np.diag(cho_solve((self.factor_, True), np.eye(len(score))))
        left_out = score - self.dual_ / precision
        return Prediction(self.scale_.target(left_out), self.scale_.deviation(left_out, 1 / np.sqrt(precision)))

    def _predict(self, population: Population) -> Prediction:
        # Single precision is far below the noise, and doubles the speed of a search.
        inputs = _space_inputs(population) if self.thresholds == "space" else self.code_(all_features(population))
        distance = _distance(self.inputs_.astype(np.float32), inputs.astype(np.float32, copy=False))  # (fitted, n)
        kernel = _matern(distance / np.float32(self.length_))
        mean = self.signal_ * (self.dual_ @ kernel)
        half = solve_triangular(self.factor_.astype(np.float32), kernel, lower=True, check_finite=False)
        explained = self.signal_**2 * np.einsum("ij,ij->j", half, half, dtype=np.float64)
        std = np.sqrt((self.signal_ - explained).clip(min=0) + self.noise_)
        return Prediction(self.scale_.target(mean), self.scale_.deviation(mean, std))

    def _state(self) -> Arrays:
        return {
            "inputs": self.inputs_,
            "code": self.code_.numbers(),
            "factor": self.factor_,
            "dual": self.dual_,
            "numbers": np.array([self.length_, self.noise_, self.signal_]),
            "scale": self.scale_.numbers(),
        }

    def _restore(self, state: Arrays) -> None:
        self.inputs_, self.code_ = state["inputs"], ThresholdCode.of(state["code"])
        self.factor_, self.dual_ = state["factor"], state["dual"]
        self.length_, self.noise_, self.signal_ = state["numbers"].tolist()
        self.scale_ = TargetScale(self.target, *state["scale"].tolist())


@lru_cache(maxsize=4)  # a search predicts for the same candidates again and again
def _space_inputs(population: Population) -> NDArray[np.float32]:
    """Return the (n, c) threshold code of the whole space."""
    return space_code(population.space)(features(population)).astype(np.float32)


def _distance(x: NDArray[Float], y: NDArray[Float]) -> NDArray[Float]:
    """Return the (n, m) Euclidean distances between (n, c) and (m, c) threshold codes."""
    squared = (x**2).sum(axis=1)[:, None] + np.einsum("ij,ij->i", y, y) - 2 * x @ y.T
    # The standardised values of an answer are at least 2 apart, so what is below 1 is the rounding error of a zero.
    return np.asarray(np.sqrt(np.where(squared < 1, 0, squared)))


def _matern(distance: NDArray[Float]) -> NDArray[Float]:
    """Return the Matern 5/2 correlation at distances in units of the length scale."""
    scaled = distance * 5**0.5
    return np.asarray((1 + scaled + scaled**2 / 3) * np.exp(-scaled))


def _most_likely(distance: NDArray[np.float64], score: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the length scale, the noise variance in units of the signal's, and the signal variance, most likely.

    Shapes:
        distance (n, n), score (n,)
    """
    n = len(score)
    best = (-np.inf, 1.0, 1.0, 1.0)
    for length in LENGTHS:
        values, vectors = np.linalg.eigh(_matern(distance / length))
        spectrum = values.clip(min=0)[:, None] + NOISES  # (n, noises)
        energy = (vectors.T @ score) ** 2
        signal = (energy[:, None] / spectrum).mean(axis=0).clip(min=1e-8)  # (noises,), in closed form
        likelihood = -0.5 * (n * np.log(signal) + np.log(spectrum).sum(axis=0))
        likelihood -= 0.5 * (np.log(length / LIKELY_LENGTH) / LENGTH_SPREAD) ** 2
        at = int(likelihood.argmax())
        best = max(best, (float(likelihood[at]), float(length), float(NOISES[at]), float(signal[at])))
    return best[1:]
