"""Folds, and deviations that keep their word."""

from __future__ import annotations

import numpy as np
import pytest

from surrogate_nas.predictor.calibration import TRUST, folds, held_out, widening

LEVEL_90 = 1.6448536  # deviations, of the central 90 % of a normal distribution


def test_folds_are_as_large_as_one_another() -> None:
    fold = folds(23, 5, rng=np.random.default_rng(0))
    assert sorted(np.bincount(fold)) == [4, 4, 5, 5, 5]


@pytest.mark.parametrize(("n", "count"), [(1, 5), (3, 1)])
def test_nothing_is_left_out_of_one_architecture_or_by_one_fold(n: int, count: int) -> None:
    assert (folds(n, count, rng=np.random.default_rng(0)) == -1).all()


def test_the_factor_is_the_conformal_quantile_trusted_by_the_number_of_labels() -> None:
    # Of 19 residuals of 1 to 19 deviations, the 18th is the least that 90 % of 20 lie below or at.
    factor = widening(np.zeros(19), np.ones(19), np.arange(1.0, 20.0))
    assert factor == pytest.approx((18 / LEVEL_90) ** (19 / (19 + TRUST)))


def test_of_few_residuals_the_greatest_counts() -> None:
    assert widening(np.zeros(2), np.ones(2), np.array([1.0, -3.0])) == pytest.approx((3 / LEVEL_90) ** (2 / 12))


def test_what_nobody_left_out_does_not_count() -> None:
    mean = np.array([0.0, np.nan, 0.0])
    assert widening(mean, np.ones(3), np.array([1.0, 100.0, 3.0])) == pytest.approx((3 / LEVEL_90) ** (2 / 12))
    assert widening(np.full(3, np.nan), np.ones(3), np.ones(3)) == 1


def test_many_deviations_that_are_half_of_what_they_should_be_are_doubled() -> None:
    measured = np.random.default_rng(0).normal(0, 2, 20_000)
    # The 90 % quantile of 20,000 normal distances has a relative error of 0.7 %.
    assert widening(np.zeros(20_000), np.ones(20_000), measured) == pytest.approx(2, rel=0.03)


def test_an_architecture_is_held_out_by_those_who_left_it_out() -> None:
    scores = np.array([[1.0, 2.0, 3.0], [5.0, 6.0, 7.0]])
    left_out = np.array([[True, False, False], [True, True, False]])
    mean, spread, residual = held_out(scores, left_out, np.array([4.0, 4.0, 9.0]))
    assert mean == pytest.approx([3, 6, np.nan], nan_ok=True)
    assert spread == pytest.approx([2, 2, 2])
    assert residual == pytest.approx(1.4826 * 1.5)  # the median of the distances 1 and 2


def test_without_held_out_labels_the_residual_is_the_deviation_of_scores() -> None:
    _, _, residual = held_out(np.zeros((2, 3)), np.zeros((2, 3), dtype=bool), np.ones(3))
    assert residual == 1
