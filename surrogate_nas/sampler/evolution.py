"""Regularised evolution (Real et al., "Regularized evolution for image classifier architecture search", AAAI 2019)."""

from __future__ import annotations

import numpy as np

from surrogate_nas.sampler.base import History, Sampler, draw
from surrogate_nas.space import Population

ATTEMPTS = 100  # mutations drawn for a proposal before a random candidate takes its place


class Evolution(Sampler):
    """Mutates the best of a tournament among the youngest architectures.

    The population is the last ``population_size`` measured architectures: the oldest dies, not the worst. A child
    differs from its parent in one decision, and those that compete are drawn with replacement (the paper's algorithm 1
    and its mutations). An architecture that was measured is no child; another one is drawn.

    The sizes are those that White et al. (the authors of BANANAS) take for 150 queries. The paper's own, 100 and 25,
    are for thousands of them; NAS-Bench-201 takes 10 and 3.

    Args:
        population_size: architectures that are alive, and random ones at the start.
        tournament_size: architectures that compete to be the parent.
    """

    counts = ("population_size", "tournament_size")

    def __init__(self, *, population_size: int = 30, tournament_size: int = 10) -> None:
        self.population_size = population_size
        self.tournament_size = tournament_size

    def propose(self, n: int, history: History, *, rng: np.random.Generator) -> Population:
        """Return n unmeasured candidates: random ones at the start, then children."""
        if len(history) < self.population_size:
            return draw(history.unmeasured, min(n, self.population_size - len(history)), rng)
        alive = history.population[-self.population_size :]
        values = np.nan_to_num(history.values[-self.population_size :], nan=-np.inf)
        unmeasured = history.unmeasured
        children: list[int] = []
        for _ in range(ATTEMPTS * n):
            contestants = rng.integers(len(alive), size=self.tournament_size)  # each stays in the population
            parent = alive[int(contestants[values[contestants].argmax()])]
            child = draw(history.space.neighbours(parent), 1, rng)
            if child.isin(unmeasured)[0] and int(child.index[0]) not in children:
                children.append(int(child.index[0]))
            if len(children) == n:
                break
        return history.space.at(np.array(children, dtype=np.int64))
