"""Labels of several tasks: checked, and divided into folds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.errors import InvalidArchitectureError, TargetError
from surrogate_nas.predictor.base import Values, check_informative
from surrogate_nas.space import Population


def check_tasks(values: Values, population: Population) -> None:
    """Raise unless (n, tasks) targets can be learned from.

    Raises:
        TargetError: they cannot.
    """
    if len(population) == 0:
        raise InvalidArchitectureError("a predictor needs at least one measured architecture, got none.")
    if values.ndim != 2 or len(values) != len(population) or values.shape[1] == 0:
        raise TargetError(
            f"targets must be (n,) or (n, tasks) for {len(population)} architectures, got shape {values.shape}."
        )
    if values.shape[1] > len(population):
        raise TargetError(
            f"targets are of {values.shape[1]} tasks for {len(population)} architectures; the rows must be the "
            "architectures, and there must be as many as tasks at least."
        )
    for task, column in enumerate(values.T):
        known = ~np.isnan(column)
        if not known.any():
            raise TargetError(f"task {task} has no label; measure one at least, or leave the task out.")
        if np.isinf(column).any():
            raise TargetError(f"targets must be finite, or NaN where a task was not measured; task {task} has inf.")
        check_informative(column[known], population[known], f" of task {task}")


def tasks_folds(known: NDArray[np.bool_], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the (n,) fold of each architecture; the folds hold as many labels of each task as one another.

    Of an architecture with labels of several tasks all are left out at once. Where there is one architecture, or one
    fold, nothing can be left out, and it is -1 for all.
    """
    n = len(known)
    if min(n, count) < 2:
        return np.full(n, -1)
    order = rng.permutation(n)
    pattern = np.unique(known[order], axis=0, return_inverse=True)[1].reshape(-1)
    fold = np.empty(n, dtype=np.int64)
    fold[order[np.argsort(pattern, kind="stable")]] = np.arange(n) % count
    return fold
