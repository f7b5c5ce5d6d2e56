"""The table of all queries."""

from __future__ import annotations

import re
from collections.abc import Callable

from surrogate_nas.report.run import Run
from surrogate_nas.report.section import trials
from tests.report.conftest import ARCHITECTURES, search_result


def test_every_query_is_a_row_with_a_drawing(run_of: Callable[..., Run]) -> None:
    rows = trials.of_search(run_of(search_result())).values["trials"]
    assert [trial.query for trial, _ in rows] == list(range(1, 13))
    assert all(f"<title>{text}</title>" in drawing for text, (_, drawing) in zip(ARCHITECTURES, rows, strict=True))


def test_improvements_are_marked_and_failures_named(page_of: Callable[..., str]) -> None:
    (table,) = re.findall(r'<table class="sortable trials">(.*?)</table>', page_of(search_result()), re.S)
    assert len(re.findall('<tr class="improvement">', table)) == 5
    assert len(re.findall(r'data-value="">failed<', table)) == 1


def test_columns_sort_by_the_full_number(page_of: Callable[..., str]) -> None:
    assert 'data-value="9.71">9.71<' in page_of(search_result())
