"""Where the numbers come from."""

from __future__ import annotations

from collections.abc import Callable

from surrogate_nas.report.run import Run
from surrogate_nas.report.section import table
from tests.report.conftest import search_result


def test_provenance_licence_and_citation_are_told(run_of: Callable[..., Run]) -> None:
    assert table.section(run_of(search_result())).values["facts"] == {
        "table": "synthetic",
        "space": "nb201",
        "data set": "toy",
        "split": "validation",
        "epochs": "12",
        "version": "1",
        "source": "synthetic numbers",
        "licence": "MIT",
        "citation": "nobody: Nothing, 2026",
    }


def test_settings_inside_the_provenance_are_told_in_parentheses_and_blanks_not_at_all(
    run_of: Callable[..., Run],
) -> None:
    training = {"data": "digits", "data_settings": {"noise": 0.05, "views": 4}}
    run = run_of(search_result(), provenance={"training": training, "citation": ""})
    facts = table.section(run).values["facts"]
    assert facts["training"] == "data digits, data settings (noise 0.05, views 4)"
    assert "citation" not in facts
