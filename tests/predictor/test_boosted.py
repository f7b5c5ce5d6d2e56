"""Gradient-boosted trees."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from surrogate_nas.encoding.trend import trend
from surrogate_nas.errors import SettingError
from surrogate_nas.predictor.boosted import Boosted
from surrogate_nas.space import NB201

POPULATION = NB201.sample(60, rng=np.random.default_rng(0))
CONVOLUTIONS = np.isin(POPULATION.decisions, (2, 3)).sum(axis=1).astype(float)


def test_a_sum_over_edges_is_learned() -> None:
    predictor = Boosted(trees=200, target="value").fit(POPULATION, CONVOLUTIONS, rng=np.random.default_rng(0))
    others = NB201.sample(500, rng=np.random.default_rng(1))
    live = np.isin(NB201.represent(others).decisions, (2, 3)).sum(axis=1)
    assert np.corrcoef(predictor.predict(others).mean, live)[0, 1] > 0.7


def test_every_architecture_is_held_out_once() -> None:
    targets = np.random.default_rng(0).permutation(CONVOLUTIONS)  # nothing to learn, all to remember
    predictor = Boosted(members=5, trees=200, target="value").fit(POPULATION, targets, rng=np.random.default_rng(0))
    remembered = np.corrcoef(predictor.predict(POPULATION).mean, targets)[0, 1]
    assert np.isfinite(predictor.held_out_.mean).all()
    assert remembered > 0.8
    assert np.corrcoef(predictor.held_out_.mean, targets)[0, 1] < remembered - 0.5


def test_with_bagging_some_are_held_out() -> None:
    predictor = Boosted(members=3, trees=5, bagging=True, target="value")
    predictor.fit(POPULATION, CONVOLUTIONS, rng=np.random.default_rng(0))
    # A bootstrap sample leaves 1/e of the architectures out, three of them all but (1 - 1/e)^3 = 25 %.
    assert 0.55 < np.isfinite(predictor.held_out_.mean).mean() < 0.95


def test_trees_go_on_beyond_what_was_measured_along_a_slope_unless_told_otherwise() -> None:
    small, large = POPULATION[trend(POPULATION) < 0], POPULATION[trend(POPULATION) > 1]
    targets = 3 * trend(small)
    leaning, not_leaning = (
        Boosted(leaning=leaning, target="value").fit(small, targets, rng=np.random.default_rng(0)).predict(large).mean
        for leaning in (True, False)
    )
    assert (leaning > targets.max()).all()
    assert (not_leaning < targets.max()).all()  # a tree answers with means of what it was fitted to


def test_one_member_leaves_nothing_out() -> None:
    predictor = Boosted(members=1, trees=5, target="value")
    predictor.fit(POPULATION, CONVOLUTIONS, rng=np.random.default_rng(0))
    assert np.isnan(predictor.held_out_.mean).all()
    assert predictor.widening_ == 1


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"members": 0}, "members"),
        ({"trees": 0}, "trees"),
        ({"depth": -1}, "max_depth"),
        ({"subsample": 2.0}, "subsample"),
    ],
)
def test_settings_outside_their_range_are_refused(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(SettingError, match=named):
        Boosted(**settings).fit(POPULATION, CONVOLUTIONS, rng=np.random.default_rng(0))
