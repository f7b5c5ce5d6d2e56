"""What may be proposed in a space that is too large to enumerate."""

from __future__ import annotations

import numpy as np

from surrogate_nas.sampler.base import History
from surrogate_nas.sampler.candidates import candidate_pool, crosses, mutants
from surrogate_nas.sampler.surrogate import Surrogate
from surrogate_nas.space import NB201, Population, WidthSpace, concatenate

CHAIN = WidthSpace(name="chain", widths=(8, 16, 24, 32, 40, 48, 56, 64), layers=18)  # 2^54 architectures


def merit(population: Population) -> np.ndarray:
    """An invented accuracy: 95 for widths that grow from the least to the greatest, less for any other."""
    aim = np.linspace(0, 7, CHAIN.layers)
    return 95 - 2.0 * np.abs(population.decisions - aim).mean(axis=1)


def test_a_small_space_is_offered_whole() -> None:
    pool = candidate_pool(NB201, NB201.at(np.empty(0, dtype=int)), np.empty(0), rng=np.random.default_rng(0))
    assert len(pool) == NB201.size


def test_a_cross_takes_every_decision_from_one_of_its_parents() -> None:
    parents = Population(CHAIN, np.array([[1] * 18, [6] * 18]))
    decisions = crosses(parents, 50, np.random.default_rng(0)).decisions
    assert set(decisions.ravel().tolist()) == {1, 6}
    assert any(len(set(row.tolist())) == 2 for row in decisions)


def test_a_mutant_differs_in_one_decision() -> None:
    parent = Population(CHAIN, np.full((1, 18), 3))
    found = mutants(parent, 40, np.random.default_rng(0))
    assert ((found.decisions != 3).sum(axis=1) == 1).all()
    assert len(set(found.index.tolist())) == len(found) > 20


def test_the_pool_of_a_large_space_holds_neighbours_of_the_best_and_others() -> None:
    measured = CHAIN.at(np.random.default_rng(1).integers(CHAIN.size, size=30))
    values = merit(measured)
    pool = candidate_pool(CHAIN, measured, values, rng=np.random.default_rng(0))
    assert len(set(pool.index.tolist())) == len(pool) < 5000
    best = measured[int(values.argmax())]
    assert CHAIN.neighbours(best).isin(pool).all()
    assert measured.isin(pool).all()
    # A random architecture differs from any measured one in about 7 of 8 decisions.
    apart = (pool.decisions[:, None] != measured.decisions[None]).sum(axis=2).min(axis=1)
    assert (apart > 9).sum() > 500


def test_the_surrogate_climbs_in_a_space_of_2_to_the_54_architectures() -> None:
    measured = CHAIN.at(np.empty(0, dtype=np.int64))
    for turn in range(60):
        rng = np.random.default_rng([0, turn])
        pool = candidate_pool(CHAIN, measured, merit(measured), rng=rng)
        proposal = Surrogate().ask(1, History(pool, measured, merit(measured)), rng=rng)
        measured = concatenate([measured, proposal])
    best_of_random = merit(CHAIN.at(np.random.default_rng(0).integers(CHAIN.size, size=10_000))).max()
    assert merit(measured).max() > best_of_random  # of 166 times as many
