"""Plain Bayesian optimisation: a textbook Gaussian process on one-hot decisions, as a baseline."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular

from surrogate_nas.predictor.covariance import Parts, most_likely
from surrogate_nas.sampler.acquisition import expected_improvement
from surrogate_nas.sampler.base import History, Sampler, draw
from surrogate_nas.space import Population

Array = NDArray[np.float64]
ONE_KERNEL: Parts = ((0,),)


class GaussianProcessSearch(Sampler):
    """Expected improvement under a Gaussian process that knows nothing of architectures.

    The kernel is a Matern 5/2 on the one-hot decisions plus noise (Snoek, Larochelle and Adams, "Practical Bayesian
    optimization of machine learning algorithms", 2012), its scales those of maximal marginal likelihood times a prior
    instead of an average over them. The improvement is that of a measurement over the best one, both with their noise.

    Args:
        starts: random architectures measured first.
        batch: proposals for one fit.
    """

    counts = ("starts",)

    def __init__(self, *, starts: int = 10, batch: int = 2) -> None:
        self.starts = starts
        self.batch = batch

    def propose(self, n: int, history: History, *, rng: np.random.Generator) -> Population:
        """Return n unmeasured candidates: random ones at the start, then those of greatest expected improvement."""
        measured = history.succeeded
        if len(measured) < self.starts:
            return draw(history.unmeasured, n, rng)
        values = history.values[measured]
        score = (values - values.mean()) / (values.std() or 1)
        mean, std = _posterior(history.population[measured], score, history.unmeasured)
        promise = expected_improvement(mean, std, float(score.max()))
        shuffled = rng.permutation(len(promise))  # of equal ones, random ones
        return history.unmeasured[shuffled[np.argsort(-promise[shuffled], kind="stable")[:n]]]


def _posterior(measured: Population, score: Array, asked: Population) -> tuple[Array, Array]:
    """Return the (m,) means and deviations of the asked, given (n,) standardised measurements."""
    apart = _squared_distance(measured, measured)
    covariance = most_likely([apart], score, ONE_KERNEL)
    known = covariance([apart]) + covariance.noise * np.eye(len(score))
    factor = cholesky(known, lower=True)
    between = covariance([_squared_distance(measured, asked)])  # (n, m)
    half = solve_triangular(factor, between, lower=True, check_finite=False)
    explained = np.einsum("ij,ij->j", half, half)
    mean = solve_triangular(factor, score, lower=True) @ half
    return mean, np.sqrt((covariance.signal - explained).clip(min=0) + covariance.noise)


def _squared_distance(x: Population, y: Population) -> Array:
    """Return the (n, m) squared distances of one-hot decisions: twice the number of decisions that differ."""
    differing = [np.not_equal.outer(ours, others) for ours, others in zip(x.decisions.T, y.decisions.T, strict=True)]
    return np.asarray(2.0 * np.sum(differing, axis=0))
