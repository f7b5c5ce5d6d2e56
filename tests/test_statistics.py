"""Statistics of repeated runs, against SciPy, published examples and constants worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from surrogate_nas.statistics import bootstrap_mean, holm, paired_test, ranking, reached, superiority

# Weeks of remission of 21 leukaemia patients with 6-MP, and who left the trial in remission (E. J. Freireich et al.,
# Blood 21, 1963): the textbook example of the estimator.
WEEKS = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
LEFT = [0, 0, 0, 1, 0, 1, 0, 1, 1, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1]


def test_the_interval_of_a_mean_is_that_of_the_normal_distribution_for_many_runs() -> None:
    values = np.random.default_rng(0).normal(5, 1, size=(400, 3))
    interval = bootstrap_mean(values, rng=np.random.default_rng(1))
    half = 1.96 * values.std(axis=0) / 20
    assert interval.mean == pytest.approx(values.mean(axis=0))
    # Two percent of the width is what 2,000 resamples leave open; twice that.
    assert interval.low == pytest.approx(interval.mean - half, abs=0.08 * half.max())
    assert interval.high == pytest.approx(interval.mean + half, abs=0.08 * half.max())


def test_one_run_has_no_interval_and_equal_runs_have_one_of_no_width() -> None:
    one = bootstrap_mean([[3.0, 4.0]], rng=np.random.default_rng(0))
    assert one.mean.tolist() == [3.0, 4.0]
    assert np.isnan([one.low, one.high]).all()
    equal = bootstrap_mean(np.full((5, 2), 7.0), rng=np.random.default_rng(0))
    assert equal.low.tolist() == equal.high.tolist() == [7.0, 7.0]


def test_the_critical_difference_is_that_of_the_paper() -> None:
    # Demsar (2006), section 3.2.2: four classifiers on fourteen data sets.
    found = ranking(np.random.default_rng(0).normal(size=(14, 4)))
    assert found.critical_difference == pytest.approx(2.569 * math.sqrt(4 * 5 / (6 * 14)), abs=5e-4)  # 2.569: his table


def test_friedman_and_ranks_are_scipys_also_with_ties() -> None:
    scores = np.random.default_rng(3).integers(0, 5, size=(12, 4)).astype(float)
    found = ranking(scores)
    assert found.p == pytest.approx(stats.friedmanchisquare(*scores.T).pvalue)
    assert found.ranks == pytest.approx(stats.rankdata(-scores, axis=1).mean(axis=0))
    assert found.blocks == 12


def test_two_methods_are_a_sign_test_in_its_normal_approximation() -> None:
    scores = np.array([[1.0, 0.0]] * 15 + [[0.0, 1.0]] * 5)
    assert ranking(scores).ranks.tolist() == [1.25, 1.75]
    assert ranking(scores).p == pytest.approx(2 * stats.norm.sf(10 / math.sqrt(20)))


def test_equal_scores_share_a_rank_and_give_no_evidence() -> None:
    found = ranking(np.ones((5, 3)))
    assert found.ranks.tolist() == [2.0, 2.0, 2.0]
    assert found.p == 1.0


@pytest.mark.parametrize("shape", [(1, 3), (4, 1), (0, 2)])
def test_too_little_to_rank_has_no_test(shape: tuple[int, int]) -> None:
    found = ranking(np.zeros(shape))
    assert math.isnan(found.p)
    assert math.isnan(found.critical_difference)


def test_the_paired_test_is_scipys_exact_one_without_ties() -> None:
    rng = np.random.default_rng(4)
    for n in (5, 12, 40):
        first, second = rng.normal(0.3, 1, n), rng.normal(0, 1, n)
        assert paired_test(first, second) == pytest.approx(stats.wilcoxon(first, second, method="exact").pvalue)


def test_the_paired_test_counts_ties_and_equal_pairs_exactly() -> None:
    # Ranks of 0, 1, 1, 2, 2, 2: 1, 2.5, 2.5, 5, 5, 5; the zero goes, all signs are positive: 2 of 32 as extreme.
    assert paired_test([0, 1, 1, 2, 2, 2], np.zeros(6)) == pytest.approx(2 / 32)
    # One sign of rank 2.5 negative: W = 17.5; at least as much with nothing or one 2.5 negative: 3 of 32.
    assert paired_test([0, 1, -1, 2, 2, 2], np.zeros(6)) == pytest.approx(2 * 3 / 32)
    assert paired_test([1.0, 2.0], [1.0, 2.0]) == 1.0


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=15))
def test_the_paired_test_does_not_care_which_method_comes_first(pairs: list[tuple[int, int]]) -> None:
    first, second = np.array(pairs, dtype=float).T
    p = paired_test(first, second)
    assert 0 < p <= 1
    assert p == pytest.approx(paired_test(second, first))


def test_the_paired_test_errs_as_often_as_its_level_allows() -> None:
    rng = np.random.default_rng(5)
    wrong = sum(paired_test(*rng.normal(size=(2, 20))) < 0.05 for _ in range(2000))
    # Binomial with 2,000 tries at 0.05: mean 100, deviation 9.7; four deviations. Too few would be a blunt test.
    assert 61 <= wrong <= 139


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]).tolist() == [1.0, 1.0]
    assert holm([]).tolist() == []


def test_superiority_by_hand() -> None:
    assert superiority([3, 4], [1, 2]) == 1.0
    assert superiority([1, 2], [3, 4]) == 0.0
    assert superiority([1, 2], [1, 2]) == 0.5
    assert superiority([1, 3], [2, 3]) == (0 + 0 + 1 + 0.5) / 4


def test_reached_is_the_textbooks_survival_curve() -> None:
    found = reached(WEEKS, censored=LEFT)
    survival = dict(zip(found.spent.tolist(), (1 - found.share).round(3).tolist(), strict=True))
    expected = {6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448}
    assert {week: survival[week] for week in expected} == expected
    assert found.median == 23


def test_runs_that_never_reached_it_are_not_dropped() -> None:
    half = reached([10, 100, 100, 20], censored=[False, True, True, False])
    assert half.share[-1] == 0.5
    assert half.median == 20
    none = reached([100, 100], censored=[True, True])
    assert none.share.tolist() == [0.0]
    assert math.isinf(none.median)


def test_the_interval_of_what_was_reached_holds_its_estimate() -> None:
    found = reached(WEEKS, censored=LEFT)
    assert ((found.low < found.share) & (found.share < found.high)).all()
