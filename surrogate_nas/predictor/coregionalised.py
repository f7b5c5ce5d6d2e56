"""Gaussian processes of several tasks that learn from each other: the linear model of coregionalisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.optimize import minimize

from surrogate_nas.predictor.base import Arrays, Values
from surrogate_nas.predictor.covariance import (
    JITTER,
    LENGTH,
    LIMIT,
    NOISE,
    Parts,
    matern,
    median_distance,
    squared_distance,
)

# Priors: tasks of one space have most in common, or its opposite. Means and deviations; those of what tasks share are
# of the kernels' sum, those of what each has for itself of its logarithm, as 250 labels each of pairs of development
# tasks show it (benchmarks/predictor): a few labels that are off are noise rather than a function of their own.
SHARED = (0.9, 0.5)
OWN = (-2.8, 1.3)
APART = 0.5  # deviation of the logarithm of a task's noise around what tasks have in common
LEVEL = 0.1  # variance of a task's mean: that of few labels is not that of the others
STEPS = 40  # of the optimiser
LIKELIHOOD_ROWS = 400  # labels that the marginal likelihood is computed on
Blocks = Sequence[NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class Labels:
    """Labels of several tasks in one row.

    Attributes:
        score: (l,) labels, of mean zero and variance about one in each task.
        row: (l,) the architecture that each is of.
        task: (l,) the task that each is of.
        weight: (l,) importance; its inverse multiplies the noise.
    """

    score: Values
    row: NDArray[np.int64]
    task: NDArray[np.int64]
    weight: Values

    @classmethod
    def of(cls, scores: Values, weights: Values) -> Self:
        """Return the finite ones of (n, tasks) scores, with their (n, tasks) weights."""
        row, task = np.nonzero(np.isfinite(scores))
        return cls(scores[row, task], row, task, weights[row, task].clip(min=1e-6))

    def __getitem__(self, chosen: NDArray[np.int64]) -> Labels:
        return Labels(self.score[chosen], self.row[chosen], self.task[chosen], self.weight[chosen])

    def __len__(self) -> int:
        return len(self.score)


@dataclass(frozen=True, eq=False)
class Scales:
    """What a coregionalised process finds: each kernel's lengths, and how the tasks take part in it.

    Attributes:
        lengths: (parts, blocks) length scales; of blocks that a kernel does not see they mean nothing.
        shared: (parts, tasks) loadings; two tasks covary by their product.
        own: (parts, tasks) variance that a task has for itself.
        noise: (tasks,) variance of a label.
    """

    lengths: Values
    shared: Values
    own: Values
    noise: Values

    def mixing(self, part: int) -> Values:
        """Return the (tasks, tasks) covariance of the tasks in a kernel."""
        return np.outer(self.shared[part], self.shared[part]) + np.diag(self.own[part])

    @property
    def relations(self) -> Values:
        """The (tasks, tasks) correlations of the tasks over all architectures, without noise."""
        total = np.sum([self.mixing(part) for part in range(len(self.own))], axis=0)
        width = np.sqrt(np.diag(total))
        return np.asarray(total / np.outer(width, width))


class Coregionalised:
    r"""Gaussian processes of several tasks, each a mixture of the same Matern 5/2 kernels.

    .. math:: k((x, s), (y, t)) = \sum_q (w_{qs} w_{qt} + \delta_{st} v_{qs}) k_q(x, y)

    Bonilla, Chai and Williams, "Multi-task Gaussian Process Prediction" (NeurIPS 2007), with one such matrix for each
    kernel (Alvarez, Rosasco and Lawrence, "Kernels for Vector-Valued Functions", 2012, section 4.2). All numbers
    maximise the marginal likelihood times priors that expect tasks to be related, and their noises to be alike.

    Attributes:
        parts: for each kernel the blocks of features that it sees.
        scales_: what was found.
        blocks_: the (n, f) features that were fitted to.
    """

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    def fit(self, blocks: Blocks, scores: Values, weights: Values, *, rng: np.random.Generator) -> Self:
        """Fit to the (n, f) features of each block, (n, tasks) scores, NaN where there is none, and their weights."""
        self.blocks_, self.labels_ = list(blocks), Labels.of(scores, weights)
        known = self.labels_[_drawn(self.labels_.task, rng)]
        doubles = [block.astype(np.float64) for block in self.blocks_]
        squared = [squared_distance(block, block) for block in doubles]
        self.scales_ = _most_likely(squared, known, scores.shape[1], self.parts)
        row, task = self.labels_.row, self.labels_.task
        covariance = self._covariance([block[row][:, row] for block in squared], task, task)
        covariance[np.diag_indices_from(covariance)] += self.scales_.noise[task] / self.labels_.weight + JITTER
        self.factor_ = np.ascontiguousarray(cholesky(covariance, lower=True))
        self.dual_ = cho_solve((self.factor_, True), self.labels_.score)
        return self

    def predict(self, blocks: Blocks) -> tuple[Values, Values]:
        """Return the (n, tasks) means and the (n, tasks) variances of labels of architectures with these features."""
        row, task = self.labels_.row, self.labels_.task
        squared = [squared_distance(own, block)[row] for own, block in zip(self.blocks_, blocks, strict=True)]
        half = self.factor_.astype(np.float32)
        kernels = self._kernels(squared)
        means, variances = [], []
        for target in range(len(self.scales_.noise)):
            mixing = [self.scales_.mixing(part)[task, target].astype(np.float32) for part in range(len(self.parts))]
            cross = sum(mix[:, None] * kernel for mix, kernel in zip(mixing, kernels, strict=True))  # (l, n)
            cross = cross + np.float32(LEVEL) * (task == target)[:, None]
            explained = np.square(solve_triangular(half, cross, lower=True, check_finite=False))
            prior = sum(self.scales_.mixing(part)[target, target] for part in range(len(self.parts))) + LEVEL
            means.append(self.dual_ @ cross)
            variances.append((prior - explained.sum(axis=0, dtype=np.float64)).clip(0) + self.scales_.noise[target])
        return np.stack(means, axis=1), np.stack(variances, axis=1)

    def _kernels(self, squared: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        kind = squared[0].dtype.type
        return [
            matern(np.sqrt(sum(squared[block] * kind(lengths[block] ** -2) for block in part)))
            for part, lengths in zip(self.parts, self.scales_.lengths, strict=True)
        ]

    def _covariance(self, squared: Sequence[Values], one: NDArray[np.int64], other: NDArray[np.int64]) -> Values:
        total = LEVEL * (one[:, None] == other)
        for part, kernel in enumerate(self._kernels(squared)):
            total = total + self.scales_.mixing(part)[one[:, None], other] * kernel
        return np.asarray(total)

    def state(self) -> Arrays:
        """Return all that predictions need, as named arrays."""
        blocks = {f"block_{position}": block for position, block in enumerate(self.blocks_)}
        scales = {name: getattr(self.scales_, name) for name in ("lengths", "shared", "own", "noise")}
        labels = {"row": self.labels_.row, "task": self.labels_.task}
        return {**blocks, **scales, **labels, "factor": self.factor_, "dual": self.dual_}

    def restore(self, state: Arrays) -> None:
        """Take back what ``state`` returned."""
        self.blocks_ = [state[name] for name in sorted(state) if name.startswith("block_")]
        self.scales_ = Scales(*(state[name] for name in ("lengths", "shared", "own", "noise")))
        self.factor_, self.dual_ = state["factor"], state["dual"]
        nothing = np.full(len(self.dual_), np.nan)  # predictions need no label
        self.labels_ = Labels(nothing, state["row"], state["task"], nothing)


def _drawn(task: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the positions of up to ``LIKELIHOOD_ROWS`` labels, of each task as many as of the others where it can."""
    if len(task) <= LIKELIHOOD_ROWS:
        return np.arange(len(task))
    shuffled = rng.permutation(len(task))
    turn = np.empty(len(task), dtype=np.int64)  # of each label within its task
    for number in np.unique(task):
        own = np.flatnonzero(task[shuffled] == number)
        turn[own] = np.arange(len(own))
    return np.sort(shuffled[np.argsort(turn, kind="stable")[:LIKELIHOOD_ROWS]])


