"""Shares of several predictors in one, found by what they say of labels that they did not see."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from surrogate_nas.predictor.base import Prediction
from surrogate_nas.predictor.targets import TargetScale

TRUST = 10  # labels at which shares found by stacking count as much as those that were expected
DECISIVE = 20  # labels


def shares(
    scores: NDArray[np.float64],
    truth: NDArray[np.float64],
    *,
    expected: NDArray[np.float64] | None = None,
    trust: float = TRUST,
) -> NDArray[np.float64]:
    """Return the (members,) shares, which add up to one.

    Least squares on the held-out labels (Breiman, "Stacked regressions", Machine Learning 1996), not negative, and
    ``trust`` more labels that ask for the expected shares.

    Args:
        scores: (members, n) predictions without the label, NaN where a member has none.
        truth: (n,) labels, NaN where there is none.
        expected: (members,) shares without any label; None for equal ones.
        trust: labels at which both count alike.
    """
    count = len(scores)
    wanted = np.full(count, 1 / count) if expected is None else expected
    known = np.isfinite(scores).all(axis=0) & np.isfinite(truth)
    if not known.any():
        return wanted
    x, y = scores[:, known].T, truth[known]
    strength = np.sqrt(trust * ((x - y[:, None]) ** 2).mean(axis=0).min()) + 1e-9  # in units of the best member's error
    found, _ = nnls(np.vstack([x, strength * count * np.eye(count)]), np.append(y, strength * count * wanted))
    return np.asarray(found / found.sum()) if found.sum() > 0 else wanted


def likely_shares(
    scores: NDArray[np.float64], truth: NDArray[np.float64], *, decisive: int = DECISIVE
) -> NDArray[np.float64]:
    """Return the (members,) shares that are proportional to the likelihood of held-out labels under each member.

    A member's errors are normal, of the variance that they show. Without any label all are alike.

    Args:
        scores: (members, n) predictions without the label, NaN where a member has none.
        truth: (n,) labels, NaN where there is none.
        decisive: labels that as much is concluded of as of more, since members that are nearly as good as the best are
            better mixed with it than left out; of two, shares are the inverse of the mean squared errors.
    """
    known = np.isfinite(scores).all(axis=0) & np.isfinite(truth)
    if not known.any():
        return np.full(len(scores), 1 / len(scores))
    errors = np.log(((scores[:, known] - truth[known]) ** 2).mean(axis=1) + 1e-9)
    likelihood = np.exp(-0.5 * min(int(known.sum()), decisive) * (errors - errors.min()))
    return np.asarray(likelihood / likelihood.sum())


def mixed(parts: Sequence[Prediction], shares: NDArray[np.float64], scale: TargetScale) -> Prediction:
    """Return the mixture of what several say of n architectures.

    Scores are averaged. The variance is that of a mixture: the mean of the variances plus the variance of the means.

    Args:
        parts: of n architectures each.
        shares: (parts,) which add up to one.
        scale: of the scores.
    """
    means, variances = np.stack([part.mean for part in parts]), np.stack([part.std**2 for part in parts])
    mean = scale.target(shares @ scale.score(means))
    return Prediction(mean, np.sqrt(shares @ (variances + (means - mean) ** 2)))
