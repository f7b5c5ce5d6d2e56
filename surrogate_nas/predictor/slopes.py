"""How much of a task each source tells: slopes averaged over hypotheses by their marginal likelihood."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, solve_triangular

from surrogate_nas.predictor.base import Values

# The prior variance of the slopes, if they are not zero; how much remains for the task's own function, in units of what
# it has without sources; and the noise variance. All are equally likely beforehand.
NOTHING = 0.5  # prior probability that they are zero
SLOPES = (0.1, 1.0, 10.0)
REMAINS = (1.0, 0.3, 0.1, 0.03)
NOISES = (0.003, 0.01, 0.03, 0.1, 0.3)
LEVEL = 25.0  # prior variance of the mean, which the sources do not tell


@dataclass(frozen=True, eq=False)
class Slopes:
    """What labels say of the slopes.

    Attributes:
        mean: (sources,) their posterior mean.
        covariance: (sources, sources) their posterior covariance.
        trust: posterior probability that any is not zero.
    """

    mean: Values
    covariance: Values
    trust: float


def posterior(told: Values, own: Values, score: Values, weights: Values) -> Slopes:
    """Return the slopes of the sources, whose own covariance is that of what they do not tell.

    The hypotheses are that nothing is told, that one source tells it, and that all of them do.

    Shapes:
        told (n, sources), own (n, n), score (n,), weights (n,)
    """
    count = told.shape[1]
    grid = [
        _Whitened.of(told, score, LEVEL + remains * own + np.diag(noise / weights.clip(min=1e-6)))
        for remains in REMAINS
        for noise in NOISES
    ]
    told_by = [np.array([at]) for at in range(count)] + ([np.arange(count)] if count > 1 else [])
    nothing = _Hypotheses.nothing(grid, count)
    every = [replace(nothing, evidence=nothing.evidence + np.log(NOTHING))]
    for columns in told_by:
        found = _agreeing(grid, columns)
        every.append(replace(found, evidence=found.evidence + np.log((1 - NOTHING) / len(told_by) / len(SLOPES))))
    share = _normalised(np.concatenate([part.evidence for part in every]))
    slopes = np.concatenate([part.slopes for part in every])
    within = np.tensordot(share, np.concatenate([part.covariance for part in every]), axes=1)
    mean = share @ slopes
    between = (share[:, None] * (slopes - mean)).T @ (slopes - mean)
    return Slopes(mean, within + between, float(share[slopes.any(axis=1)].sum()))


@dataclass(frozen=True, eq=False)
class _Hypotheses:
    """What h hypotheses say: (h,) log evidence, (h, sources) slopes and their (h, sources, sources) covariances."""

    evidence: Values
    slopes: Values
    covariance: Values

    @classmethod
    def nothing(cls, grid: Sequence[_Whitened], count: int, times: int = 1) -> Self:
        """Return the hypotheses that nothing is told, each so many times."""
        evidence = np.repeat([point.evidence for point in grid], times)
        return cls(evidence, np.zeros((len(evidence), count)), np.zeros((len(evidence), count, count)))


@dataclass(frozen=True, eq=False)
class _Whitened:
    """Scores and sources as they are seen by a process whose covariance, noise included, is one of the hypotheses.

    Attributes:
        evidence: log marginal likelihood, but for a constant, where nothing is told.
        gram: (sources, sources) products of the sources.
        seen: (sources,) their products with the scores.
    """

    evidence: float
    gram: Values
    seen: Values

    @classmethod
    def of(cls, told: Values, score: Values, covariance: Values) -> Self:
        factor = cholesky(covariance, lower=True)
        y, x = (solve_triangular(factor, side, lower=True) for side in (score, told))
        return cls(-0.5 * float(y @ y) - float(np.log(np.diag(factor)).sum()), x.T @ x, x.T @ y)

    def told_by(self, columns: NDArray[np.int64], variance: float) -> tuple[float, Values, Values]:
        """Return evidence, slopes and covariance of these sources, whose prior variance adds up to ``variance``."""
        each = variance / len(columns)
        factor = cholesky(np.eye(len(columns)) + each * self.gram[np.ix_(columns, columns)], lower=True)
        seen = self.seen[columns]
        covariance = each * cho_solve((factor, True), np.eye(len(columns)))
        mean = covariance @ seen
        return self.evidence + 0.5 * float(seen @ mean) - float(np.log(np.diag(factor)).sum()), mean, covariance


def _agreeing(grid: Sequence[_Whitened], columns: NDArray[np.int64]) -> _Hypotheses:
    """Return the hypotheses that these sources tell what is told.

    Tasks of one space agree rather than disagree, so that a negative slope is nearly always one found by chance. The
    source that has the least is left out, and the others are asked again.
    """
    nothing = _Hypotheses.nothing(grid, len(grid[0].seen), len(SLOPES))
    while len(columns):
        results = [point.told_by(columns, variance) for point in grid for variance in SLOPES]
        evidence, found, covariance = (np.array(part) for part in zip(*results, strict=True))
        average = _normalised(evidence) @ found
        if average.min() >= 0:
            slopes, covariances = nothing.slopes.copy(), nothing.covariance.copy()
            slopes[:, columns] = found
            covariances[:, columns[:, None], columns] = covariance
            return _Hypotheses(evidence, slopes, covariances)
        columns = np.delete(columns, average.argmin())
    return nothing


def _normalised(evidence: Values) -> Values:
    """Return the (h,) posterior probabilities of hypotheses of this log evidence."""
    share = np.exp(evidence - evidence.max())
    return np.asarray(share / share.sum())
