"""The first architectures of a search: spread over sizes, the larger favoured, and over the features."""

from __future__ import annotations

import numpy as np

from surrogate_nas.encoding.costs import parameters
from surrogate_nas.sampler.base import History
from surrogate_nas.sampler.starts import spread_starts
from surrogate_nas.space import NB201, Population

EVERYTHING = NB201.enumerate()


def starts(n: int, seed: int = 0, candidates: Population = EVERYTHING) -> Population:
    known = History(candidates, candidates[:0], np.empty(0))
    return spread_starts(n, known, starts=n, rng=np.random.default_rng(seed))


def test_each_start_comes_from_its_own_stratum_of_sizes() -> None:
    sizes = np.sort(parameters(EVERYTHING))
    bounds = sizes[(np.sqrt(np.arange(9) / 8) * (len(sizes) - 1)).astype(int)]
    found = parameters(starts(8))
    # Neighbouring strata share the size at their bound.
    assert ((found >= bounds[:-1]) & (found <= bounds[1:])).all()


def test_starts_lie_farther_apart_than_random_cells() -> None:
    def nearest(population: Population) -> float:
        rows = population.space.represent(population).decisions
        apart = (rows[:, None] != rows[None]).sum(axis=2) + 99 * np.eye(len(rows))
        return float(apart.min(axis=1).mean())

    random = [nearest(NB201.sample(8, rng=np.random.default_rng(seed))) for seed in range(20)]
    spread = [nearest(starts(8, seed)) for seed in range(20)]
    assert np.mean(spread) > np.mean(random) + 0.5  # in decisions


def test_no_two_starts_are_alike_even_among_few_candidates() -> None:
    found = starts(8, candidates=EVERYTHING[:3])
    assert 1 <= len(found) == len(set(found.index.tolist())) <= 3
