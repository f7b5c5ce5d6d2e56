"""The surrogate sampler: a predictor learns from what was measured, an acquisition function says what comes next."""

from __future__ import annotations

import copy

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.predictor.base import Prediction, Predictor
from surrogate_nas.predictor.targets import TargetKind
from surrogate_nas.sampler.acquisition import expected_improvement, exploration, noisy_incumbent
from surrogate_nas.sampler.base import History, Sampler, draw
from surrogate_nas.sampler.pareto import hypervolume_promise
from surrogate_nas.sampler.starts import spread_starts
from surrogate_nas.space import Population


class Surrogate(Sampler):
    """Bayesian-style search by expected improvement over the best measurement, or over the front of several objectives.

    The first architectures are spread over what is known without any label. Afterwards the predictor is fitted anew to
    every measurement before each batch.

    Args:
        predictor: unfitted; None for a Gaussian process.
        starts: architectures measured before the predictor is asked.
        batch: proposals for one fit; more of them save fits and cost measurements.
    """

    several = True
    counts = ("starts",)

    def __init__(self, *, predictor: Predictor | None = None, starts: int = 8, batch: int = 1) -> None:
        self.predictor = predictor
        self.starts = starts
        self.batch = batch

    def propose(self, n: int, history: History, *, rng: np.random.Generator) -> Population:
        """Return n unmeasured candidates: spread ones at the start, then what the predictor promises most of."""
        missing = self.starts - len(history.succeeded)
        if missing > 0:
            return spread_starts(min(n, missing), history, starts=self.starts, rng=rng)
        measured = history.succeeded
        if np.ptp(history.values[measured]) == 0:  # all alike, as failures are: nothing to learn from yet
            return draw(history.unmeasured, n, rng)
        predictor = copy.deepcopy(self.predictor) if self.predictor is not None else default_predictor()
        predictor.fit(history.population[measured], history.values[measured], rng=rng)
        # All candidates are predicted, not only the unmeasured, since what is the same every time is remembered.
        prediction = predictor.predict(history.candidates)
        if history.several:
            promised = hypervolume_promise(prediction, history, rng=rng)
        else:
            promised = promise(prediction, history)
        return history.candidates[choose(n, history, promised, rng)]


def default_predictor(target: TargetKind = "accuracy") -> Predictor:
    """Return the unfitted predictor of a search: small enough to be fitted before every measurement."""
    from surrogate_nas.predictor.gaussian_process import GaussianProcess

    return GaussianProcess(target=target, searching=True)


def promise(prediction: Prediction, history: History) -> NDArray[np.float64]:
    """Return the (n,) expected improvements of the candidates over what was measured; -inf for measured ones.

    Improvements are those of the score that predictors learn: there a prediction is normal. The deviations are widened
    where the search stalls.
    """
    score = history.scale.score(prediction.mean)
    std = exploration(history.values) * history.scale.score_deviation(score, prediction.std)
    best = noisy_incumbent(score[history.candidates.isin(history.population[history.succeeded])])
    improvement = expected_improvement(score, std, best)
    return np.where(history.candidates.isin(history.population), -np.inf, improvement)


def choose(n: int, history: History, promised: NDArray[np.float64], rng: np.random.Generator) -> list[int]:
    """Return up to n positions of candidates that promise most, of which no two are nearly the same.

    Of two that compute the same function, or would if one decision were another, the second tells little that the
    first does not.
    """
    chosen: list[int] = []
    while len(chosen) < n and promised.max() > -np.inf:
        at = _argmax(promised, rng)
        chosen.append(at)
        if len(chosen) < n:
            represented = history.space.represent(history.candidates).decisions
            near = (represented != represented[at]).sum(axis=1) <= 1
            promised = np.where(near, -np.inf, promised)
    return chosen


def _argmax(values: NDArray[np.float64], rng: np.random.Generator) -> int:
    """Return the position of the greatest value; of equal ones, as those of equal function are, a random one."""
    return int(rng.choice(np.flatnonzero(values == values.max())))
