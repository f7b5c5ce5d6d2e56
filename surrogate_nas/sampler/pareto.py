"""Several objectives: how much an architecture is expected to add to what the measured ones dominate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.pareto import front
from surrogate_nas.predictor.base import Prediction
from surrogate_nas.predictor.gaussian_process import GaussianProcess
from surrogate_nas.sampler.acquisition import expected_improvement
from surrogate_nas.sampler.base import History

Array = NDArray[np.float64]


def expected_hypervolume_improvement(mean: Array, std: Array, points: Array, reference: Array) -> Array:
    r"""Return the (c,) volumes that measuring each candidate is expected to add, exactly; higher is better throughout.

    The objectives beside the first cut their space into cells, over each of which the front of the points is level.
    Of independent normal objectives the expected gain over a cell from :math:`l_j` to :math:`u_j` at level :math:`y` is

    .. math:: EI_1(y) \prod_{j > 1} (EI_j(l_j) - EI_j(u_j))

    and the gain is the sum over the cells (Emmerich, Deutz and Klinkenberg, "Hypervolume-based expected improvement",
    2011, section 4). An objective of deviation 0 is one that is known.

    Args:
        mean: (c, m) predictions of the candidates.
        std: (c, m) deviations of these.
        points: (n, m) measured ones.
        reference: (m,) the point from which volume is counted.
    """
    above = points[(points > reference).all(axis=1)]
    best = above[front(above)]
    bounds = [np.unique(np.append(best[:, j], reference[j])) for j in range(1, len(reference))]
    lengths = [_lengths(mean[:, j], std[:, j], at) for j, at in enumerate(bounds, start=1)]
    levels, cell_level = np.unique(_heights(best, bounds, reference[0]), return_inverse=True)
    held = np.eye(len(levels))[cell_level.reshape([len(at) for at in bounds])]  # (cells ..., levels)
    gains = [expected_improvement(mean[:, 0], std[:, 0], float(level)) for level in levels]
    return np.asarray(np.einsum("cl,lc->c", _volumes(lengths, held), np.stack(gains)))


def _lengths(mean: Array, std: Array, bounds: Array) -> Array:
    """Return the (c, cells) expected length of each cell that lies below one objective; the last cell has no end."""
    beyond = np.stack([expected_improvement(mean, std, float(at)) for at in bounds], axis=1)
    return beyond - np.column_stack([beyond[:, 1:], np.zeros(len(mean))])


def _heights(best: Array, bounds: list[Array], ground: float) -> Array:
    """Return the first objective of the front over each cell, given where the (s_j,) cells of each other one begin."""
    heights = np.full([len(at) for at in bounds], ground)
    for point in best[np.argsort(best[:, 0], kind="stable")]:
        below = [np.searchsorted(at, value) for at, value in zip(bounds, point[1:], strict=True)]
        heights[tuple(slice(0, end) for end in below)] = point[0]  # the higher ones come later
    return heights


def _volumes(lengths: list[Array], held: Array) -> Array:
    """Return the (c, levels) expected volume of all cells of each level that a candidate lies above."""
    first, *rest = lengths
    if not rest:
        return np.asarray(first @ held)
    return np.asarray(sum(first[:, at, None] * _volumes(rest, part) for at, part in enumerate(held)))


def hypervolume_promise(prediction: Prediction, history: History, *, rng: np.random.Generator) -> Array:
    """Return the (c,) expected hypervolume improvements of the candidates; -inf for measured ones.

    Costs that are known are taken as they are, others are predicted by a Gaussian process of their own. Volume counts
    from the lowest measured value and the highest cost, where it is predicted one deviation beyond: what may cost most
    is worth something, too.

    Args:
        prediction: of the values of the candidates.
        history: with costs.
        rng: the only source of randomness.
    """
    measured = history.succeeded
    points = np.column_stack([history.values, -history.costs])[measured]
    costs, std = _costs(history, rng)
    worst = np.fmax(np.nanmax(costs + std, axis=0), -points[:, 1:].min(axis=0))
    reference = np.append(points[:, 0].min(), -worst)
    mean = np.column_stack([prediction.mean, -costs])
    above = np.column_stack([_above(prediction, history), std])
    gain = expected_hypervolume_improvement(mean, above, points, reference)
    return np.where(history.candidates.isin(history.population), -np.inf, np.nan_to_num(gain))


def _above(prediction: Prediction, history: History) -> Array:
    """Return the (c,) distances of the values one deviation above what is expected, which lies nearer than one below.

    Only what lies above improves. Scores are normal, and values above them are dense.
    """
    score = history.scale.score(prediction.mean)
    deviation = history.scale.score_deviation(score, prediction.std)
    return history.scale.target(score + deviation) - prediction.mean


def _costs(history: History, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return the (c, m) expected costs of the candidates, and how uncertain they are."""
    if history.known_costs is not None:
        return history.known_costs, np.zeros_like(history.known_costs)
    measured = history.succeeded
    predictions = [_cost(history, cost[measured], rng) for cost in history.costs.T]
    return (
        np.column_stack([prediction.mean for prediction in predictions]),
        np.column_stack([prediction.std for prediction in predictions]),
    )


def _cost(history: History, measured: Array, rng: np.random.Generator) -> Prediction:
    """Return what a cost of the candidates is expected to be, given that of the measured ones."""
    count = len(history.candidates)
    if np.ptp(measured) == 0:  # all alike: nothing to learn from yet
        return Prediction(np.full(count, measured[0]), np.zeros(count))
    process = GaussianProcess(target="value", searching=True)
    return process.fit(history.population[history.succeeded], measured, rng=rng).predict(history.candidates)
