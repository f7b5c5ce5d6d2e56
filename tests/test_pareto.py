"""Pareto fronts and hypervolumes against what one can see on squared paper."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surrogate_nas.pareto import front, hypervolume, hypervolume_so_far

STAIRS = np.array([[1.0, 3.0], [2.0, 2.0], [3.0, 1.0], [1.5, 1.5]])  # the last lies below the second
ORIGIN = np.zeros(2)
points_of = st.lists(st.tuples(*[st.integers(0, 6)] * 3), min_size=1, max_size=8).map(lambda p: np.array(p, float))


def test_the_front_holds_what_nothing_dominates() -> None:
    assert front(STAIRS).tolist() == [2, 1, 0]


def test_of_equal_points_the_first_is_on_the_front_and_failures_are_not() -> None:
    assert front(np.array([[np.nan, 9.0], [1.0, 1.0], [1.0, 1.0]])).tolist() == [1]
    assert front(np.array([[1.0, 1.0], [1.0, 2.0]])).tolist() == [1]  # equal in one and better in the other


@pytest.mark.parametrize(
    ("points", "reference", "volume"),
    [
        ([[2, 3]], [0, 0], 6),
        ([[2, 3]], [1, 1], 2),
        ([[2, 3]], [2, 0], 0),  # nothing above the reference
        ([[1, 3], [2, 2], [3, 1]], [0, 0], 6),  # columns of 3, 2 and 1
        ([[91, -5], [80, -2]], [0, -10], 91 * 5 + 80 * 3),  # accuracy and latency
        ([[2, 2, 2]], [0, 0, 0], 8),
        ([[2, 1, 1], [1, 2, 1], [1, 1, 2]], [0, 0, 0], 4),  # a cube and three more at its sides
        ([[3, 1, 1], [1, 1, 3]], [0, 0, 0], 5),
    ],
)
def test_hypervolumes_counted_by_hand(points: list[list[float]], reference: list[float], volume: float) -> None:
    assert hypervolume(np.array(points, float), np.array(reference, float)) == pytest.approx(volume)


@given(points_of)
def test_a_hypervolume_is_the_number_of_unit_cubes_below_the_points(points: np.ndarray) -> None:
    corners = np.stack(np.meshgrid(*[np.arange(1.0, 7.0)] * 3), axis=-1).reshape(-1, 1, 3)
    assert hypervolume(points, np.zeros(3)) == pytest.approx((corners <= points).all(axis=2).any(axis=1).sum())


@given(points_of)
def test_hypervolumes_so_far_are_those_of_the_beginnings(points: np.ndarray) -> None:
    expected = [hypervolume(points[: n + 1], np.zeros(3)) for n in range(len(points))]
    assert hypervolume_so_far(points, np.zeros(3)).tolist() == pytest.approx(expected)
    assert np.isfinite(hypervolume_so_far(np.vstack([points, [np.nan] * 3]), np.zeros(3))).all()
