"""What all plots share."""

from __future__ import annotations

import altair as alt
import pytest

from surrogate_nas.report.chart import below, focus, rounded, specification


def test_an_axis_leaves_out_what_lies_beyond_the_outer_fence() -> None:
    # Quartiles of 1, 90, 91, 92, 93: 90 and 92; fence 90 - 3 * 2 = 84; the rest spans 90 to 93, margin 0.15.
    values = [1.0, 90.0, 91.0, 92.0, 93.0, None]
    assert focus(values) == pytest.approx((89.85, 93.15))
    assert below(values, focus(values)) == 1


def test_an_axis_without_outliers_holds_everything() -> None:
    assert focus([90.0, 91.0, 92.0]) == pytest.approx((89.9, 92.1))


def test_an_axis_of_equal_values_has_half_a_point_around_them() -> None:
    assert focus([90.0, 90.0]) == (89.5, 90.5)


def test_an_axis_of_nothing_is_all_percentages() -> None:
    assert focus([None]) == (-5.0, 105.0)


def test_a_specification_is_as_wide_as_its_place_and_names_no_address() -> None:
    points = alt.Chart().mark_point().encode(x="x:Q")
    plain = specification([points], [{"x": 1}], height=120, description="a point")
    assert (plain["width"], plain["height"], plain["description"]) == ("container", 120, "a point")
    assert plain["data"] == {"values": [{"x": 1}]}
    assert "http" not in repr(plain)


def test_rounding_keeps_three_decimals_and_has_no_place_for_infinity() -> None:
    assert (rounded(91.60667), rounded(None), rounded(float("inf"))) == (91.607, None, None)
