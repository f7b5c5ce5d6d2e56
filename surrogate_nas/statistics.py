"""Statistics of repeated runs: intervals, ranks, paired tests, effect sizes, and runs that never reached a target."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Array = NDArray[np.float64]
LEVEL = 0.95  # of every interval
RESAMPLES = (
    2000  # of a bootstrap: the ends of a 95 % interval then move by about 2 % of its width between two bootstraps
)
BATCH = 200  # resamples of a bootstrap that are held in memory at a time


@dataclass(frozen=True, eq=False)
class Interval:
    """A mean over runs and its bootstrap interval.

    Attributes:
        mean: (...,) means.
        low, high: (...,) ends of the 95 % interval; NaN where one run leaves it open.
    """

    mean: Array
    low: Array
    high: Array


def bootstrap_mean(values: ArrayLike, *, rng: np.random.Generator) -> Interval:
    """Return the mean over runs with its percentile bootstrap interval (Efron, "Bootstrap methods", 1979).

    Runs are resampled as a whole, so the intervals along a curve belong together.

    Args:
        values: (runs, ...) of one quantity, at least one run.
        rng: of the resampling.
    """
    values = np.asarray(values, dtype=np.float64)
    mean = values.mean(axis=0)
    if len(values) < 2:
        return Interval(mean, np.full_like(mean, math.nan), np.full_like(mean, math.nan))
    interval = stats.bootstrap(
        (values,),
        np.mean,
        axis=0,
        confidence_level=LEVEL,
        n_resamples=RESAMPLES,
        method="percentile",
        batch=BATCH,
        rng=rng,
    ).confidence_interval
    return Interval(mean, np.asarray(interval.low), np.asarray(interval.high))


@dataclass(frozen=True, eq=False)
class Ranking:
    """Mean ranks of k methods over n blocks, and which differences are too large for chance.

    Attributes:
        ranks: (k,) mean ranks, 1 is the best; equal scores share their mean rank.
        blocks: n.
        p: of the Friedman test that all methods are equal; NaN with fewer than two methods or blocks.
        critical_difference: of two mean ranks, at level 0.05 for all pairs together (Nemenyi); NaN like ``p``.
    """

    ranks: Array
    blocks: int
    p: float
    critical_difference: float


def ranking(scores: ArrayLike) -> Ranking:
    r"""Return mean ranks, Friedman's test and Nemenyi's critical difference.

    With k methods, n blocks and mean ranks R_j,

    .. math:: \chi^2 = \frac{12 n}{k (k + 1)} \sum_j (R_j - (k + 1) / 2)^2 / c, \quad
              CD = q_{.05} \sqrt{k (k + 1) / (6 n)}

    where c corrects for ties and q is the quantile of the studentised range divided by the root of two (J. Demsar,
    "Statistical comparisons of classifiers over multiple data sets", JMLR 7, 2006, section 3.2).

    Args:
        scores: (n, k) scores, higher is better; a row holds all methods on one block, such as a task and a seed.
    """
    scores = np.asarray(scores, dtype=np.float64)
    n, k = scores.shape
    if n < 2 or k < 2:
        mean = stats.rankdata(-scores, axis=1).mean(axis=0) if n else np.full(k, math.nan)
        return Ranking(mean, n, math.nan, math.nan)
    ranks = stats.rankdata(-scores, axis=1)
    mean = ranks.mean(axis=0)
    spread = ((ranks - (k + 1) / 2) ** 2).sum()  # n k (k^2 - 1) / 12 without ties
    statistic = 0.0 if spread == 0 else n**2 * (k - 1) * ((mean - (k + 1) / 2) ** 2).sum() / spread
    quantile = stats.studentized_range.ppf(0.95, k, np.inf) / math.sqrt(2)
    return Ranking(mean, n, float(stats.chi2.sf(statistic, k - 1)), float(quantile * math.sqrt(k * (k + 1) / (6 * n))))


def paired_test(first: ArrayLike, second: ArrayLike) -> float:
    """Return the two-sided p-value that two methods differ, by Wilcoxon's signed ranks and their exact distribution.

    Equal pairs are ranked and then left out (Pratt, 1959). Ties, which runs that both find the optimum give, are exact
    too: under the null hypothesis every rank has either sign with probability one half. 1 where all pairs are equal.

    Args:
        first: (n,) scores of one method.
        second: (n,) scores of the other one on the same blocks.
    """
    difference = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    twice = np.rint(2 * stats.rankdata(np.abs(difference))).astype(np.int64)[difference != 0]  # tied ranks are halves
    positive = int(twice[difference[difference != 0] > 0].sum())
    chance = np.zeros(int(twice.sum()) + 1)  # of each sum of the ranks with a positive sign
    chance[0] = 1
    for rank in twice:
        chance[rank:] = (chance[rank:] + chance[: len(chance) - rank]) / 2
        chance[:rank] /= 2
    return float(min(1, 2 * min(chance[: positive + 1].sum(), chance[positive:].sum())))


def holm(p: ArrayLike) -> Array:
    """Return (m,) p-values that were adjusted for m tests (Holm, "A simple sequentially rejective test", 1979)."""
    p = np.asarray(p, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    return np.asarray(np.minimum(adjusted, 1))


def superiority(first: ArrayLike, second: ArrayLike) -> float:
    """Return how probably a run of the first method scores higher than one of the second, ties counted half.

    0.5 is no difference; 0.56, 0.64 and 0.71 are called small, medium and large (Vargha and Delaney, "A critique and
    improvement of the CL common language effect size statistics", 2000).

    Args:
        first: (n,) scores.
        second: (m,) scores.
    """
    difference = np.subtract.outer(np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64))
    return float(((difference > 0) + 0.5 * (difference == 0)).mean())


@dataclass(frozen=True, eq=False)
class Reached:
    """The share of runs that have reached a target, by what they spent (Kaplan and Meier, 1958).

    Attributes:
        spent: (m,) ascending; where a run reached the target or ended without.
        share: (m,) estimated share that has reached it with at most so much.
        low, high: (m,) ends of its 95 % interval, on the log-log scale.
        median: what half of the runs need; infinity where fewer than half reached it.
    """

    spent: Array
    share: Array
    low: Array
    high: Array
    median: float


def reached(spent: ArrayLike, *, censored: ArrayLike) -> Reached:
    """Return how many runs have reached a target, counting those that ended without it as censored, not as never run.

    Args:
        spent: (n,) what each run spent until it reached the target, or until it ended.
        censored: (n,) whether it ended without reaching it.
    """
    sample = stats.CensoredData.right_censored(np.asarray(spent, dtype=np.float64), np.asarray(censored, dtype=bool))
    with np.errstate(divide="ignore", invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the log-log scale has no interval at shares of 0 and 1
        estimate = stats.ecdf(sample)
        ends = estimate.cdf.confidence_interval(LEVEL, method="log-log")
    share = np.asarray(estimate.cdf.probabilities)
    at = np.asarray(estimate.cdf.quantiles)
    half = at[share >= 0.5]
    return Reached(
        at,
        share,
        np.asarray(ends.low.probabilities),
        np.asarray(ends.high.probabilities),
        float(half[0]) if len(half) else math.inf,
    )
