"""The front of a search of several objectives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from surrogate_nas import search
from surrogate_nas.record import write_csv, write_json
from surrogate_nas.report import write_report
from surrogate_nas.report.run import Run, read_run
from surrogate_nas.report.section import front
from surrogate_nas.table import Table
from tests.report.conftest import COMMON, search_result


@pytest.fixture
def folder(small_table: Table, tmp_path: Path) -> Path:
    result = search(table=small_table, sampler="random", objectives=["accuracy", "params_millions"], budget=20, seed=0)
    for trial in result.trials:
        trial.update(predicted=None, predicted_std=None)
    write_csv(tmp_path / "trials.csv", result.trials)
    write_json(tmp_path / "result.json", {**COMMON, **result, "job": "search", "verdict": None})
    (tmp_path / "config.yaml").write_text("seed: 0\n")
    return tmp_path


def test_the_plot_has_every_measurement_and_both_fronts(folder: Path) -> None:
    run = read_run(folder)
    section = front.of_search(run)
    assert section is not None
    (chart,) = section.values["charts"]
    drawn = [len(layer["data"]["values"]) for layer in chart["layer"] if "data" in layer]
    assert drawn[:2] == [len(run.result.true_front.points), len(run.result.front)]
    assert len(chart["data"]["values"]) == 20
    assert section.values["fraction"] == run.result.hypervolume / run.result.true_front.hypervolume


def test_the_page_shows_it_with_a_table_for_a_paper(folder: Path) -> None:
    page = write_report(folder).read_text(encoding="utf-8")
    assert '<section id="front">' in page
    assert "params_millions" in (folder / "tables" / "front.tex").read_text().replace("\\_", "_")


def test_a_search_of_one_objective_has_none(run_of: Callable[..., Run]) -> None:
    assert front.of_search(run_of(search_result())) is None
