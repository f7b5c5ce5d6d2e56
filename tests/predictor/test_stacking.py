"""Shares of several predictors in one."""

from __future__ import annotations

import numpy as np
import pytest

from surrogate_nas.predictor.base import Prediction
from surrogate_nas.predictor.stacking import likely_shares, mixed, shares
from surrogate_nas.predictor.targets import TargetScale

TRUTH = np.random.default_rng(0).normal(size=400)
GOOD, BAD = (TRUTH + np.random.default_rng(seed).normal(0, width, 400) for seed, width in ((1, 0.1), (2, 2.0)))


def test_the_better_one_gets_nearly_all_of_many_labels() -> None:
    found = shares(np.stack([GOOD, BAD]), TRUTH)
    assert found.sum() == pytest.approx(1)
    assert found[0] > 0.9


def test_few_labels_leave_the_expected_shares_nearly_as_they_are() -> None:
    one = np.stack([TRUTH[:1] + 0.5, TRUTH[:1] - 0.5])
    assert shares(one, TRUTH[:1], expected=np.array([0.9, 0.1])) == pytest.approx([0.9, 0.1], abs=0.1)


def test_without_a_held_out_label_shares_are_the_expected_ones() -> None:
    nothing = np.full((2, 3), np.nan)
    assert shares(nothing, TRUTH[:3]).tolist() == [0.5, 0.5]
    assert shares(nothing, TRUTH[:3], expected=np.array([0.8, 0.2])).tolist() == [0.8, 0.2]
    assert likely_shares(nothing, TRUTH[:3]).tolist() == [0.5, 0.5]


def test_labels_that_are_missing_do_not_count() -> None:
    truth = np.where(np.arange(400) < 100, TRUTH, np.nan)
    both = np.stack([GOOD, BAD])
    assert shares(both, truth) == pytest.approx(shares(both[:, :100], TRUTH[:100]))


def test_the_likelihood_of_two_labels_by_hand() -> None:
    # Mean squared errors 1 and 4: likelihoods of two labels are as 1 to 1/4.
    assert likely_shares(np.array([[1.0, 1.0], [2.0, 2.0]]), np.zeros(2)) == pytest.approx([0.8, 0.2])
    # Mean squared errors 1 and 4 of many labels, of which two decide: as 1 to 1/4, too; of four, as 1 to 1/16.
    many = np.repeat(np.array([[1.0], [2.0]]), 50, axis=1)
    assert likely_shares(many, np.zeros(50), decisive=2) == pytest.approx([0.8, 0.2])
    assert likely_shares(many, np.zeros(50), decisive=4) == pytest.approx([16 / 17, 1 / 17])


def test_a_mixture_by_hand() -> None:
    # Means 1 and 5 of shares 3/4 and 1/4: 2. Variances 1 and 4, and of the means 3/4 1 + 1/4 9: 1.75 + 3 = 4.75.
    parts = [Prediction(np.array([1.0]), np.array([1.0])), Prediction(np.array([5.0]), np.array([2.0]))]
    found = mixed(parts, np.array([0.75, 0.25]), TargetScale("value"))
    assert found.mean == pytest.approx([2.0])
    assert found.std**2 == pytest.approx([4.75])
    # Of accuracies the logarithmic errors are averaged: 90 and 99.6 percent are errors of 10 and .4, in the middle 2.
    parts = [Prediction(np.array([mean]), np.ones(1)) for mean in (90.0, 99.6)]
    assert mixed(parts, np.array([0.5, 0.5]), TargetScale("accuracy")).mean == pytest.approx([98.0])
