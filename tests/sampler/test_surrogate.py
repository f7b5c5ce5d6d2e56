"""The surrogate sampler: a spread start, then what the predictor promises."""

from __future__ import annotations

import numpy as np
import pytest

from surrogate_nas.predictor.base import Prediction
from surrogate_nas.sampler.base import History
from surrogate_nas.sampler.surrogate import Surrogate, promise
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


def test_the_optimum_of_a_simple_merit_is_found_in_30_queries() -> None:
    assert merit(run(Surrogate(), 30)).max() == pytest.approx(90.0)


def test_a_batch_holds_no_two_cells_of_nearly_equal_function() -> None:
    known = run(Surrogate(), 20)
    batch = Surrogate(batch=6).ask(6, History(EVERYTHING, known, merit(known)), rng=np.random.default_rng(0))
    assert len(set(batch.key.tolist())) == 6
    represented = NB201.represent(batch).decisions
    apart = (represented[:, None] != represented[None]).sum(axis=2)
    assert apart[~np.eye(6, dtype=bool)].min() >= 2  # decisions


def test_accuracies_improve_by_the_logarithm_of_their_error() -> None:
    # From 90 to a mean of 95 the error halves, ln 2 = 0.693147; a deviation of 1 point is 0.2 of that error.
    # z = 3.465736: 0.693147 * 0.999736 + 0.2 * 0.000983
    candidates = EVERYTHING[:2]
    known = History(candidates, candidates[:1], np.array([90.0]))
    measured, other = promise(Prediction(np.array([90.0, 95.0]), np.array([1.0, 1.0])), known)
    assert measured == -np.inf
    assert other * known.scale.width == pytest.approx(0.693161, abs=1e-5)


def test_values_that_are_no_accuracies_improve_as_they_are() -> None:
    candidates = EVERYTHING[:2]
    known = History(candidates, candidates[:1], np.array([-3.0]))
    _, other = promise(Prediction(np.array([-3.0, -3.0]), np.array([1.0, 1.0])), known)
    assert other * known.scale.width == pytest.approx(0.398942, abs=1e-6)  # the normal distribution's density at 0


def test_what_is_unsure_and_far_below_the_knee_promises_next_to_nothing() -> None:
    """To first order, a deviation of one score far below the knee is one of many points, which lie all below."""
    candidates = EVERYTHING[:7]
    known = History(candidates, candidates[:5], np.array([80.0, 88.0, 90.0, 91.0, 92.0]))
    low = known.scale.target(np.array([-4.0]))
    wide = known.scale.deviation(np.array([-4.0]), np.array([0.5]))
    mean, std = np.append(known.values, [low.item(), 90.0]), np.append(np.ones(5), [wide.item(), 1.0])
    *_, far, near = promise(Prediction(mean, std), known)
    assert far < 1e-6 < near


def test_what_counts_is_what_the_predictor_says_of_the_measured_that_succeeded() -> None:
    candidates = EVERYTHING[:4]
    known = History(candidates, candidates[:3], np.array([-1.0, -3.0, np.nan]))  # the first was lucky, the third failed
    *_, other = promise(Prediction(np.array([-2.0, -3.0, 9.0, -2.0]), np.ones(4)), known)
    assert other * known.scale.width == pytest.approx(0.398942, abs=1e-6)


def test_a_search_that_stalls_promises_more_of_what_is_unknown() -> None:
    def favourite(bad: int) -> int:
        candidates = EVERYTHING[: bad + 3]
        known = History(candidates, candidates[: bad + 1], np.array([-1.0] + [-9.0] * bad))
        mean = np.array([-1.0] + [-9.0] * bad + [-1.0, -1.5])
        return int(promise(Prediction(mean, np.array([1.0] * (bad + 1) + [0.5, 1.0])), known).argmax()) - bad - 1

    assert [favourite(5), favourite(60)] == [0, 1]  # the nearer one, then the one that less is known of
