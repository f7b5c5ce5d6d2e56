"""Optuna's distributions as levels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from surrogate_nas.sampler.levels import LEVELS, Distribution, decision, is_ordered, level_of, value_of

DISTRIBUTIONS: list[Distribution] = [
    FloatDistribution(-1.5, 4.0),
    FloatDistribution(1e-5, 1.0, log=True),
    FloatDistribution(0.0, 1.0, step=0.25),
    FloatDistribution(0.0, 10.0, step=0.01),
    IntDistribution(3, 9),
    IntDistribution(1, 1000),
    IntDistribution(1, 1024, log=True),
    IntDistribution(0, 100, step=20),
    CategoricalDistribution(["sgd", None, True, 3]),
]


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_value_of_a_level_is_in_the_distribution_and_near_that_level(distribution: Distribution, seed: int) -> None:
    rng = np.random.default_rng(seed)
    level = int(rng.integers(len(decision("x", distribution).options)))
    value = value_of(distribution, level, rng)
    assert distribution._contains(distribution.to_internal_repr(value))
    # A step may belong to the next level; the least whole numbers of a logarithmic range are levels apart.
    near = 0 if isinstance(distribution, CategoricalDistribution) or distribution.step is None else 1
    assert abs(level_of(distribution, value) - level) <= (7 if getattr(distribution, "log", False) and near else near)


def test_few_values_have_a_level_each() -> None:
    assert [level_of(IntDistribution(3, 9), value) for value in range(3, 10)] == list(range(7))
    assert [level_of(FloatDistribution(0, 1, step=0.25), value) for value in (0, 0.25, 0.5, 0.75, 1)] == list(range(5))
    assert level_of(CategoricalDistribution(["a", "b"]), "b") == 1


def test_many_values_share_levels_evenly_also_in_the_logarithm() -> None:
    assert level_of(FloatDistribution(0, 1), 0.5) == LEVELS // 2
    assert level_of(FloatDistribution(1e-4, 1, log=True), 1.0001e-2) == LEVELS // 2
    assert len(decision("x", IntDistribution(1, 1000)).options) == LEVELS


def test_values_beyond_the_range_belong_to_its_ends() -> None:
    assert level_of(FloatDistribution(0, 1), -3) == 0
    assert level_of(FloatDistribution(0, 1), 7) == LEVELS - 1


def test_names_are_no_order() -> None:
    assert not is_ordered(CategoricalDistribution(["a", "b"]))
    assert is_ordered(IntDistribution(0, 3))
