"""The course of a search."""

from __future__ import annotations

from collections.abc import Callable

from surrogate_nas.report.run import Run
from surrogate_nas.report.section import search
from tests.report.conftest import ARCHITECTURES, plotted, search_result


def test_each_query_is_plotted_with_its_cell_and_with_random_search(run_of: Callable[..., Run]) -> None:
    rows = plotted(search.of_search(run_of(search_result())).values["chart"])
    assert len(rows) == 12
    assert rows[3] == {
        "query": 4,
        "architecture": ARCHITECTURES[3],
        "measured": 90.2,
        "best": 90.2,
        "mean": 86.2,
        "low": 84.2,
        "high": 87.2,
    }


def test_a_failed_training_does_not_squash_the_axis_and_is_told(run_of: Callable[..., Run]) -> None:
    values = search.of_search(run_of(search_result())).values
    assert values["floor"] > 80
    assert values["hidden"] == 1  # 9.71 %
    assert values["failed"] == 1


def test_the_text_compares_with_what_random_search_expects_at_the_end(run_of: Callable[..., Run]) -> None:
    values = search.of_search(run_of(search_result())).values
    assert (values["best"], values["random"]) == (91.4, 89.4)


def test_without_random_search_the_plot_has_no_band(run_of: Callable[..., Run]) -> None:
    values = search.of_search(run_of(search_result(), random_search=None)).values
    assert values["random"] is None
    assert {row["mean"] for row in plotted(values["chart"])} == {None}
