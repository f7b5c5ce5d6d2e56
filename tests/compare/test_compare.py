"""Comparisons as a whole: every run is accounted for, and the same comparison gives the same numbers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from surrogate_nas import compare, journal
from surrogate_nas.compare.comparison import Comparison
from surrogate_nas.compare.pool import JOURNAL
from surrogate_nas.compare.rows import run_rows, trial_rows
from surrogate_nas.errors import NotMeasuredError, RunFolderError, SettingError, UnknownMethodError
from surrogate_nas.table import Table, load_table
from surrogate_nas.table.parquet import write_table

OTHERS = "tests.compare.third_party"


@pytest.fixture
def table_file(small_table: Table, tmp_path: Path) -> str:
    path = tmp_path / "small.parquet"
    write_table(small_table, path)
    return str(path)


def statuses(result: Comparison, method: str) -> list[str]:
    return [row.status for row in result.runs if row.method == method]


def test_bad_methods_are_reported_and_the_rest_is_compared(table_file: str, tmp_path: Path) -> None:
    bad = [f"{OTHERS}.{name}" for name in ("Crashes", "Dies", "Exits", "Silent", "Repeats", "Cheats")]
    result = compare(
        tables=[table_file], samplers=["random", *bad], seeds=3, budget=8, folder=tmp_path / "run", workers=2
    )
    assert statuses(result, "random") == ["finished"] * 3
    assert set(statuses(result, "Crashes")) == {"finished", "crashed"}
    assert {row.note for row in result.runs if row.status == "crashed" and row.method == "Crashes"} == {
        "RuntimeError: no <luck> today"
    }
    assert statuses(result, "Dies") == ["crashed"] * 3
    assert {row.note for row in result.runs if row.method == "Dies"} == {"its process died with exit code 9"}
    assert {row.note for row in result.runs if row.method == "Exits"} == {"SystemExit: no more than this"}
    assert {row.note for row in result.runs if row.method == "Silent"} == {
        "SettingError: Silent.ask must return a Population of 1, got an empty one; take it from history.unmeasured."
    }
    assert all(row.note.startswith("proposals measured before: ") for row in result.runs if row.method == "Repeats")
    assert all(row.note.startswith("proposals outside the table: ") for row in result.runs if row.method == "Cheats")
    assert {row.queries for row in result.runs if row.method in ("Repeats", "Cheats")} == {8}  # in vain is not charged
    drawn = {"Repeats": 7, "Cheats": 8}  # and what was measured instead is told
    assert all(
        row.note.endswith(f"; drawn at random instead: {drawn[row.method]}")
        for row in result.runs
        if row.method in drawn
    )
    assert result.failed == 9 + statuses(result, "Crashes").count("crashed")
    ranks = {row.method: row.rank for row in result.comparisons[0].ranks}
    assert ranks["Dies"] == ranks["Exits"] == max(ranks.values())  # what failed is the worst, not left out
    assert {row.method: row.failed for row in result.standings}["Dies"] == 3
    assert len(run_rows(result)) == 21


def test_a_method_that_hangs_is_ended_and_gets_another_chance_with_more_time(table_file: str, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"tables": [table_file], "seeds": 1, "budget": 4, "folder": tmp_path, "workers": 2}
    result = compare(samplers=["random", f"{OTHERS}.Hangs"], time_limit=20, **settings)
    assert [(row.method, row.status, row.note) for row in result.runs] == [
        ("random", "finished", ""),
        ("Hangs", "timed out", "no end after 20 seconds"),
    ]
    before = (tmp_path / JOURNAL).read_bytes()
    assert compare(samplers=["random", f"{OTHERS}.Hangs"], time_limit=20, **settings) == result
    assert (tmp_path / JOURNAL).read_bytes() == before  # neither ran again
    compare(samplers=["random", f"{OTHERS}.Hangs"], time_limit=21, **settings)
    assert len(journal.read(tmp_path / JOURNAL)) == 3


def test_workers_change_no_number_and_neither_do_more_seeds(table_file: str, tmp_path: Path) -> None:
    methods: list[Any] = ["random", {"name": "elsewhere", "_target_": f"{OTHERS}.Uniform", "stream": 5}]
    one = compare(tables=[table_file], samplers=methods, seeds=2, budget=6, workers=1)
    two = compare(tables=[table_file], samplers=methods, seeds=2, budget=6, workers=2, folder=tmp_path)
    assert one == two
    assert list(trial_rows(one)) == list(trial_rows(two))
    more = compare(tables=[table_file], samplers=methods, seeds=3, budget=6, workers=1, folder=tmp_path)
    assert [row for row in more.runs if row.seed < 2] == one.runs
    assert len(journal.read(tmp_path / JOURNAL)) == 6  # the first four ran once


def shuffled(table: Table, rng: np.random.Generator) -> Table:
    """The same labels in an order that has nothing to do with the architectures."""
    order = rng.permutation(len(table))
    return Table("shuffled", table.population, {column: of[order] for column, of in table.columns.items()})


@pytest.mark.slow
def test_on_shuffled_labels_no_method_is_better_than_chance(tmp_path: Path) -> None:
    """The surrogate learns nothing there; random search is as good."""
    path = tmp_path / "shuffled.parquet"
    write_table(shuffled(load_table("nb201-digits"), np.random.default_rng(0)), path)
    result = compare(tables=[str(path)], samplers=["random", "surrogate"], seeds=8, budget=16, workers=2)
    assert result.failed == 0
    assert not any(pair.significant for comparison in result.comparisons for pair in comparison.pairs)


def test_predictors_are_compared_on_the_same_labels(table_file: str) -> None:
    result = compare(
        tables=[table_file], predictors=["gaussian_process", f"{OTHERS}.Dice"], train_size=20, seeds=6, workers=1
    )
    (comparison,) = result.comparisons
    taus = {row.method: row.kendall_tau.mean for row in result.standings}
    assert taus["gaussian_process"] > 0.5 > abs(taus["Dice"]) + 0.2
    assert comparison.ranks[0] == {"method": "gaussian_process", "rank": 1.0}
    assert comparison.pairs[0].wins == 6


def command(folder: Path, workers: int) -> list[str]:
    settings = ("samplers=[random,evolution]", "seeds=6", "budget=12", f"workers={workers}", f"folder={folder}")
    return [sys.executable, "-m", "surrogate_nas", "compare", *settings]


@pytest.mark.slow
def test_killed_halfway_and_resumed_the_csv_files_are_the_same_bytes(tmp_path: Path) -> None:
    resumed, whole = tmp_path / "resumed", tmp_path / "whole"
    running = subprocess.Popen(command(resumed, 2), cwd=tmp_path, stderr=subprocess.PIPE, start_new_session=True)
    path = resumed / JOURNAL
    while running.poll() is None and not (path.exists() and path.read_bytes().count(b"\n") >= 3):
        time.sleep(0.02)
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()
    ended = path.read_bytes().count(b"\n")
    assert 3 <= ended < 12
    with path.open("ab") as file:
        file.write(b'{"format": 1, "method"')  # what a kill in the middle of a line leaves
    for folder, workers in ((resumed, 1), (whole, 2)):
        done = subprocess.run(command(folder, workers), cwd=tmp_path, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
    for name in ("runs.csv", "trials.csv", "tables/standings.csv", "tables/pairs-after-the-last-query.csv"):
        assert (resumed / name).read_bytes() == (whole / name).read_bytes()
    assert len(journal.read(path)) == 12


BAD: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "nobody": ({}, SettingError, "either samplers=.* or predictors="),
    "both": ({"samplers": ["random"], "predictors": ["boosted"]}, SettingError, "either samplers"),
    "unknown": ({"samplers": ["randm"]}, UnknownMethodError, "Did you mean 'random'"),
    "module": ({"samplers": ["no_such_file.Mine"]}, UnknownMethodError, "'no_such_file.Mine' cannot be imported"),
    "class": ({"samplers": [f"{OTHERS}.Missing"]}, UnknownMethodError, "cannot be imported"),
    "argument": ({"samplers": [{"_target_": f"{OTHERS}.Uniform", "s": 1}]}, SettingError, "unexpected keyword"),
    "no target": ({"samplers": [{"stream": 1}]}, SettingError, "a mapping with a _target_, got"),
    "twice": ({"samplers": ["random", "random"]}, SettingError, "two samplers are called 'random'"),
    "budget": ({"samplers": ["random"], "budget": 41}, SettingError, "budget must be a whole number, 1 to 40"),
    "no budget": ({"samplers": ["random"], "budget": []}, SettingError, "got an empty list"),
    "seeds": ({"samplers": ["random"], "seeds": 0}, SettingError, "seeds must be a whole number, at least 1"),
    "seed": ({"samplers": ["random"], "seeds": [-1]}, SettingError, "seeds must be a whole number, at least 0"),
    "workers": ({"samplers": ["random"], "workers": 0}, SettingError, "workers must be a whole number"),
    "target": ({"samplers": ["random"], "target": -1}, SettingError, "target is in points"),
    "time": ({"samplers": ["random"], "time_limit": 0}, SettingError, "time_limit is in seconds"),
    "metric": ({"predictors": ["boosted"], "metric": "tau"}, SettingError, "unknown metric 'tau'"),
    "split": ({"samplers": ["random"], "split": "dev"}, NotMeasuredError, "unknown split 'dev'"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_settings_are_refused_before_the_first_run(name: str, table_file: str, tmp_path: Path) -> None:
    settings, error, message = BAD[name]
    with pytest.raises(error, match=message):
        compare(tables=[table_file], folder=tmp_path / "run", **{"budget": 4, "train_size": 4, "seeds": 1, **settings})
    assert not (tmp_path / "run").exists()


def test_a_table_named_twice_and_a_data_set_that_is_missing_are_refused(table_file: str) -> None:
    with pytest.raises(SettingError, match="small:toy is named twice"):
        compare(tables=[table_file, f"{table_file}:toy"], samplers=["random"], seeds=1, budget=4)
    with pytest.raises(NotMeasuredError, match="digits"):
        compare(tables=[f"{table_file}:digits"], samplers=["random"], seeds=1, budget=4)


def _of_another_format(line: str) -> str:
    return line.replace('"format": 1', '"format": 0')


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_of_another_format, "is of format 0, and this version writes 1; choose another folder"),
        (lambda line: line[:20] + "\n", "is damaged"),
        (lambda line: "[]\n", "is damaged"),
    ],
)
def test_a_folder_of_another_version_or_damaged_is_refused(
    damage: Callable[[str], str], message: str, table_file: str, tmp_path: Path
) -> None:
    settings: dict[str, Any] = {"tables": [table_file], "seeds": 1, "budget": 4, "folder": tmp_path, "workers": 1}
    compare(samplers=["random"], **settings)
    path = tmp_path / JOURNAL
    path.write_text(damage(path.read_text()))
    with pytest.raises(RunFolderError, match=message):
        compare(samplers=["random"], **settings)


def test_other_settings_under_a_known_name_are_not_mixed_with_its_runs(table_file: str, tmp_path: Path) -> None:
    def uniform(stream: int) -> dict[str, Any]:
        return {"name": "mine", "_target_": f"{OTHERS}.Uniform", "stream": stream}

    settings: dict[str, Any] = {"tables": [table_file], "seeds": 1, "budget": 4, "folder": tmp_path, "workers": 1}
    compare(samplers=[uniform(1)], **settings)
    with pytest.raises(RunFolderError, match="holds runs of 'mine' on small:toy from before its settings"):
        compare(samplers=[uniform(2)], **settings)
