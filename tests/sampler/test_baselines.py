"""What the baselines do, step by step."""

from __future__ import annotations

import numpy as np
import pytest

from surrogate_nas.configuration import load_sampler, names
from surrogate_nas.sampler.bananas import Bananas
from surrogate_nas.sampler.base import History, Sampler
from surrogate_nas.sampler.evolution import Evolution
from surrogate_nas.sampler.feedforward import Networks, ensemble_errors
from surrogate_nas.sampler.gaussian_process import GaussianProcessSearch
from surrogate_nas.sampler.local_search import LocalSearch
from surrogate_nas.space import NB201, Population, concatenate
from tests.contracts.test_samplers import SAMPLERS

EVERYTHING = NB201.enumerate()


def merit(population: Population) -> np.ndarray:
    return population.decisions.sum(axis=1).astype(float)


def known(population: Population, values: np.ndarray | None = None) -> History:
    return History(EVERYTHING, population, merit(population) if values is None else values)


def test_every_sampler_of_this_package_that_has_a_name_keeps_the_contract() -> None:
    own = {name for name in names("sampler") if isinstance(load_sampler(name), Sampler)}
    assert own <= {*SAMPLERS, "smac"}  # which takes part where it is installed; Optuna's keep that of the loop


def test_local_search_proposes_neighbours_of_the_best_start() -> None:
    starts = NB201.at(np.array([0, 15624, 77]))
    proposals = LocalSearch(starts=3).ask(4, known(starts), rng=np.random.default_rng(0))
    assert proposals.isin(NB201.neighbours(starts[1])).all()


def test_local_search_climbs_as_soon_as_a_neighbour_is_better() -> None:
    start = NB201.at(np.array([0]))
    better = NB201.neighbours(start)[0]
    proposals = LocalSearch(starts=1).ask(3, known(concatenate([start, better])), rng=np.random.default_rng(0))
    assert proposals.isin(NB201.neighbours(better)).all()


def test_local_search_starts_anew_at_a_local_optimum() -> None:
    peak = NB201.at(np.array([15624]))
    around = NB201.neighbours(peak)
    climbed = concatenate([peak, around])
    (proposal,) = LocalSearch(starts=1).ask(1, known(climbed), rng=np.random.default_rng(1))
    assert not proposal.isin(around)[0]
    second_climb = LocalSearch(starts=1).ask(2, known(concatenate([climbed, proposal])), rng=np.random.default_rng(2))
    assert second_climb.isin(NB201.neighbours(proposal)).all()


def test_evolution_mutates_one_decision_of_the_best_living() -> None:
    population = NB201.at(np.arange(20))
    values = np.zeros(20)
    values[0], values[15] = 99, 50  # the best of all is too old to live
    sampler = Evolution(population_size=10, tournament_size=200)
    proposals = sampler.ask(5, known(population, values), rng=np.random.default_rng(0))
    assert proposals.isin(NB201.neighbours(population[15])).all()


def test_the_tournaments_of_evolution_draw_with_replacement() -> None:
    population = NB201.at(np.arange(0, 15000, 1500))
    sampler = Evolution(population_size=10, tournament_size=10)
    proposals = sampler.ask(40, known(population, np.arange(10.0)), rng=np.random.default_rng(0))
    missed = ~proposals.isin(NB201.neighbours(population[9]))  # the best is in no tournament of .9^10
    assert 0.1 < missed.mean() < 0.6


def test_evolution_never_breeds_from_a_failed_measurement() -> None:
    population = NB201.at(np.array([3, 9000]))
    proposals = Evolution(population_size=2, tournament_size=50).ask(
        3, known(population, np.array([np.nan, 1.0])), rng=np.random.default_rng(0)
    )
    assert proposals.isin(NB201.neighbours(population[1])).all()


def test_bananas_measures_mutants_of_the_ten_best() -> None:
    population = NB201.at(np.arange(30) * 500)
    values = 50 + np.arange(30.0)
    proposals = Bananas(batch=5).ask(5, known(population, values), rng=np.random.default_rng(0))
    assert proposals.isin(NB201.neighbours(population[20:])).all()


def test_the_networks_of_bananas_learn_which_path_costs_accuracy() -> None:
    x = np.random.default_rng(0).integers(2, size=(60, 8)).astype(np.float32)
    errors = 10 + 20.0 * x[:, 0]
    found = ensemble_errors(x, errors, np.eye(8, dtype=np.float32)[:2], rng=np.random.default_rng(0))
    assert found.shape == (5, 2)
    assert np.median(found, axis=0) == pytest.approx([30, 10], rel=0.2)  # of the members, one of which may have failed


def test_the_networks_of_bananas_descend_along_the_gradient_of_their_loss() -> None:
    rng = np.random.default_rng(3)
    networks = Networks(4, rng=rng)
    x, targets = rng.random((5, 6, 4), dtype=np.float32), rng.uniform(0.5, 2, (5, 6)).astype(np.float32)

    def loss() -> float:
        return float(np.abs(networks.forward(x)[-1].astype(float) / targets - 1).mean(axis=1).sum())

    networks.set_slopes(x, targets)
    for layer, at in [(0, (2, 1, 3)), (4, (0, 7, 5)), (10, (4, 2, 0))]:
        weight, slope = networks.layers[layer][0], networks.slopes[layer][0][at]
        held = weight[at]
        weight[at] = held + 1e-2
        above = loss()
        weight[at] = held - 1e-2
        below = loss()
        weight[at] = held
        assert (above - below) / 2e-2 == pytest.approx(slope, rel=0.1, abs=1e-4)


def test_a_plain_gaussian_process_prefers_what_lies_between_good_ones() -> None:
    rows = np.array(
        [[3, 3, 3, 3, 3, 0], [3, 3, 3, 3, 0, 3], [0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 2, 0], [0, 3, 0, 0, 0, 0]]
    )
    measured = Population(NB201, rows)
    candidates = concatenate([measured, Population(NB201, [[3, 3, 3, 3, 3, 3], [0, 0, 0, 1, 0, 0]])])
    state = History(candidates, measured, np.array([90.0, 90.0, 10.0, 20.0, 30.0]))
    sampler = GaussianProcessSearch(starts=5)
    assert sampler.propose(1, state, rng=np.random.default_rng(0)).decisions.tolist() == [[3] * 6]
