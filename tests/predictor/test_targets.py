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
    scale = TargetScale("accuracy", centre=0.0, width=1.0, floor=-np.inf)
    assert scale.score(np.array([0.0, 90.0, 99.0])) == pytest.approx(-np.log([100, 10, 1]))


def test_a_perfect_accuracy_has_a_finite_score() -> None:
    scale = TargetScale("accuracy", centre=0.0, width=1.0, floor=-np.inf)
    assert scale.score(np.array([100.0])) == pytest.approx(-np.log(0.01))


def test_scores_have_mean_zero_and_deviation_one() -> None:
    targets = np.array([50.0, 60.0, 70.0, 75.0])
    score = TargetScale.fit(targets, "accuracy").score(targets)
    assert score.mean() == pytest.approx(0)
    assert score.std() == pytest.approx(1)


def test_failures_far_below_the_rest_are_all_alike_bad() -> None:
    # Median 90 and median deviation 1, hence a robust deviation of 1.4826, and a floor 4 of them below the median.
    targets = np.array([10.0, 50.0, 89.0, 90.0, 90.0, 90.0, 91.0, 91.0, 91.0])
    scale = TargetScale.fit(targets, "value")
    assert scale.score(targets)[0] == scale.score(targets)[1] == scale.floor
    assert scale.target(np.array([scale.floor])) == pytest.approx(90 - 4 * 1.4826)


def test_equal_targets_have_score_zero() -> None:
    assert TargetScale.fit(np.full(3, 42.0), "accuracy").score(np.full(3, 42.0)) == pytest.approx(0)


@given(accuracies)
def test_targets_come_back_from_their_scores_unless_they_were_clipped(targets: np.ndarray) -> None:
    scale = TargetScale.fit(targets, "accuracy")
    score = scale.score(targets)
    kept = score > scale.floor
    assert scale.target(score)[kept] == pytest.approx(targets[kept], abs=1e-6)


@given(accuracies)
def test_better_targets_never_score_less(targets: np.ndarray) -> None:
    ordered = np.sort(targets)
    assert (np.diff(TargetScale.fit(targets, "accuracy").score(ordered)) >= -1e-12).all()


@pytest.mark.parametrize("kind", ["accuracy", "value"])
def test_a_deviation_is_the_slope_times_that_of_the_score(kind) -> None:
    scale = TargetScale(kind, centre=-3.0, width=0.5, floor=-np.inf)
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
