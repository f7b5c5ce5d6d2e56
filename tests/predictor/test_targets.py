"""The scale that predictors learn on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surrogate_nas.errors import TargetError
from surrogate_nas.predictor.targets import TargetScale

accuracies = st.lists(st.floats(0, 99.9), min_size=1, max_size=20).map(np.array)


def test_the_score_of_an_accuracy_is_its_negative_logarithmic_error() -> None:
    scale = TargetScale("accuracy")
    assert scale.score(np.array([0.0, 90.0, 99.0])) == pytest.approx(-np.log([100, 10, 1]))


def test_a_perfect_accuracy_has_a_finite_score() -> None:
    scale = TargetScale("accuracy")
    assert scale.score(np.array([100.0])) == pytest.approx(-np.log(0.01))


def test_scores_have_mean_zero_and_deviation_one() -> None:
    targets = np.array([50.0, 60.0, 70.0, 75.0])
    score = TargetScale.fit(targets, "accuracy").score(targets)
    assert score.mean() == pytest.approx(0)
    assert score.std() == pytest.approx(1)


def test_below_the_knee_targets_go_on_as_a_logarithm() -> None:
    # Median 90 and median deviation 1, hence a robust deviation of 1.4826, and a knee 4 of them below the median.
    targets = np.array([10.0, 50.0, 89.0, 90.0, 90.0, 90.0, 91.0, 91.0, 91.0])
    scale = TargetScale.fit(targets, "value")
    knee = 90 - 4 * 1.4826
    assert (scale.knee, scale.unit) == pytest.approx((knee, 1.4826))
    bent = scale.score(targets) * scale.width + scale.centre
    assert bent[:2] == pytest.approx(knee - 1.4826 * np.log1p((knee - targets[:2]) / 1.4826))
    assert bent[2:] == pytest.approx(targets[2:])


@pytest.mark.parametrize(("times", "deviations"), [(1, 4), (8, 2), (80, 1.1)])
def test_the_knee_of_accuracies_is_nearer_the_more_there_are(times: int, deviations: float) -> None:
    # The logarithmic errors have the median log(10), and the median of their deviations is log(2).
    targets = np.repeat(100 - np.array([5.0, 5.0, 10.0, 20.0, 80.0]), times)
    assert TargetScale.fit(targets, "accuracy").knee == pytest.approx(-np.log(10) - deviations * 1.4826 * np.log(2))


@pytest.mark.parametrize("kind", ["accuracy", "cost", "value"])
def test_however_low_a_score_its_target_is_finite(kind) -> None:
    scale = TargetScale.fit(np.array([10.0, 50.0, 89.0, 90.0, 90.0, 91.0, 91.0]), kind)
    low = np.array([-1e6])
    assert np.isfinite(scale.target(low))
    assert np.isfinite(scale.deviation(low, np.ones(1)))
    assert scale.target(low) < 1


def test_however_low_a_score_a_cost_is_positive() -> None:
    scale = TargetScale.fit(np.array([1.0, 2.0, 3.0, 4.0]), "cost")
    assert (scale.target(np.array([-1e3, -50.0, -10.0])) > 0).all()


def test_equal_targets_have_score_zero() -> None:
    assert TargetScale.fit(np.full(3, 42.0), "accuracy").score(np.full(3, 42.0)) == pytest.approx(0)


@given(accuracies)
def test_targets_come_back_from_their_scores(targets: np.ndarray) -> None:
    scale = TargetScale.fit(targets, "accuracy")
    # In doubles a logarithm below the knee keeps 1e-16 of itself, and so e^20 = 5e8 units below it 1e-7 of an error.
    assert scale.target(scale.score(targets)) == pytest.approx(targets, abs=1e-5)


@given(accuracies)
def test_better_targets_never_score_less(targets: np.ndarray) -> None:
    ordered = np.sort(targets)
    assert (np.diff(TargetScale.fit(targets, "accuracy").score(ordered)) >= -1e-12).all()


@pytest.mark.parametrize("kind", ["accuracy", "value"])
def test_a_deviation_is_the_slope_times_that_of_the_score(kind) -> None:
    scale = TargetScale(kind, centre=-3.0, width=0.5, knee=-3.2, unit=0.4)
    score, step = np.array([-1.0, 0.0, 1.0]), 1e-6
    slope = (scale.target(score + step) - scale.target(score - step)) / (2 * step)
    assert scale.deviation(score, np.full(3, 0.1)) == pytest.approx(0.1 * slope, rel=1e-6)


@pytest.mark.parametrize("wrong", [-0.1, 100.1])
def test_accuracies_are_percentages(wrong: float) -> None:
    with pytest.raises(TargetError, match="0 to 100"):
        TargetScale.fit(np.array([50.0, wrong]), "accuracy")


def test_other_values_may_be_any_number() -> None:
    targets = np.array([-500.0, 0.0, 500.0])
    assert TargetScale.fit(targets, "value").score(targets) == pytest.approx([-np.sqrt(1.5), 0, np.sqrt(1.5)])


def test_costs_are_learned_by_their_logarithm() -> None:
    costs = np.array([1.0, 2.0, 4.0, 8.0])
    scale = TargetScale.fit(costs, "cost")
    score = scale.score(costs)
    np.testing.assert_allclose(np.diff(score), np.diff(score)[0])
    np.testing.assert_allclose(scale.target(score), costs)
    np.testing.assert_allclose(scale.deviation(score, np.ones(4)), costs * scale.width)
