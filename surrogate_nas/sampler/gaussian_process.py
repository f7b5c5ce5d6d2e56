"""Plain Bayesian optimisation: a textbook Gaussian process on one-hot decisions, as a baseline."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.sampler.acquisition import expected_improvement
from surrogate_nas.sampler.base import History, Sampler, draw
from surrogate_nas.space import Population


class GaussianProcessSearch(Sampler):
    """Expected improvement under a Gaussian process that knows nothing of architectures.

    The kernel is a Matern 5/2 on the one-hot decisions plus noise, its scales those of maximal marginal likelihood
    (Snoek, Larochelle and Adams, "Practical Bayesian optimization of machine learning algorithms", 2012).

    Args:
        starts: random architectures measured first.
        batch: proposals for one fit.
    """

    def __init__(self, *, starts: int = 10, batch: int = 2) -> None:
        self.starts = starts
        self.batch = batch

    def propose(self, n: int, history: History, *, rng: np.random.Generator) -> Population:
        """Return n unmeasured candidates: random ones at the start, then those of greatest expected improvement."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

        measured = history.succeeded
        if len(measured) < self.starts:
            return draw(history.unmeasured, n, rng)
        process = GaussianProcessRegressor(ConstantKernel() * Matern(nu=2.5) + WhiteKernel(), normalize_y=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a scale at the end of its range
            process.fit(_one_hot(history.population[measured]), history.values[measured])
        mean, std = process.predict(_one_hot(history.unmeasured), return_std=True)
        promise = expected_improvement(mean, std, history.best)
        shuffled = rng.permutation(len(promise))  # of equal ones, random ones
        return history.unmeasured[shuffled[np.argsort(-promise[shuffled], kind="stable")[:n]]]


def _one_hot(population: Population) -> NDArray[np.float64]:
    """Return (n, sum of options): 1 for the option that each decision takes."""
    options = population.space.options
    return np.concatenate([np.eye(count)[population.decisions[:, at]] for at, count in enumerate(options)], axis=1)
