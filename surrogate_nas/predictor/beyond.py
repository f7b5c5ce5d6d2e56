"""What goes on beyond the measured architectures, where all else falls back to their mean: a line and a wide network.

The line is linear in the logarithm of FLOPs. The network has one layer of infinitely many rectified units with random
weights, and sees size and the statistics of untrained networks: far off it is linear, too, but in each direction with
another slope. The best architectures of a space lie at its ends, and few labels do.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.encoding.trend import trend
from surrogate_nas.encoding.untrained import untrained
from surrogate_nas.predictor.covariance import Float
from surrogate_nas.space import Population

# In deviations of the scores; benchmarks/predictor tells whence.
SLOPE = 0.5  # prior deviation of the line's slope
NETWORK = 0.3  # prior variance of the network, where its inputs are zero
MANY = 300  # labels that leave half as much of the slope to go on
DOUBT = 2.0  # labels, one deviation of size from their mean, that tell of no slope
SIZE = 0.4  # deviation of size among the network's inputs; all statistics together have one


def inputs(population: Population) -> NDArray[np.float32]:
    """Return (n, s + 1) the trend with size, then statistics of untrained networks; squares of these add up to one."""
    statistics = untrained(population)
    scaled = statistics / max(statistics.shape[1], 1) ** 0.5
    return np.column_stack([trend(population).astype(np.float32), scaled])


def covariance(x: NDArray[Float], y: NDArray[Float]) -> NDArray[Float]:
    """Return the (n, m) covariances of (n, s + 1) and (m, s + 1) inputs."""
    kind = x.dtype.type
    line = np.outer(kind(SLOPE) * x[:, 0], kind(SLOPE) * y[:, 0])
    return np.asarray(line + kind(NETWORK) * arc_cosine(_seen(x), _seen(y)))


def variance(x: NDArray[Float]) -> NDArray[Float]:
    """Return the (n,) variances of (n, s + 1) inputs."""
    return np.asarray((SLOPE * x[:, 0]) ** 2 + NETWORK * (1 + (_seen(x) ** 2).sum(axis=1)))


def arc_cosine(x: NDArray[Float], y: NDArray[Float]) -> NDArray[Float]:
    """Return the (n, m) covariances of infinitely many rectified units with biases, at (n, f) and (m, f) inputs.

    The arc-cosine kernel of order one (Cho and Saul, "Kernel Methods for Deep Learning", NeurIPS 2009, equation 6). Its
    variance is one more than the squared length of the input.
    """
    lengths = np.outer(np.sqrt(1 + (x**2).sum(axis=1)), np.sqrt(1 + (y**2).sum(axis=1)))
    cosine = ((1 + x @ y.T) / lengths).clip(-1, 1)
    angle = np.arccos(cosine)
    return np.asarray(lengths * (np.sqrt(1 - cosine**2) + (np.pi - angle) * cosine) / x.dtype.type(np.pi))


def slope(population: Population, score: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Return the part of the slope of (n,) scores along size that predictors which cannot go on need not learn.

    It is half of that of least squares, drawn to zero as by ``DOUBT`` labels, where labels are few: the other half is
    left to what else goes along with size. Where they are many, they reach nearly everywhere, and it is less.

    Args:
        population: n architectures.
        score: (n,) of mean zero.
        weights: (n,) of mean one.
    """
    size = trend(population)
    size -= np.average(size, weights=weights)
    part = 0.5 * MANY / (MANY + len(score))
    return float(part * (weights * size @ score) / (weights * size @ size + DOUBT))


def _seen(x: NDArray[Float]) -> NDArray[Float]:
    """Return the inputs as the network sees them."""
    return np.column_stack([x.dtype.type(SIZE) * x[:, 0], x[:, 1:]])
