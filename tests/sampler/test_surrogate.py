"""The surrogate sampler: a spread start, then what the predictor promises."""

from __future__ import annotations

import numpy as np
import pytest

from surrogate_nas.encoding.costs import parameters
from surrogate_nas.sampler.base import History
from surrogate_nas.sampler.surrogate import Surrogate
from surrogate_nas.space import NB201, Population

EVERYTHING = NB201.enumerate()


def merit(population: Population) -> np.ndarray:
    return 60.0 + 5 * (population.decisions == 3).sum(axis=1)


def run(sampler: Surrogate, budget: int) -> Population:
    measured = EVERYTHING[:0]
    while len(measured) < budget:
        known = History(EVERYTHING, measured, merit(measured))
        proposals = sampler.ask(sampler.batch, known, rng=np.random.default_rng(len(measured)))
        measured = Population(NB201, np.concatenate([measured.decisions, proposals.decisions]))
    return measured


def test_starts_are_spread_over_sizes_with_the_larger_favoured() -> None:
    sizes = parameters(run(Surrogate(starts=8), 8))
    share_smaller = [(parameters(EVERYTHING) < size).mean() for size in sizes]
    assert min(share_smaller) < 0.45
    assert sum(share > 0.5 for share in share_smaller) >= 4


def test_the_optimum_of_a_simple_merit_is_found_in_30_queries() -> None:
    assert merit(run(Surrogate(), 30)).max() == pytest.approx(90.0)


def test_a_batch_holds_no_two_cells_of_equal_function() -> None:
    known = run(Surrogate(), 20)
    batch = Surrogate(batch=6).ask(6, History(EVERYTHING, known, merit(known)), rng=np.random.default_rng(0))
    assert len(set(batch.key.tolist())) == 6
