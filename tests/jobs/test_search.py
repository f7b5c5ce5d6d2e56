"""The job ``search``: what a run leaves behind, and how it goes on."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.command import COMMAND, surrogate_nas

QUICK = ("budget=16", "verification.top=1", "verification.seeds=[1]")


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of one short search, verification included."""
    folder = tmp_path_factory.mktemp("cli") / "run"
    done = surrogate_nas("search", *QUICK, "seed=1", f"folder={folder}", cwd=folder.parent)
    assert done.returncode == 0, done.stderr
    return folder


def test_a_search_leaves_config_result_trials_log_and_report(run_folder: Path) -> None:
    left = {path.name for path in run_folder.iterdir()}
    assert {"config.yaml", "result.json", "trials.csv", "trainings.csv", "search.log", "report.html"} <= left
    assert not [name for name in left if name.endswith(".part")]


def test_result_says_what_was_found_and_what_it_cost(run_folder: Path) -> None:
    result = json.loads((run_folder / "result.json").read_text())
    assert result["table"] == "nb201-digits"
    assert (result["dataset"], result["sampler"], result["seed"], result["budget"]) == ("digits", "surrogate", 1, 16)
    assert result["queries"] == 16
    assert set(result["best"]) == {"architecture", "valid", "test"}
    assert result["seconds"]["wall"] > 0
    assert 0 < result["seconds"]["training"] < result["seconds"]["training_all"]
    assert len(result["random_search"]["mean"]) == 16
    (verified,) = result["verification"]
    assert verified["architecture"] == result["best"]["architecture"]
    assert verified["valid"]["std"] is None  # one seed
    assert verified["table"]["valid"] == pytest.approx(result["best"]["valid"])
    assert "surrogate-nas search" in result["command"]


def test_trials_are_a_line_a_query_in_order(run_folder: Path) -> None:
    with (run_folder / "trials.csv").open() as file:
        trials = list(csv.DictReader(file))
    assert [int(trial["query"]) for trial in trials] == list(range(1, 17))
    best = max(float(trial["valid"]) for trial in trials)
    assert (
        float(trials[-1]["best_valid"]) == best == json.loads((run_folder / "result.json").read_text())["best"]["valid"]
    )
    assert all(trial["architecture"].startswith("|") for trial in trials)


def test_the_same_command_resumes_its_run_and_pays_nothing_again(run_folder: Path) -> None:
    before = json.loads((run_folder / "result.json").read_text())
    trials = (run_folder / "trials.csv").read_bytes()
    again = surrogate_nas("search", *QUICK, "seed=1", f"folder={run_folder}", cwd=run_folder.parent)
    assert again.returncode == 0, again.stderr
    after = json.loads((run_folder / "result.json").read_text())
    assert after["verification"] == before["verification"]
    assert (run_folder / "trials.csv").read_bytes() == trials


def test_a_report_is_rebuilt_from_the_other_files(run_folder: Path) -> None:
    (run_folder / "report.html").unlink()
    done = surrogate_nas("report", str(run_folder), cwd=run_folder.parent)
    assert done.returncode == 0, done.stderr
    assert (run_folder / "report.html").stat().st_size > 10_000


def test_another_search_in_the_same_folder_is_refused_and_nothing_is_lost(run_folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in run_folder.iterdir() if path.is_file()}
    refused = surrogate_nas("search", *QUICK, "seed=2", f"folder={run_folder}", cwd=run_folder.parent)
    assert refused.returncode == 2
    assert "belongs to another search: seed is 1 there and 2 here" in refused.stderr
    assert {path.name: path.read_bytes() for path in run_folder.iterdir() if path.is_file()} == before


def test_ctrl_c_leaves_a_run_that_says_how_to_go_on(tmp_path: Path) -> None:
    command = [*COMMAND, "search", "budget=60", "verification.top=0", "folder=run"]
    running = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    journal = tmp_path / "run" / "study.journal"
    while running.poll() is None and not (journal.exists() and journal.stat().st_size > 20_000):
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    _, complaint = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "interrupted; nothing is lost. Go on with: surrogate-nas search budget=60" in complaint
    assert "Traceback" not in complaint
    resumed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert resumed.returncode == 0, resumed.stderr
    whole = surrogate_nas("search", "budget=60", "verification.top=0", "folder=whole", cwd=tmp_path)
    assert whole.returncode == 0, whole.stderr
    assert (tmp_path / "run" / "trials.csv").read_bytes() == (tmp_path / "whole" / "trials.csv").read_bytes()


def test_a_sweep_runs_every_combination(tmp_path: Path) -> None:
    done = surrogate_nas(
        "search", "-m", "sampler=random,tpe", "seed=0,1", "budget=12", "verification.top=0", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    results = [json.loads(path.read_text()) for path in tmp_path.glob("runs/search/*/*/result.json")]
    assert {(result["sampler"], result["seed"]) for result in results} == {
        ("random", 0),
        ("random", 1),
        ("tpe", 0),
        ("tpe", 1),
    }
