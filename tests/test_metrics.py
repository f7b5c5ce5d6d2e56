"""Metrics: constants worked out by hand, and what must hold for any values."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from surrogate_nas.errors import SettingError
from surrogate_nas.metrics import coverage, expected_best, kendall_tau, precision_at, regret_at_top, spearman

samples = st.lists(st.integers(0, 6), min_size=2, max_size=7)
pairs = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=9)


def test_kendall_tau_counts_pairs_in_order_less_those_that_are_not() -> None:
    assert kendall_tau([1, 2, 3, 4], [1, 2, 4, 3]) == pytest.approx((5 - 1) / 6)


def test_kendall_tau_corrects_for_ties() -> None:
    # 5 pairs in order and 1 tied prediction: 5 / sqrt(5 * 6), Kendall's tau-b.
    assert kendall_tau([1, 2, 3, 3], [1, 2, 3, 4]) == pytest.approx(5 / math.sqrt(30))


def test_spearman_is_one_less_six_squared_rank_differences() -> None:
    assert spearman([10, 20, 30, 40], [1, 2, 9, 5]) == pytest.approx(1 - 6 * 2 / (4 * 15))


@pytest.mark.parametrize("correlation", [kendall_tau, spearman])
@pytest.mark.parametrize(("predicted", "measured"), [([1, 1, 1], [1, 2, 3]), ([1, 2, 3], [5, 5, 5]), ([1], [2])])
def test_correlations_are_undefined_without_variation(correlation, predicted: list[int], measured: list[int]) -> None:
    assert math.isnan(correlation(predicted, measured))


@pytest.mark.parametrize("correlation", [kendall_tau, spearman])
@given(pairs)
def test_correlations_turn_their_sign_with_one_side(correlation, both: list[tuple[int, int]]) -> None:
    predicted, measured = np.array(both).T
    there, back = correlation(predicted, measured), correlation(-predicted, measured)
    assert (math.isnan(there) and math.isnan(back)) or there == pytest.approx(-back, abs=1e-12)


def test_precision_is_the_share_of_the_best_that_was_found() -> None:
    assert precision_at([9, 8, 1, 2], [90, 10, 20, 80], 2) == 0.5


@pytest.mark.parametrize(("fraction", "count"), [(0.5, 4), (0.25, 2), (0.01, 1)])
def test_precision_takes_a_fraction_for_a_count(fraction: float, count: int) -> None:
    predicted, measured = np.arange(8), np.array([0, 7, 2, 5, 4, 3, 6, 1])
    assert precision_at(predicted, measured, fraction) == precision_at(predicted, measured, count)


def test_precision_expects_a_random_choice_among_equal_predictions() -> None:
    # One of the best two is surely taken; the other place goes to one of three, of which one is among the best.
    assert precision_at([9, 5, 5, 5], [40, 30, 20, 10], 2) == pytest.approx((1 + 1 / 3) / 2)


def test_precision_counts_all_that_measured_as_well_as_the_last_of_the_best() -> None:
    assert precision_at([4, 3, 2, 1], [50, 40, 40, 10], 2) == precision_at([4, 2, 3, 1], [50, 40, 40, 10], 2) == 1


def test_regret_is_what_the_best_predicted_misses() -> None:
    assert regret_at_top([1, 3, 2], [94, 91, 93]) == 3
    assert regret_at_top([1, 3, 2], [94, 91, 93], top=2) == 1
    assert regret_at_top([1, 3, 2], [94, 91, 93], top=3) == 0


def test_regret_expects_a_random_choice_among_equal_predictions() -> None:
    # The best of two out of 92, 93 and 94 is 93 once and 94 twice in three.
    assert regret_at_top([5, 5, 5, 1], [92, 93, 94, 95], top=2) == pytest.approx(95 - (93 + 94 + 94) / 3)


@given(pairs, st.randoms(use_true_random=False))
def test_top_metrics_do_not_depend_on_the_order_of_architectures(both: list[tuple[int, int]], random) -> None:
    predicted, measured = np.array(both).T
    order = np.array(random.sample(range(len(both)), len(both)))
    assert precision_at(predicted[order], measured[order], 2) == pytest.approx(precision_at(predicted, measured, 2))
    assert regret_at_top(predicted[order], measured[order], 2) == pytest.approx(regret_at_top(predicted, measured, 2))


@given(samples)
@example([5] * 7)  # a sum over probabilities missed it by 9e-16
def test_measurements_predict_themselves_perfectly(values: list[int]) -> None:
    assert precision_at(values, values, 1) == 1
    assert regret_at_top(values, values) == 0


def test_coverage_is_the_share_inside_the_central_normal_interval() -> None:
    # 90 % of a normal lie within 1.6449 deviations, 50 % within 0.6745.
    distance = np.array([0.0, 0.67, 0.68, 1.64, 1.65])
    assert coverage(np.zeros(5), np.ones(5), distance) == 0.8
    assert coverage(np.zeros(5), 2 * np.ones(5), 2 * distance, level=0.5) == 0.4


def test_an_interval_without_width_covers_only_its_mean() -> None:
    assert coverage([1, 2], [0, 0], [1, 2.5]) == 0.5


@pytest.mark.parametrize("level", [0, 1, -0.1, math.nan])
def test_coverage_needs_a_probability(level: float) -> None:
    with pytest.raises(SettingError, match="between 0 and 1"):
        coverage([1], [1], [1], level=level)


def test_expected_best_of_four_values_by_hand() -> None:
    best = expected_best([3, 1, 4, 2], 4)
    # Of the 6 pairs 1 has the best 2, 2 have 3 and 3 have 4; of the 4 triples 1 has 3 and 3 have 4.
    assert best.mean == pytest.approx([10 / 4, 20 / 6, 15 / 4, 4])
    assert best.low.tolist() == [1, 2, 3, 4]
    assert best.high.tolist() == [4, 4, 4, 4]


@given(samples)
def test_expected_best_agrees_with_listing_all_draws(values: list[int]) -> None:
    best = expected_best(values, len(values))
    for k in range(1, len(values) + 1):
        every = sorted(max(drawn) for drawn in combinations(values, k))
        assert best.mean[k - 1] == pytest.approx(np.mean(every))
        assert best.low[k - 1] == every[math.ceil(0.1 * len(every) - 1e-9) - 1]
        assert best.high[k - 1] == every[math.ceil(0.9 * len(every) - 1e-9) - 1]


def test_expected_best_of_many_values_stays_exact() -> None:
    # The best k of 1 to n is k (n + 1) / (k + 1) on average (German tank problem).
    k = np.arange(1, 101)
    assert expected_best(np.arange(1, 15626), 100).mean == pytest.approx(k * 15626 / (k + 1), rel=1e-9)


@pytest.mark.parametrize("wrong", [0, 4, -1, 1.5])
def test_counts_are_whole_and_no_more_than_the_values(wrong: float) -> None:
    with pytest.raises(SettingError, match="whole number from 1 to 3"):
        expected_best([1, 2, 3], wrong)
    with pytest.raises(SettingError, match="whole number from 1 to 3"):
        precision_at([1, 2, 3], [1, 2, 3], wrong)
    with pytest.raises(SettingError, match="whole number from 1 to 3"):
        regret_at_top([1, 2, 3], [1, 2, 3], wrong)
