"""Predicted against measured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from surrogate_nas.record import write_csv, write_json
from surrogate_nas.report.page import write_report
from surrogate_nas.report.run import SHOWN, Run, read_run
from surrogate_nas.report.section import predictor
from surrogate_nas.report.section.base import Figure
from tests.report.conftest import ARCHITECTURES, fit_result, plotted, search_result, trials, write_trials


def figures(run: Run) -> list[Figure]:
    shown: list[Figure] = predictor.of_search(run).values["figures"]
    return shown


def test_only_what_was_measured_and_predicted_is_plotted(run_of: Callable[..., Run]) -> None:
    rows = plotted(predictor.of_search(run_of(search_result())).values["chart"])
    assert [row["measured"] for row in rows] == [9.71, 90.2, 90.0, 91.1, 90.7, 89.9, 91.4, 91.3, 90.8]


def test_an_error_bar_is_one_standard_deviation(run_of: Callable[..., Run]) -> None:
    row = plotted(predictor.of_search(run_of(search_result())).values["chart"])[1]
    assert row["architecture"] == ARCHITECTURES[3]
    assert (row["low"], row["predicted"], row["high"]) == (89.1, 89.7, 90.3)


def test_the_rank_correlation_counts_the_pairs_in_order(search_folder: Path) -> None:
    # Predicted 1, 3, 2 for measured 1, 2, 3: two of three pairs agree, one does not: tau = 1/3.
    rows = [
        {**trials()[0], "valid": measured, "predicted": predicted}
        for measured, predicted in ((1.0, 1.0), (2.0, 3.0), (3.0, 2.0))
    ]
    write_trials(search_folder, rows)
    (tau,) = figures(read_run(search_folder))
    assert (tau.label, tau.value) == ("Kendall's τ", "0.333")


def test_the_coverage_counts_measurements_inside_the_90_percent_interval(search_folder: Path) -> None:
    # Half the width of a 90 % interval is 1.645 standard deviations: an error of 1.6 lies inside, of 1.7 outside.
    rows = [
        {**trials()[0], "valid": 90.0 + error, "predicted": 90.0, "predicted_std": 1.0}
        for error in (0.0, 1.6, 1.7, -2.0)
    ]
    write_trials(search_folder, rows)
    (inside,) = figures(read_run(search_folder))
    assert inside.value == "50\N{NO-BREAK SPACE}%"


def test_without_predictions_there_is_no_plot(search_folder: Path) -> None:
    rows = [{**trial, "predicted": None, "predicted_std": None} for trial in trials()]
    write_trials(search_folder, rows)
    values = predictor.of_search(read_run(search_folder)).values
    assert values["chart"] is None
    assert values["figures"] == []


def test_a_fit_tells_all_its_metrics_by_name(run_of: Callable[..., Run]) -> None:
    result = fit_result()
    result["metrics"]["some_other"] = {"mean": 1.0, "std": None}
    names = list(predictor.of_fit(run_of(result)).values["metrics"])
    assert names == ["Kendall's τ", "precision at the top 1 %", "some other"]


def test_a_fit_quotes_how_its_architectures_were_partitioned(run_of: Callable[..., Run]) -> None:
    source = predictor.of_fit(run_of(fit_result(), partition="disjoint halves")).values["source"]
    assert source == "Predictions of the first draw, protocol A (disjoint halves)."


def test_a_fit_says_when_predictions_are_told_of_more_images(run_of: Callable[..., Run]) -> None:
    told, silent = (predictor.of_fit(run_of(fit_result(), growth=growth)).values["source"] for growth in (2.0, 1.0))
    assert told == f"{silent} Test networks were trained on 2 times the images, and predictions are told of it."


def test_a_fit_shows_how_reliable_its_intervals_are(run_of: Callable[..., Run]) -> None:
    rows = [{"level": 0.5, "covered": 0.45}, {"level": 0.9, "covered": 0.93}]
    assert plotted(predictor.of_fit(run_of(fit_result(), reliability=rows)).values["reliability"]) == rows
    assert predictor.of_fit(run_of(fit_result())).values["reliability"] is None


def test_a_fit_tells_what_its_sources_contributed(fit_folder: Path) -> None:
    told = {"source": "nb201:cifar100", "slope": {"mean": 0.84, "std": 0.1}, "used": 0.9}
    result = {**fit_result(), "sources": [told]}
    write_json(fit_folder / "result.json", result)
    write_report(fit_folder)
    page = (fit_folder / "report.html").read_text(encoding="utf-8")
    assert "nb201:cifar100" in page
    assert "0.840" in page
    assert "90\u202f%" in page or "90\u00a0%" in page


@pytest.mark.parametrize("factor", [1, 3])
def test_many_predictions_are_thinned_in_the_plot_only(fit_folder: Path, factor: int) -> None:
    row = {"architecture": ARCHITECTURES[0], "measured": 90.0, "predicted": 90.5, "predicted_std": 1.0}
    write_csv(fit_folder / "predictions.csv", [row] * (factor * SHOWN))
    values = predictor.of_fit(read_run(fit_folder)).values
    assert (values["shown"], values["known"]) == (SHOWN, factor * SHOWN)
    assert len(plotted(values["chart"])) == SHOWN
