"""Gradient-boosted trees."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

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


def test_bagged_members_disagree_more() -> None:
    others = NB201.sample(200, rng=np.random.default_rng(1))
    plain, bagged = (
        Boosted(members=4, trees=50, bagging=bagging).fit(POPULATION, 50 + CONVOLUTIONS, rng=np.random.default_rng(0))
        for bagging in (False, True)
    )
    assert bagged.predict(others).std.mean() > 1.2 * plain.predict(others).std.mean()


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
