"""Trained cells beside their table."""

from __future__ import annotations

from collections.abc import Callable

from surrogate_nas.report.run import Run
from surrogate_nas.report.section import verification
from tests.report.conftest import WINNER, plotted, search_result, verified, verify_result


def test_each_split_has_a_plot_of_mean_deviation_and_table(run_of: Callable[..., Run]) -> None:
    valid, test = verification.section(run_of(search_result())).values["charts"]
    (row,) = plotted(valid)
    assert row == {
        "number": 1,
        "split": "validation",
        "architecture": WINNER,
        "mean": 91.0,
        "std": 0.25,
        "low": 90.75,
        "high": 91.25,
        "table": 91.4,
    }
    (row,) = plotted(test)
    assert (row["split"], row["mean"], row["table"]) == ("test", 93.5, 94.0)


def test_one_seed_has_no_spread(run_of: Callable[..., Run]) -> None:
    single = {**verified(WINNER), "seeds": [1], "valid": {"mean": 91.0, "std": None}, "test": None}
    values = verification.section(run_of(verify_result(), verification=[single])).values
    assert values["spread"] is False
    (row,) = values["cells"][0]["rows"]
    assert (row["low"], row["high"]) == (None, None)


def test_without_a_table_nothing_is_compared(run_of: Callable[..., Run]) -> None:
    values = verification.section(run_of(verify_result())).values
    assert values["compared"] is False


def test_a_run_that_trained_nothing_says_so(page_of: Callable[..., str]) -> None:
    page = page_of(search_result(), verification=[])
    assert "No cell was trained again in this run" in page
    assert "verification.top=3 verification.data=NAME verification.recipe=NAME" in page


def test_a_table_that_says_how_it_was_trained_needs_no_more_to_train_its_best_again(
    page_of: Callable[..., str],
) -> None:
    provenance = {"training": {"data": "digits", "recipe": "digits"}}
    page = page_of(search_result(), verification=[], provenance=provenance)
    assert "<code>verification.top=3</code>" in page


def test_p_values_are_those_that_the_verdict_rests_on(page_of: Callable[..., str]) -> None:
    judged = {"difference": -1.0, "deviation": 0.4, "freedom": 9, "p": 0.031, "p_holm": 0.062, "agrees": True}
    page = page_of(search_result(), verification=[{**verified(WINNER), "verdict": {"test": judged}}])
    assert "0.062" in page
    assert "0.031" not in page


def test_a_cell_whose_trainings_all_failed_tells_why(page_of: Callable[..., str]) -> None:
    failed = {**verified(WINNER), "valid": None, "test": None, "failures": ["the loss of seed 1 diverged."]}
    page = page_of(search_result(), verification=[failed])
    assert "no training finished" in page
    assert "the loss of seed 1 diverged." in page
