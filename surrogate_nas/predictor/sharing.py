"""Whether a task was predicted better together with others than alone, as held-out labels tell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import kendalltau

from surrogate_nas.predictor.base import Values


@dataclass(frozen=True)
class Sharing:
    """Whether a task was predicted better together with the others than from its own labels alone.

    All numbers are of held-out labels: each architecture is predicted by fits that saw none of its labels.

    Attributes:
        labels: how many the task has.
        error_alone: root mean squared error, in deviations of the task's scores, of a process of this task alone.
        error_together: the same of the process and the network of all tasks, as they are mixed.
        tau_alone, tau_together: Kendall's rank correlation of either with the labels.
        share: of what was fitted to all tasks in this task's predictions; the rest is that of the process alone.
    """

    labels: int
    error_alone: float
    error_together: float
    tau_alone: float
    tau_together: float
    share: float

    @property
    def helped(self) -> bool:
        """Whether the error is smaller together."""
        return self.error_together < self.error_alone


def judged(held_out: Values, shares: Values, truth: Values) -> Sharing:
    """Return what held-out labels of one task tell of the models of all tasks, and of the last one, of this task alone.

    Shapes:
        held_out (models, n) predictions without the label, shares (models,) in the predictions, truth (n,) scores, NaN
        where there is none
    """
    known = np.isfinite(truth)
    part = shares[:-1] / shares[:-1].sum() if shares[:-1].sum() > 0 else np.full(len(shares) - 1, 1 / (len(shares) - 1))
    alone, together = held_out[-1, known], part @ held_out[:-1, known]
    errors = [float(np.sqrt(np.mean((said - truth[known]) ** 2))) for said in (alone, together)]
    taus = [_tau(said, truth[known]) for said in (alone, together)]
    return Sharing(int(known.sum()), errors[0], errors[1], taus[0], taus[1], float(shares[:-1].sum()))


def _tau(said: Values, truth: Values) -> float:
    """Return Kendall's rank correlation, NaN where either has fewer than two different values."""
    if min(len(np.unique(said)), len(np.unique(truth))) < 2:
        return float("nan")
    return float(kendalltau(said, truth).statistic)
