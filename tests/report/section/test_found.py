"""The headline numbers of each job."""

from __future__ import annotations

from collections.abc import Callable

from surrogate_nas.report.run import Run
from surrogate_nas.report.section import found
from surrogate_nas.report.section.base import Figure, Section
from tests.report.conftest import ARCHITECTURES, WINNER, fit_result, search_result, verified, verify_result


def figures(section: Section) -> dict[str, str]:
    return {figure.label: figure.value.replace("\N{NO-BREAK SPACE}", " ") for figure in section.values["figures"]}


def test_a_search_tells_its_winner_on_both_splits_and_what_it_took(run_of: Callable[..., Run]) -> None:
    assert figures(found.of_search(run_of(search_result()))) == {
        "validation accuracy": "91.40 %",
        "test accuracy": "94.00 %",
        "regret": "0.21 points",
        "measurements": "12",
        "training paid for": "12 hours",
    }


def test_the_winner_is_drawn(run_of: Callable[..., Run]) -> None:
    section = found.of_search(run_of(search_result()))
    assert section.values["architecture"] == WINNER
    assert f"<title>{WINNER}</title>" in section.values["cell"]


def test_the_winner_is_told_with_the_query_that_found_it(run_of: Callable[..., Run]) -> None:
    first: Figure = found.of_search(run_of(search_result())).values["figures"][0]
    assert first.note == "found at query 9"


def test_the_oracle_is_told_apart_from_the_winner(run_of: Callable[..., Run]) -> None:
    note = found.of_search(run_of(search_result())).values["note"]
    assert "94.25" in note
    assert "told apart" in note


def test_an_oracle_that_is_the_winner_is_no_news(run_of: Callable[..., Run]) -> None:
    run = run_of(search_result(), oracle={"architecture": WINNER, "test": 94.0})
    assert found.of_search(run).values["note"] == "No other measured cell has a higher test accuracy."


def test_without_times_none_are_told(run_of: Callable[..., Run]) -> None:
    run = run_of(search_result(), seconds={"wall": 1.0, "training": None, "training_all": None})
    assert "training paid for" not in figures(found.of_search(run))


def test_without_test_accuracies_the_headline_is_about_validation(run_of: Callable[..., Run]) -> None:
    run = run_of(search_result(), best={"architecture": WINNER, "valid": 91.4, "test": None}, oracle=None)
    assert found.search_headline(run).startswith("A cell with 91.40\N{NO-BREAK SPACE}% validation accuracy")


def test_a_fit_tells_its_rank_correlation_over_draws(run_of: Callable[..., Run]) -> None:
    section = found.of_fit(run_of(fit_result()))
    assert figures(section) == {"Kendall's τ": "0.750", "fitted to": "78", "draws": "3"}
    assert section.values["figures"][0].note.startswith("± 0.020;")


def test_a_verification_tells_the_best_test_mean_and_draws_that_cell(run_of: Callable[..., Run]) -> None:
    better = {**verified(ARCHITECTURES[1]), "test": {"mean": 94.5, "std": 0.5}}
    run = run_of(verify_result(), verification=[verified(WINNER), better])
    section = found.of_verify(run)
    assert figures(section) == {"best mean test accuracy": "94.50 %", "cells trained": "2"}
    assert section.values["figures"][0].note == "± 0.50\N{NO-BREAK SPACE}% over 3 seeds"
    assert section.values["architecture"] == ARCHITECTURES[1]
    assert found.verify_headline(run) == "2 cells trained for real on digits"


def test_a_verification_in_which_all_failed_has_no_best_cell(run_of: Callable[..., Run]) -> None:
    run = run_of(verify_result(), verification=[{**verified(WINNER), "valid": None, "test": None}])
    section = found.of_verify(run)
    assert figures(section) == {"cells trained": "1"}
    assert section.values["cell"] is None
