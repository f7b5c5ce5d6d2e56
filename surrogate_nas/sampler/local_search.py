"""Local search (White et al., "Local search is state of the art for neural architecture search benchmarks", 2021)."""

from __future__ import annotations

import numpy as np

from surrogate_nas.sampler.base import History, Sampler, draw
from surrogate_nas.space import Population


class LocalSearch(Sampler):
    """Measures the neighbours of the best architecture of a climb; at a local optimum, climbs anew from a random one.

    As in the paper's "query until lower" variant, a climb moves as soon as a neighbour is better. The state of the
    climb follows from the history alone. A climb after the first one starts from one architecture, as in the paper's
    algorithm; that it starts from the best of several new ones, as in the authors' code, is no better (see
    ``benchmarks/search``).

    Args:
        starts: random architectures measured first; the best of them starts the first climb.
    """

    counts = ("starts",)

    def __init__(self, *, starts: int = 10) -> None:
        self.starts = starts

    def propose(self, n: int, history: History, *, rng: np.random.Generator) -> Population:
        """Return n unmeasured candidates: random at the start, then neighbours, and random at a local optimum."""
        unmeasured = history.unmeasured
        if len(history) < self.starts:
            return draw(unmeasured, min(n, self.starts - len(history)), rng)
        peak = _peak(history, self.starts)
        around = history.space.neighbours(history.population[peak])
        around = around[around.isin(unmeasured)]
        return draw(around if len(around) else unmeasured, n, rng)


def _peak(history: History, starts: int) -> int:
    """Return the position of the best architecture of the climb that is under way."""
    values = np.nan_to_num(history.values, nan=-np.inf)
    rows = history.population.decisions
    peak = int(values[:starts].argmax())
    for position in range(starts, len(history)):
        is_neighbour = (rows[position] != rows[peak]).sum() == 1
        if not is_neighbour or values[position] > values[peak]:  # a new climb, or a step up
            peak = position
    return peak
