"""Shares of several predictors in one, found by what they say of labels that they did not see."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

TRUST = 10  # labels at which shares found by stacking count as much as equal ones


def shares(scores: NDArray[np.float64], truth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the (members,) shares, which add up to one.

    Least squares on the held-out labels (Breiman, "Stacked regressions", Machine Learning 1996), not negative, and
    ``TRUST`` more labels that ask for equal shares.

    Shapes:
        scores (members, n) predictions without the label, NaN where a member has none;
        truth (n,), NaN where there is none
    """
    count = len(scores)
    known = np.isfinite(scores).all(axis=0) & np.isfinite(truth)
    if not known.any():
        return np.full(count, 1 / count)
    x, y = scores[:, known].T, truth[known]
    strength = np.sqrt(TRUST * ((x - y[:, None]) ** 2).mean(axis=0).min()) + 1e-9  # in units of the best member's error
    found, _ = nnls(np.vstack([x, strength * count * np.eye(count)]), np.append(y, np.full(count, strength)))
    return np.asarray(found / found.sum()) if found.sum() > 0 else np.full(count, 1 / count)
