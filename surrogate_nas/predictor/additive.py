"""Costs that add up: Bayesian linear regression on the architecture as it is written."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.encoding.written import written
from surrogate_nas.predictor.base import Arrays, Prediction, Predictor, Values
from surrogate_nas.predictor.targets import TargetKind, TargetScale
from surrogate_nas.space import Population

RATIOS = np.geomspace(1e-3, 10, 20)  # of noise to signal variance
CONSTANT = 3.0  # prior deviation of the mean cost, where those of the parts are about one


class Additive(Predictor):
    """A linear model of what each decision, and each pair of them, adds to a cost or its logarithm.

    Latencies and energies are nearly such sums, also of what computes nothing; so it tells architectures apart that
    compute the same function. Ratio of noise to signal and signal maximise the marginal likelihood (Rasmussen and
    Williams, "Gaussian Processes for Machine Learning", 2006, section 2.1).

    Args:
        target: what is predicted; costs are learned by their logarithm.
    """

    name = "additive"

    def __init__(self, *, target: TargetKind = "cost") -> None:
        self.target = target

    def settings(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"target": self.target}

    def _fit(self, population: Population, targets: Values, weights: Values, rng: np.random.Generator) -> Prediction:
        self.scale_ = TargetScale.fit(targets, self.target)
        score, root = self.scale_.score(targets), np.sqrt(weights)
        x = _inputs(population) * root[:, None]
        spectrum, vectors = np.linalg.eigh(x.T @ x)  # (f,), (f, f)
        spectrum = spectrum.clip(min=0)
        seen = vectors.T @ (x.T @ (score * root))  # (f,)
        ratio, self.noise_ = _most_likely(spectrum, seen, score * root)
        self.shrunk_ = vectors / np.sqrt(spectrum + ratio)  # its outer product is the weights' covariance by the noise
        self.weights_ = self.shrunk_ @ (self.shrunk_.T @ (x.T @ (score * root)))
        # Without each label in closed form, as in leave-one-out least squares.
        leverage = ((x @ self.shrunk_) ** 2).sum(axis=1).clip(max=1 - 1e-6)
        left_out = score - (score - x @ self.weights_ / root.clip(min=1e-6)) / (1 - leverage)
        deviation = np.sqrt(self.noise_ / (1 - leverage) / weights.clip(min=1e-6))
        return Prediction(self.scale_.target(left_out), self.scale_.deviation(left_out, deviation))

    def _predict(self, population: Population) -> Prediction:
        x = _inputs(population)
        mean = x @ self.weights_
        std = np.sqrt(self.noise_ * (1 + ((x @ self.shrunk_) ** 2).sum(axis=1)))
        return Prediction(self.scale_.target(mean), self.scale_.deviation(mean, std))

    def _state(self) -> Arrays:
        numbers = {"noise": np.array(self.noise_), "scale": self.scale_.numbers()}
        return {"weights": self.weights_, "shrunk": self.shrunk_, **numbers}

    def _restore(self, state: Arrays) -> None:
        self.weights_, self.shrunk_, self.noise_ = state["weights"], state["shrunk"], state["noise"].item()
        self.scale_ = TargetScale(self.target, *state["scale"].tolist())


def _inputs(population: Population) -> NDArray[np.float64]:
    """Return the (n, f) features and a constant."""
    return np.hstack([written(population), np.full((len(population), 1), CONSTANT)])


def _most_likely(spectrum: Values, seen: Values, score: Values) -> tuple[float, float]:
    """Return the ratio of noise to signal and the noise variance of greatest marginal likelihood.

    Shapes:
        spectrum (f,) eigenvalues of the features' Gram matrix, seen (f,) their products with the scores, score (n,)
    """
    n = len(score)
    ratios = RATIOS[:, None]
    explained = (seen**2 / (spectrum + ratios)).sum(axis=1)
    noise = ((score @ score - explained) / n).clip(min=1e-8)  # (ratios,), in closed form
    likelihood = -0.5 * (n * np.log(noise) + np.log1p(spectrum / ratios).sum(axis=1))
    best = int(likelihood.argmax())
    return float(RATIOS[best]), float(noise[best])
