"""Deviations that keep their word: widened or narrowed until held-out labels lie inside their intervals."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

LEVEL = 0.9  # of the interval that is calibrated
TRUST = 10  # labels at which half of the correction is made
LEAST_DEVIATION = 1e-9


def folds(n: int, count: int, *, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the (n,) fold, 0 to ``count - 1``, that each architecture is in; -1 for all where nothing can be left out.

    What is left out is drawn as what will be predicted: at random, also where an equal function is fitted to.

    Args:
        n: number of architectures; of one alone nothing can be left out.
        count: number of folds; of few architectures some folds are empty, and by one fold nothing can be left out.
        rng: of the division.
    """
    if min(n, count) < 2:
        return np.full(n, -1)
    return rng.permutation(np.arange(n) % count)


def widening(
    mean: NDArray[np.float64], std: NDArray[np.float64], measured: NDArray[np.float64]
) -> float | NDArray[np.float64]:
    """Return the factor of the deviations that makes central 90 % intervals hold 90 % of the measurements.

    The factor is the split-conformal quantile of the standardised residuals (Lei et al., "Distribution-free predictive
    inference for regression", JASA 2018, section 2.2), on which more labels rest more trust: of n, its n / (n + 10)-th
    power.

    Args:
        mean: (n,) predictions made without the label of the architecture; NaN where there is none. Or (n, tasks), as
            the others, for (tasks,) factors.
        std: (n,) their deviations.
        measured: (n,) labels, NaN where there is none.
    """
    if mean.ndim == 2:
        return np.array([widening(*task) for task in zip(mean.T, std.T, measured.T, strict=True)])
    known = np.isfinite(mean) & np.isfinite(measured)
    n = int(known.sum())
    if n == 0:
        return 1.0
    ratios = np.sort(np.abs(measured - mean)[known] / std[known].clip(min=LEAST_DEVIATION))
    reached = ratios[min(math.ceil(LEVEL * (n + 1)), n) - 1] / float(ndtri((1 + LEVEL) / 2))
    return float(reached.clip(1e-3, 1e3) ** (n / (n + TRUST)))


def held_out(
    scores: NDArray[np.float64], left_out: NDArray[np.bool_], truth: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Return what those members that left an architecture out say of it, how far all of them differ, and by how much.

    Args:
        scores: (members, n) predictions of the architectures that were fitted to.
        left_out: (members, n) whether a member was fitted without an architecture.
        truth: (n,) their labels.

    Returns:
        (n,) mean prediction of the members that left each out, NaN where none did; (n,) deviation of all members; and
        the deviation of the labels from these means, 1.4826 times the median distance, one where nothing was left out.
    """
    count = left_out.sum(axis=0)
    mean = np.where(count > 0, (scores * left_out).sum(axis=0) / count.clip(min=1), np.nan)
    known = count > 0
    residual = 1.4826 * float(np.median(np.abs(truth - mean)[known])) if known.any() else 1.0
    return mean, scores.std(axis=0), residual
