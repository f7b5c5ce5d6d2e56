"""Several run folders on one page: what can be compared is, and nothing else is dropped."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from surrogate_nas import compare
from surrogate_nas.compare.pool import JOURNAL
from surrogate_nas.compare.rows import run_rows
from surrogate_nas.errors import RunFolderError
from surrogate_nas.jobs.compare import side_by_side as write_side_by_side
from surrogate_nas.record import write_csv
from surrogate_nas.report.side_by_side import side_by_side
from tests.report.conftest import ARCHITECTURES, fit_result, search_result, trials, verify_result, write_run


def searched(folder: Path, queries: int = 12, configuration: str = "sampler: {_target_: a}\n", **changes: Any) -> Path:
    write_run(folder, {**search_result(), "queries": queries, **changes})
    (folder / "config.yaml").write_text(configuration)
    many = [{**trials()[at % 12], "query": at + 1, "architecture": ARCHITECTURES[at % 12]} for at in range(queries)]
    write_csv(folder / "trials.csv", many)
    return folder


def test_searches_stand_side_by_side_after_their_usual_number_of_queries(tmp_path: Path) -> None:
    folders = [
        searched(tmp_path / "a", seed=1),
        searched(tmp_path / "b", seed=2),
        searched(tmp_path / "c", sampler="random", seed=1, queries=7),
        searched(tmp_path / "d", sampler="random", seed=2, queries=14),
    ]
    found = side_by_side(folders)
    assert (found.methods, found.sizes, found.seeds) == (["surrogate", "random"], [12], [1, 2])
    assert [(row.method, row.seed, row.status, row.note) for row in found.runs] == [
        ("surrogate", 1, "finished", ""),
        ("surrogate", 2, "finished", ""),
        ("random", 1, "left out", "7 of 12 queries"),
        ("random", 2, "finished", "14 queries, cut to 12"),
    ]
    assert found.comparisons[0].blocks == 1  # seed 2: in seed 1 a run is missing, not lost
    assert found.standings[0].test.mean == 94.0


def test_what_cannot_be_read_is_listed_with_the_reason(tmp_path: Path) -> None:
    cut, old = searched(tmp_path / "cut"), searched(tmp_path / "old")
    (cut / "result.json").write_text((cut / "result.json").read_text()[:200])
    result = json.loads((old / "result.json").read_text())
    del result["optimum"]
    (old / "result.json").write_text(json.dumps(result))
    found = side_by_side([searched(tmp_path / "good"), cut, old, tmp_path / "missing", searched(tmp_path / "again")])
    notes = {row.method: row.note for row in found.runs if row.status == "left out"}
    assert "is no JSON" in notes["cut"]
    assert "lacks optimum; run the search again with this version" in notes["old"]
    assert "cannot read" in notes["missing"]
    write_csv(tmp_path / "runs.csv", run_rows(found))  # every row has every column
    assert "repeats the method, table and seed of" in notes["surrogate"]
    assert len(found.runs) == 5


def test_the_same_run_with_two_budgets_counts_once(tmp_path: Path) -> None:
    lengths = {"short": 7, "usual": 12, "long": 14}
    folders = {name: searched(tmp_path / name, seed=1, queries=length) for name, length in lengths.items()}
    found = side_by_side([*folders.values(), searched(tmp_path / "other", seed=2)])
    assert [(row.seed, row.status, row.note) for row in found.runs] == [
        (1, "left out", "7 of 12 queries"),
        (1, "finished", ""),
        (1, "left out", f"{folders['long']} repeats the method, table and seed of {folders['usual']}"),
        (2, "finished", ""),
    ]
    assert found.standings[0].runs == 2
    assert found.failed == 0  # what is left out counts neither way


@pytest.mark.slow
def test_runs_that_a_journal_lost_are_listed(tmp_path: Path) -> None:
    settings = ["samplers=[random]", "seeds=3", "budget=5", "workers=1", f"folder={tmp_path / 'run'}"]
    subprocess.run([sys.executable, "-m", "surrogate_nas", "compare", *settings], check=True, capture_output=True)
    path = tmp_path / "run" / JOURNAL
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:2]))
    found = side_by_side([tmp_path / "run"])
    assert [(row.seed, row.status, row.note) for row in found.runs] == [
        (0, "finished", ""),
        (1, "finished", ""),
        (2, "left out", f"{path} was cut off before this run"),
    ]


def test_other_settings_and_other_labels_are_other_methods_and_other_tables(tmp_path: Path) -> None:
    found = side_by_side(
        [
            searched(tmp_path / "a"),
            searched(tmp_path / "b", configuration="sampler: {_target_: a, starts: 4}\n"),
            searched(tmp_path / "c", optimum={"valid": 92.0}),
        ]
    )
    assert found.methods == ["surrogate", "surrogate (starts=4)"]
    assert list(found.tasks) == ["synthetic:toy", "synthetic:toy (optimum=92.0)"]


def test_a_comparison_that_has_not_ended_has_no_result_yet(tmp_path: Path) -> None:
    compare(tables=["nb201-digits"], samplers=["random"], seeds=2, budget=5, workers=1, folder=tmp_path / "compared")
    with pytest.raises(RunFolderError, match="no folder holds runs to compare: cannot read"):
        side_by_side([tmp_path / "compared"])


def test_fits_stand_side_by_side(tmp_path: Path) -> None:
    folders = [
        write_run(tmp_path / name, {**fit_result(), "predictor": name, "seed": seed})
        for seed, name in enumerate(("boosted", "ensemble"))
    ]
    found = side_by_side(folders)
    assert (found.kind, found.methods, found.sizes) == ("predictor", ["boosted", "ensemble"], [78])
    assert [row.kendall_tau.mean for row in found.standings] == [0.75, 0.75]


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ([search_result(), fit_result()], "searches and fits cannot stand side by side"),
        ([verify_result()], "side by side stand search, fit and compare"),
    ],
)
def test_what_is_of_different_kinds_is_refused(results: list[dict[str, Any]], message: str, tmp_path: Path) -> None:
    folders = [write_run(tmp_path / str(at), result) for at, result in enumerate(results)]
    with pytest.raises(RunFolderError, match=message):
        side_by_side(folders)


def test_hostile_names_stay_text_on_the_page_and_in_its_tables(tmp_path: Path) -> None:
    attack = "</script><script>alert(1)</script><img src=x onerror=alert(2)>|&_\"'"
    folders = [searched(tmp_path / "a", sampler=attack, table=attack), searched(tmp_path / "b")]
    write_side_by_side(folders, tmp_path / "page")
    page = (tmp_path / "page" / "report.html").read_text()
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    latex = (tmp_path / "page" / "tables" / "standings.tex").read_text()
    assert "|\\&\\_" in latex
    rows = (tmp_path / "page" / "tables" / "standings.md").read_text().splitlines()
    assert any("alert" in row for row in rows)
    assert {row.replace("\\|", "").count("|") for row in rows} == {10}  # nine columns, whatever a name holds


def test_the_command_writes_a_page_that_can_be_rebuilt(tmp_path: Path) -> None:
    runs = [str(searched(tmp_path / name, sampler=name)) for name in ("one", "two")]
    command = [sys.executable, "-m", "surrogate_nas", "report"]
    done = subprocess.run([*command, *runs, "--folder", "both"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    before = (tmp_path / "both" / "report.html").read_bytes()
    assert subprocess.run([*command, "both"], cwd=tmp_path, capture_output=True).returncode == 0
    assert (tmp_path / "both" / "report.html").read_bytes() == before
