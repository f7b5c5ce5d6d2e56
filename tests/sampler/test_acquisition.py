"""Acquisition functions against constants computed by hand from the normal distribution."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surrogate_nas.sampler.acquisition import (
    expected_improvement,
    exploration,
    noisy_incumbent,
    probability_of_improvement,
    thompson,
    upper_confidence_bound,
)

MEAN = np.array([-0.5, 0.0, 0.5])
UNIT = np.ones(3)


def test_expected_improvement_over_zero_with_unit_deviation() -> None:
    # z Phi(z) + phi(z): -0.5 * 0.308538 + 0.352065, 0.398942, 0.5 * 0.691462 + 0.352065
    assert expected_improvement(MEAN, UNIT, 0.0) == pytest.approx([0.197797, 0.398942, 0.697797], abs=1e-6)


def test_expected_improvement_scales_with_the_unit() -> None:
    assert expected_improvement(10 * MEAN, 10 * UNIT, 0.0) == pytest.approx(10 * expected_improvement(MEAN, UNIT, 0.0))


def test_probability_of_improvement_is_the_normal_distribution() -> None:
    assert probability_of_improvement(MEAN, UNIT, 0.0) == pytest.approx([0.308538, 0.5, 0.691462], abs=1e-6)


def test_upper_confidence_bound_adds_deviations() -> None:
    assert upper_confidence_bound(MEAN, 2 * UNIT, beta=1.5).tolist() == [2.5, 3.0, 3.5]


def test_certain_predictions_improve_by_their_gain_or_not_at_all() -> None:
    nothing = np.zeros(3)
    assert expected_improvement(MEAN, nothing, 0.0).tolist() == [0.0, 0.0, 0.5]
    assert probability_of_improvement(MEAN, nothing, 0.0).tolist() == [0.0, 0.0, 1.0]


def test_thompson_draws_have_the_predicted_moments() -> None:
    draws = thompson(np.full(20_000, 3.0), np.full(20_000, 2.0), rng=np.random.default_rng(0))
    assert draws.mean() == pytest.approx(3.0, abs=0.06)  # 4 deviations of the mean: 4 * 2 / sqrt(20000)
    assert draws.std() == pytest.approx(2.0, abs=0.04)  # 4 deviations: 4 * 2 / sqrt(2 * 20000)


def test_a_lucky_label_is_not_the_incumbent() -> None:
    # Of two cells of one function, measured 90 and 94, a predictor says 92 of both.
    assert noisy_incumbent(np.array([92.0, 92.0, 91.0])) == 92.0


def test_deviations_widen_by_3_percent_a_measurement_after_10_without_an_improvement() -> None:
    rising = np.arange(30.0)
    assert exploration(rising) == exploration(np.append(rising, [0.0] * 10)) == 1
    assert exploration(np.append(rising, [0.0] * 15)) == pytest.approx(1.15)
    assert exploration(np.append(rising, [np.nan] * 15)) == pytest.approx(1.15)
    assert exploration(np.append(rising, [0.0] * 15 + [99.0])) == 1


@given(st.floats(-50, 50), st.floats(1e-3, 50), st.floats(-50, 50))
def test_expected_improvement_is_at_least_the_expected_gain(mean: float, std: float, best: float) -> None:
    (value,) = expected_improvement(np.array([mean]), np.array([std]), best)
    assert value >= max(mean - best, 0) - 1e-9
