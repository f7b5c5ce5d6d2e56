"""How good predictions and searches are: rank correlations, the top, intervals, and random search in closed form."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri
from scipy.stats import kendalltau, rankdata

from surrogate_nas.errors import SettingError

Array = NDArray[np.float64]
QUANTILES = np.array([0.1, 0.9])  # that ``expected_best`` tells
ROUNDING = 1e-12  # of a probability; a value that is reached with exactly the quantile's counts


def kendall_tau(predicted: ArrayLike, measured: ArrayLike) -> float:
    """Return Kendall's tau-b of (n,) predictions and measurements, which corrects for ties (Kendall, 1945).

    NaN where either has fewer than two different values.
    """
    return math.nan if _constant(predicted, measured) else float(kendalltau(predicted, measured).statistic)


def spearman(predicted: ArrayLike, measured: ArrayLike) -> float:
    """Return the correlation of the ranks of (n,) predictions and measurements, tied ones sharing their mean rank.

    NaN where either has fewer than two different values.
    """
    if _constant(predicted, measured):
        return math.nan
    return float(np.corrcoef(rankdata(predicted), rankdata(measured))[0, 1])


def precision_at(predicted: ArrayLike, measured: ArrayLike, top: float) -> float:
    """Return the share of the best predicted that are among as many best measured, in 0 to 1.

    Of equally predicted ones at the border a random choice is taken, in expectation; all that measured as well as the
    last of the best count as best.

    Args:
        predicted: (n,) predictions, higher is better.
        measured: (n,) measurements, higher is better.
        top: how many are the best: a count from 1, or a fraction below 1 (rounded, at least one).

    Raises:
        SettingError: the count is not a whole number from 1 to n, nor a fraction between 0 and 1.
    """
    predicted, measured = np.asarray(predicted), np.asarray(measured)
    count = _checked(max(1, round(top * len(measured))) if 0 < top < 1 else top, len(measured))
    best = measured >= np.sort(measured)[-count]
    certain, tied = _chosen(predicted, count)
    return float(best[certain].sum() + (count - certain.sum()) * best[tied].mean()) / count


def regret_at_top(predicted: ArrayLike, measured: ArrayLike, top: int = 1) -> float:
    """Return how much the best of the ``top`` best predicted misses of the best, in the unit of the measurements.

    Of equally predicted ones at the border a random choice is taken, in expectation.

    Args:
        predicted: (n,) predictions, higher is better.
        measured: (n,) measurements, higher is better.
        top: how many of the best predicted are measured, 1 to n.

    Raises:
        SettingError: ``top`` is not a whole number from 1 to n.
    """
    predicted, measured = np.asarray(predicted), np.asarray(measured, dtype=np.float64)
    certain, tied = _chosen(predicted, _checked(top, len(measured)))
    at_least = measured[certain].max(initial=-np.inf)
    reached = expected_best(np.maximum(measured[tied], at_least), top - int(certain.sum())).mean[-1]
    return float(measured.max() - reached)


def coverage(mean: ArrayLike, std: ArrayLike, measured: ArrayLike, level: float = 0.9) -> float:
    """Return the share of the measurements inside the central normal intervals of probability ``level``.

    Args:
        mean: (n,) predictions, in the unit of the measurements.
        std: (n,) their standard deviations, in the same unit.
        measured: (n,) measurements.
        level: what the share should be, between 0 and 1.

    Raises:
        SettingError: the level is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise SettingError(f"the level of an interval lies between 0 and 1, got {level}.")
    distance = np.abs(np.asarray(measured) - np.asarray(mean))
    return float((distance <= ndtri((1 + level) / 2) * np.asarray(std)).mean())


@dataclass(frozen=True, eq=False)
class ExpectedBest:
    """The distribution of the best of k = 1 to ``draws`` random draws.

    Attributes:
        mean: (draws,) expectation.
        low: (draws,) 10 % quantile: the least value that the best stays at or below with this probability or more.
        high: (draws,) 90 % quantile.
    """

    mean: Array
    low: Array
    high: Array


def expected_best(values: ArrayLike, draws: int) -> ExpectedBest:
    r"""Return the exact best of random draws without replacement: random search, in closed form.

    Of the n ordered values, the best of k draws is at most the i-th with probability

    .. math:: P_k(i) = \binom{i}{k} / \binom{n}{k} = P_{k-1}(i) \, (i - k + 1) / (n - k + 1).

    Args:
        values: (n,) finite values, higher is better; equal ones are no special case.
        draws: the greatest k, 1 to n.

    Raises:
        SettingError: ``draws`` is not a whole number from 1 to n.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    n = len(ordered)
    draws = _checked(draws, n)
    mean, low, high = np.empty((3, draws))
    at_most, steps = np.ones(n), np.diff(ordered)
    for k in range(draws):
        at_most *= np.arange(1 - k, n - k + 1).clip(min=0) / (n - k)
        mean[k] = ordered[-1] - at_most[:-1] @ steps  # in parts, so that equal values lose nothing by rounding
        low[k], high[k] = ordered[np.searchsorted(at_most, QUANTILES - ROUNDING)]
    return ExpectedBest(mean, low, high)


def _constant(*samples: ArrayLike) -> bool:
    return any(np.unique(np.asarray(sample)).size < 2 for sample in samples)


def _checked(count: float, n: int) -> int:
    """Return a count if it is a whole number from 1 to n."""
    if not 1 <= count <= n or count != int(count):
        raise SettingError(f"expected a whole number from 1 to {n}, the values that are given, got {count}.")
    return int(count)


def _chosen(predicted: NDArray[np.generic], count: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return (n,) which are surely among the ``count`` best predicted, and (n,) which share the rest of the places."""
    border = np.sort(predicted)[-count]
    return np.asarray(predicted > border), np.asarray(predicted == border)
