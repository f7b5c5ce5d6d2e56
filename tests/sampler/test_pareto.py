"""Expected hypervolume improvement against values computed by hand and against draws."""

from __future__ import annotations

import numpy as np
import pytest

from surrogate_nas.pareto import hypervolume
from surrogate_nas.sampler.base import History
from surrogate_nas.sampler.pareto import expected_hypervolume_improvement
from surrogate_nas.sampler.surrogate import Surrogate
from surrogate_nas.space import NB201

POINTS = np.array([[1.0, 3.0], [2.0, 2.0], [3.0, 1.0], [0.5, 0.5]])
ORIGIN = np.zeros(2)


def test_what_is_certain_adds_the_volume_that_it_adds() -> None:
    mean = np.array([[4.0, 0.5], [2.5, 2.5], [1.0, 1.0], [2.0, 4.0]])
    added = expected_hypervolume_improvement(mean, np.zeros_like(mean), POINTS, ORIGIN)
    # 1 x 0.5 to the right; 0.5 x 1.5 + 0.5 x 1 beside the corner; nothing below; 2 x 1 above and 1 x 1 beside
    assert added == pytest.approx([0.5, 0.5 * 2.5 + 0.5 * 1.5 - 0.5 * 0.5 - 0.5, 0.0, 3.0])


def test_of_one_point_and_a_known_cost_it_is_an_improvement_times_a_length() -> None:
    # Below the point's second objective: EI over 1 at mean 1 and deviation 1 is phi(0) = 0.398942; above it, over 0,
    # EI is Phi(1) + phi(1) = 0.841345 + 0.241971. One unit of each.
    added = expected_hypervolume_improvement(
        np.array([[1.0, 2.0]]), np.array([[1.0, 0.0]]), np.array([[1.0, 1.0]]), ORIGIN
    )
    assert added == pytest.approx([0.398942 + 1.083316], abs=1e-6)


@pytest.mark.parametrize("objectives", [2, 3])
def test_it_is_the_mean_over_draws(objectives: int) -> None:
    rng = np.random.default_rng(0)
    points, reference = rng.normal(1, 1, (6, objectives)), np.full(objectives, -0.5)
    mean, std = rng.normal(1, 1, (3, objectives)), rng.uniform(0.1, 1, (3, objectives))
    before = hypervolume(points, reference)
    for at, value in enumerate(expected_hypervolume_improvement(mean, std, points, reference)):
        draws = rng.normal(mean[at], std[at], (4000, objectives))
        gains = np.array([hypervolume(np.vstack([points, draw]), reference) - before for draw in draws])
        assert value == pytest.approx(gains.mean(), abs=4 * gains.std() / len(gains) ** 0.5 + 1e-4)


def test_before_any_point_everything_above_the_reference_counts() -> None:
    added = expected_hypervolume_improvement(np.array([[2.0, 3.0]]), np.zeros((1, 2)), np.empty((0, 2)), ORIGIN)
    assert added == pytest.approx([6.0])


@pytest.mark.parametrize("known", [True, False])
def test_the_surrogate_finds_the_front_whether_costs_are_known_or_learned(known: bool) -> None:
    everything = NB201.at(np.arange(0, NB201.size, 25))
    accuracy = 50.0 + 5.0 * np.isin(everything.decisions, (2, 3)).sum(axis=1)
    cost = np.maximum(0.0, np.isin(everything.decisions, (3,)).sum(axis=1) - 1.0)[:, None]
    chosen: list[int] = []
    for _ in range(30):
        measured = np.array(chosen, dtype=np.int64)
        history = History(everything, everything[measured], accuracy[measured], cost[measured], cost if known else None)
        proposal = Surrogate().ask(1, history, rng=np.random.default_rng(len(chosen)))
        chosen.append(int(np.flatnonzero(everything.isin(proposal))[0]))
    points, reference = np.column_stack([accuracy, -cost]), np.array([0.0, -6.0])
    assert len(set(chosen)) == 30
    assert hypervolume(points[chosen], reference) > 0.97 * hypervolume(points, reference)