def _most_likely(squared: Sequence[Values], labels: Labels, tasks: int, parts: Parts) -> Scales:
    """Return the scales of greatest marginal likelihood times prior.

    Shapes:
        squared (n, n) each, of all architectures
    """
    row = labels.row
    units = [median_distance(block) for block in squared]
    near = [block[row][:, row] / length**2 for block, length in zip(squared, units, strict=True)]
    seen = [(part, block) for part, blocks in enumerate(parts) for block in blocks]
    count = len(parts)
    one = np.ones(count * tasks)
    loading = np.tile(_signs(near, labels, tasks), count) * SHARED[0] / count**0.5
    mean = np.concatenate([[LENGTH[0]] * len(seen), loading, one * (OWN[0] - np.log(count)), [NOISE[0]] * tasks])
    spread = np.concatenate([[LENGTH[1]] * len(seen), one * SHARED[1], one * OWN[1], [APART] * tasks])
    common = np.where(np.arange(len(mean)) < len(mean) - tasks, 0.0, NOISE[1])
    basis = np.column_stack([np.diag(spread), common])  # of the numbers, in deviations; the last one is of all noises

    def scales(at: Values) -> Scales:
        lengths, shared, own, noise = np.split(mean + basis @ at, np.cumsum([len(seen), count * tasks, count * tasks]))
        matrix = np.ones((count, len(squared)))
        matrix[tuple(np.array(seen).T)] = np.exp(lengths)
        shape = (count, tasks)
        return Scales(matrix, shared.reshape(shape), np.exp(own).reshape(shape), np.exp(noise))

    def loss(at: Values) -> tuple[float, Values]:
        value, slope = _surprise(near, labels, parts, seen, scales(at))
        return value + 0.5 * float(at @ at), slope @ basis + at

    start = np.zeros(basis.shape[1])
    found: Any = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=[(-LIMIT, LIMIT)] * len(start), options={"maxiter": STEPS}
    )
    best = scales(found.x)
    return Scales(best.lengths * units, best.shared, best.own, best.noise)


