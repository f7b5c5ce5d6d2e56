"""How alike architectures are: a sum of Matern kernels on blocks of features, and the most likely scales of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky
from scipy.optimize import minimize

Float = TypeVar("Float", np.float32, np.float64)
Parts = tuple[tuple[int, ...], ...]  # for each kernel of the sum, the blocks whose distances it adds

# Log-normal priors, as Hvarfner et al. propose ("Vanilla Bayesian optimization performs great in high dimensions", ICML
# 2024): of few labels the likelihood says little, and its maximum lies anywhere. Means and deviations of logarithms.
LENGTH = (0.9, 0.8)  # in units of the median distance between architectures
AMPLITUDE_SPREAD = 1.5  # around a variance of one for the whole sum
NOISE = (-4.0, 1.5)  # variance, where that of the scores is one
LIMIT = 6.0  # deviations of a prior that an optimiser may go
STEPS = 40  # of the optimiser; more do not rank better
JITTER = 1e-6


@dataclass(frozen=True, eq=False)
class Covariance:
    """A sum of Matern 5/2 kernels. Each adds the squared distances of its blocks, each in units of its own length.

    Attributes:
        parts: for each kernel the blocks that it sees.
        amplitudes: (parts,) variance of each kernel.
        lengths: (parts, blocks) length scales; of blocks that a kernel does not see they mean nothing.
        noise: variance of a measurement around the sum.
    """

    parts: Parts
    amplitudes: NDArray[np.float64]
    lengths: NDArray[np.float64]
    noise: float

    @property
    def signal(self) -> float:
        """The variance of the sum without noise."""
        return float(self.amplitudes.sum())

    def __call__(self, squared: Sequence[NDArray[Float]]) -> NDArray[Float]:
        """Return the (n, m) covariances at the (n, m) squared distances of each block."""
        kind = squared[0].dtype.type
        total = np.zeros_like(squared[0])
        for part, amplitude, lengths in zip(self.parts, self.amplitudes, self.lengths, strict=True):
            total += kind(amplitude) * matern(np.sqrt(sum(squared[b] * kind(lengths[b] ** -2) for b in part)))
        return total

    def numbers(self) -> NDArray[np.float64]:
        """Return (parts, blocks + 2) numbers to be saved: of each kernel the lengths, the amplitude, and the noise."""
        return np.column_stack([self.lengths, self.amplitudes, np.full(len(self.parts), self.noise)])

    @classmethod
    def of(cls, parts: Parts, numbers: NDArray[np.float64]) -> Covariance:
        """Return the covariance that ``numbers`` told."""
        return cls(parts, numbers[:, -2].copy(), numbers[:, :-2].copy(), float(numbers[0, -1]))


def matern(distance: NDArray[Float]) -> NDArray[Float]:
    """Return the Matern 5/2 correlation at distances in units of the length scale."""
    scaled = distance * 5**0.5
    return np.asarray((1 + scaled + scaled**2 / 3) * np.exp(-scaled))


def squared_distance(x: NDArray[Float], y: NDArray[Float]) -> NDArray[Float]:
    """Return the (n, m) squared Euclidean distances between (n, f) and (m, f) features."""
    squared = (x**2).sum(axis=1)[:, None] + np.einsum("ij,ij->i", y, y) - 2 * x @ y.T
    return np.asarray(np.maximum(squared, 0))


def most_likely(
    squared: Sequence[NDArray[np.float64]], score: NDArray[np.float64], parts: Parts, *, steps: int = STEPS
) -> Covariance:
    """Return the covariance of greatest marginal likelihood times prior.

    The gradient is that of Rasmussen and Williams, "Gaussian Processes for Machine Learning" (2006), equation 5.9.

    Args:
        squared: for each block the (n, n) squared distances.
        score: (n,) of mean zero and variance about one.
        parts: for each kernel of the sum the blocks that it sees.
        steps: of the optimiser at most.
    """
    units = [median_distance(block) for block in squared]
    scaled = [block / unit**2 for block, unit in zip(squared, units, strict=True)]
    seen = [(part, block) for part, blocks in enumerate(parts) for block in blocks]
    count = len(parts)
    mean = np.array([LENGTH[0]] * len(seen) + [-np.log(count)] * count + [NOISE[0]])
    spread = np.array([LENGTH[1]] * len(seen) + [AMPLITUDE_SPREAD] * count + [NOISE[1]])

    def loss(at: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logarithms = mean + spread * at
        value, slope = _surprise(scaled, score, parts, seen, logarithms)
        return value + 0.5 * float(at @ at), spread * slope + at

    start = np.zeros(len(mean))
    found: Any = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=[(-LIMIT, LIMIT)] * len(mean), options={"maxiter": steps}
    )
    logarithms = mean + spread * found.x
    lengths = np.ones((count, len(squared)))
    for (part, block), length in zip(seen, np.exp(logarithms), strict=False):
        lengths[part, block] = length * units[block]
    return Covariance(parts, np.exp(logarithms[len(seen) : -1]), lengths, float(np.exp(logarithms[-1])))


def _surprise(
    squared: Sequence[NDArray[np.float64]],
    score: NDArray[np.float64],
    parts: Parts,
    seen: Sequence[tuple[int, int]],
    logarithms: NDArray[np.float64],
) -> tuple[float, NDArray[np.float64]]:
    """Return the negative log marginal likelihood, but for a constant, and its gradient by the logarithms.

    Shapes:
        squared (n, n) each, score (n,), logarithms (len(seen) + len(parts) + 1,): lengths, amplitudes, noise
    """
    numbers = np.exp(logarithms)
    weights = numbers[: len(seen)] ** -2
    amplitudes, noise = numbers[len(seen) : -1], numbers[-1]
    terms, decays = [], []
    for part in range(len(parts)):
        own = [(at, block) for at, (of, block) in enumerate(seen) if of == part]
        root = np.sqrt(5 * sum(weights[at] * squared[block] for at, block in own))
        decay = amplitudes[part] * np.exp(-root)
        terms.append((1 + root + root**2 / 3) * decay)
        decays.append((1 + root) * decay * (5 / 3))
    covariance = np.sum(terms, axis=0)
    covariance[np.diag_indices_from(covariance)] += noise + JITTER
    factor = cholesky(covariance, lower=True, check_finite=False)
    inverse = cho_solve((factor, True), np.eye(len(score)), check_finite=False)
    dual = inverse @ score
    value = 0.5 * float(score @ dual) + float(np.log(np.diag(factor)).sum())
    pull = 0.5 * (inverse - np.outer(dual, dual))
    by_length = [weights[at] * _inner(pull, decays[part] * squared[block]) for at, (part, block) in enumerate(seen)]
    by_amplitude = [_inner(pull, term) for term in terms]
    return value, np.array([*by_length, *by_amplitude, noise * float(np.trace(pull))])


def _inner(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    return float(np.einsum("ij,ij->", x, y))


def median_distance(squared: NDArray[np.float64]) -> float:
    """Return the median distance between different architectures, one where there are none."""
    positive = squared[squared > JITTER]
    return float(np.sqrt(np.median(positive))) if len(positive) else 1.0
