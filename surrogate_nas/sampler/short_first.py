"""Trainings of several lengths: short ones decide which architectures deserve long ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.predictor.gaussian_process import GaussianProcess
from surrogate_nas.predictor.targets import LEAST_ERROR
from surrogate_nas.sampler.acquisition import expected_improvement
from surrogate_nas.sampler.base import History, Sampler
from surrogate_nas.sampler.starts import spread_starts
from surrogate_nas.space import JointSpace, Population

ENOUGH = 3  # labels of a length before it is told apart from the shorter one
LEAST_VARIANCE = 1e-4  # of the logarithm of an error: a percent of it
Array = NDArray[np.float64]


class ShortFirst(Sampler):
    r"""Asks which architecture promises most after the longest training, and trains it for the next length it lacks.

    So none is trained long that was not trained short and still promises most. What a length gives is learned from the
    next shorter one and from what sets it apart,

    .. math:: f_{long}(x) = a + b f_{short}(x) + \delta(x)

    with Gaussian processes for the shortest length and for each :math:`\delta`, and b near 1 while few labels tell it
    (Kennedy and O'Hagan, "Predicting the output from a complex computer code when fast approximations are available",
    2000; fitted one after another as in Le Gratiet and Garnier, 2014). Accuracies are learned by their logarithmic
    error.

    The candidates are pairs of an architecture and a length, the shortest length first.

    Args:
        starts: architectures that are trained short before a model is asked.
    """

    lengths = True
    counts = ("starts",)

    def __init__(self, *, starts: int = 16) -> None:
        self.starts = starts

    def propose(self, n: int, history: History, *, rng: np.random.Generator) -> Population:
        """Return up to n unmeasured pairs: short trainings of spread ones at the start, then what promises most."""
        space = history.space
        assert isinstance(space, JointSpace)  # noqa: S101  # for the type: no other space has lengths
        held = _by_level(space, history.candidates)
        cells = space.architectures(history.candidates[held[-1]])
        tried, values = _told(space, history, cells)  # (levels, c) both
        missing = self.starts - int(tried[0].sum())
        if missing > 0:
            known = History(cells, cells[tried[0]], values[0, tried[0]])
            return _joined(space, spread_starts(min(n, missing), known, starts=self.starts, rng=rng), 0)
        promise = _promise(cells, values, rng)
        waiting = (tried & np.isnan(values)).any(axis=0)  # is being trained, or could not be
        promise = np.where(tried[-1] | waiting, -np.inf, promise)
        progress = tried.sum(axis=0)
        order = np.lexsort([rng.random(len(cells)), -progress, -promise])[:n]
        chosen = [_joined(space, cells[[at]], int(progress[at])).decisions for at in order if promise[at] > -np.inf]
        return Population(space, np.concatenate([np.empty((0, len(space.decisions)), dtype=np.int8), *chosen]))


def _by_level(space: JointSpace, pairs: Population) -> list[NDArray[np.int64]]:
    """Return the positions of the pairs of each length."""
    levels = space.levels(pairs)[:, 0]
    return [np.flatnonzero(levels == level) for level in range(len(space.settings[0].options))]


def _told(space: JointSpace, history: History, cells: Population) -> tuple[NDArray[np.bool_], Array]:
    """Return whether each of c cells was tried at each length, and the values; both are (levels, c)."""
    tried = np.zeros((len(space.settings[0].options), len(cells)), dtype=bool)
    values = np.full(tried.shape, np.nan)
    order = np.argsort(cells.index)
    for level, rows in enumerate(_by_level(space, history.population)):
        at = order[np.searchsorted(cells.index[order], space.architectures(history.population[rows]).index)]
        tried[level, at], values[level, at] = True, history.values[rows]
    return tried, values


def _promise(cells: Population, values: Array, rng: np.random.Generator) -> Array:
    """Return the (c,) expected improvements of the longest length's scores that enough labels tell of."""
    scores = -np.log(np.maximum(100 - values, LEAST_ERROR))  # (levels, c)
    mean, variance = _process(cells, scores[0], rng)
    told = np.isfinite(scores[0])
    best = mean[told].max()
    for level in scores[1:]:
        told = np.isfinite(level)
        if told.sum() < ENOUGH:
            break
        mean, variance = _longer(cells, level, mean, variance, rng)
        best = level[told].max()
    return expected_improvement(mean, np.sqrt(variance), float(best))


def _longer(
    cells: Population, score: Array, shorter: Array, variance: Array, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return the (c,) means and variances of a length's scores, given those of the next shorter one."""
    told = np.flatnonzero(np.isfinite(score))
    x, y = shorter[told], score[told]
    centred = x - x.mean()
    # Ridge regression towards a slope of 1, whose prior variance is 1.
    noise = max(float(np.var(y - x)), LEAST_VARIANCE)
    slope = (noise + centred @ (y - y.mean())) / (noise + centred @ centred)
    apart = np.full(len(score), np.nan)
    apart[told] = y - y.mean() - slope * centred
    added, spread = _process(cells, apart, rng)
    return y.mean() + slope * (shorter - x.mean()) + added, slope**2 * variance + spread


def _process(cells: Population, score: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return the (c,) means and variances, without noise, of a Gaussian process fitted to the scores that are known."""
    told = np.flatnonzero(np.isfinite(score))
    if np.ptp(score[told]) == 0:  # all alike: nothing to learn from yet
        return np.full(len(score), score[told[0]]), np.full(len(score), LEAST_VARIANCE)
    process = GaussianProcess(target="value", searching=True).fit(cells[told], score[told], rng=rng)
    prediction = process.predict(cells)
    noise = process.covariance_.noise * process.scale_.width**2
    return prediction.mean, np.maximum(prediction.std**2 - noise, LEAST_VARIANCE**2)


def _joined(space: JointSpace, cells: Population, level: int) -> Population:
    """Return the pairs of cells and one length."""
    return space.join(cells, np.full((len(cells), 1), level, dtype=np.int8))