def _signs(squared: Sequence[Values], labels: Labels, tasks: int) -> Values:
    """Return (tasks,) the sign of each task's relation to the one with most labels, as smoothed labels tell it.

    Shapes:
        squared (l, l) each, of the labels, in units of the median distance
    """
    kernel = matern(np.sqrt(sum(squared)) / np.exp(LENGTH[0]))
    smooth = []
    for task in range(tasks):
        own = np.flatnonzero(labels.task == task)
        inside = kernel[np.ix_(own, own)] + np.diag(np.exp(NOISE[0]) / labels.weight[own] + LEVEL)
        smooth.append(kernel[:, own] @ np.linalg.solve(inside, labels.score[own]))
    most = np.bincount(labels.task, minlength=tasks).argmax()
    centred = np.stack(smooth) - np.mean(smooth, axis=1, keepdims=True)
    return np.where(centred @ centred[most] < 0, -1.0, 1.0)


def _surprise(
    squared: Sequence[Values], labels: Labels, parts: Parts, seen: Sequence[tuple[int, int]], scales: Scales
) -> tuple[float, Values]:
    """Return the negative log marginal likelihood, but for a constant, and its gradient.

    By lengths, ``own`` and ``noise`` the gradient is that by their logarithms (Rasmussen and Williams, "Gaussian
    Processes for Machine Learning", 2006, equation 5.9).

    Shapes:
        squared (l, l) each, of the labels
    """
    task, tasks = labels.task, len(scales.noise)
    member = np.eye(tasks)[task]  # (l, tasks)
    noise = scales.noise[task] / labels.weight
    covariance = LEVEL * (task[:, None] == task)
    kernels, decays, mixed = [], [], []
    for part, blocks in enumerate(parts):
        root = np.sqrt(5 * sum(squared[block] * scales.lengths[part, block] ** -2 for block in blocks))
        fall = np.exp(-root)
        kernels.append((1 + root + root**2 / 3) * fall)
        decays.append((1 + root) * fall * (5 / 3))
        mixed.append(scales.mixing(part)[task[:, None], task])
        covariance = covariance + mixed[part] * kernels[part]
    covariance[np.diag_indices_from(covariance)] += noise + JITTER
    factor = cholesky(covariance, lower=True, check_finite=False)
    inverse = cho_solve((factor, True), np.eye(len(labels)), check_finite=False)
    dual = inverse @ labels.score
    value = 0.5 * float(labels.score @ dual) + float(np.log(np.diag(factor)).sum())
    pull = 0.5 * (inverse - np.outer(dual, dual))
    by_length = [
        np.einsum("ij,ij,ij,ij->", pull, mixed[part], decays[part], squared[block]) * scales.lengths[part, block] ** -2
        for part, block in seen
    ]
    by_mixing = [member.T @ (pull * kernel) @ member for kernel in kernels]  # (tasks, tasks) each
    by_shared = [2 * matrix @ shared for matrix, shared in zip(by_mixing, scales.shared, strict=True)]
    by_own = [np.diag(matrix) * own for matrix, own in zip(by_mixing, scales.own, strict=True)]
    by_noise = np.bincount(task, np.diag(pull) * noise, minlength=tasks)
    return value, np.concatenate([by_length, *by_shared, *by_own, by_noise])
