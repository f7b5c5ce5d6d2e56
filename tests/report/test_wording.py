"""Numbers in words."""

from __future__ import annotations

import pytest

from surrogate_nas.report import wording


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "0.0 seconds"),
        (119.4, "119 seconds"),
        (120.0, "2.0 minutes"),
        (2 * 3600, "2.0 hours"),
        (47 * 3600, "47 hours"),
        (48 * 3600, "2.0 days"),
        (3 * 365.25 * 86400, "3.0 years"),
        (None, "–"),  # noqa: RUF001
    ],
)
def test_a_time_is_told_in_the_largest_unit_of_which_there_are_two(seconds: float | None, words: str) -> None:
    assert wording.duration(seconds) == words.replace(" ", "\N{NO-BREAK SPACE}")


@pytest.mark.parametrize(
    ("part", "whole", "words"), [(60, 15625, "0.38 %"), (12, 1200, "1.0 %"), (63, 100, "63 %"), (5, 5, "100 %")]
)
def test_a_share_has_two_significant_digits(part: float, whole: float, words: str) -> None:
    assert wording.share(part, whole) == words.replace(" ", "\N{NO-BREAK SPACE}")


def test_a_deviation_is_told_only_where_there_is_one() -> None:
    assert wording.percent_spread(94.366, 0.123) == "94.37 ± 0.12\N{NO-BREAK SPACE}%"
    assert wording.percent_spread(94.366, None) == "94.37\N{NO-BREAK SPACE}%"


def test_what_is_not_known_is_a_dash_to_read_and_nothing_to_sort_by() -> None:
    assert {wording.percent(None), wording.number(None), wording.digits(None)} == {"\N{EN DASH}"}
    assert wording.blank(None) == ""
    assert wording.blank(88.394) == "88.394"


def test_counts_factors_and_splits() -> None:
    assert wording.count(15625) == "15,625"
    assert (wording.times(3.44), wording.times(216.3)) == ("3.4", "216")
    assert (wording.split_name("valid"), wording.split_name("test")) == ("validation", "test")
