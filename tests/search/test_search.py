"""The loop: what is charged, what is remembered, and that nothing depends on when it was interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from surrogate_nas import load_sampler, load_table, search
from surrogate_nas.configuration import names
from surrogate_nas.errors import (
    DivergedError,
    NotMeasuredError,
    RunFolderError,
    SettingError,
    UnknownMethodError,
)
from surrogate_nas.sampler.random import Random
from surrogate_nas.search import run
from surrogate_nas.search.study import open_study
from surrogate_nas.space import NB201, Population
from surrogate_nas.split import Split
from surrogate_nas.table import Column, Table
from surrogate_nas.table.evaluator import TableEvaluator

SAMPLERS = [name for name in names("sampler") if name != "hyperband"]  # which needs several lengths


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_spends_its_budget_on_different_architectures(sampler: str) -> None:
    result = search(table="nb201-digits", sampler=sampler, budget=25, seed=0)
    texts = [trial.architecture for trial in result.trials]
    assert result.queries == len(texts) == len(set(texts)) == 25
    assert [trial.query for trial in result.trials] == list(range(1, 26))
    assert result.sampler == sampler


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_trials_say_what_the_table_says(sampler: str, small_table: Table) -> None:
    result = search(table=small_table, sampler=sampler, budget=15, seed=3)
    rows = small_table.find(NB201.parse([trial.architecture for trial in result.trials]))
    assert [trial.valid for trial in result.trials] == small_table.accuracy(dataset="toy", split="valid")[rows].tolist()
    assert all(trial.seconds == 2.0 for trial in result.trials)
    assert result.seconds.training == 30.0
    assert result.seconds.training_all == 80.0


def test_result_reports_the_test_accuracy_of_the_validation_best_and_the_oracle_apart() -> None:
    population = NB201.at(np.array([10, 20, 30]))
    columns = {
        Column("accuracy", "toy", Split.VALID, 5, 1): np.array([50.0, 70.0, 60.0]),
        Column("accuracy", "toy", Split.TEST, 5, 1): np.array([90.0, 65.0, 80.0]),
    }
    result = search(table=Table("t", population, columns), sampler="random", budget=3, seed=0)
    assert result.best == {"architecture": population[1].text, "valid": 70.0, "test": 65.0}
    assert result.oracle == {"architecture": population[0].text, "test": 90.0}
    assert result.regret == 0.0


def test_a_table_without_test_accuracies_reports_none() -> None:
    columns = {Column("accuracy", "toy", Split.VALID, 5, 1): np.array([50.0, 70.0])}
    result = search(table=Table("t", NB201.at(np.arange(2)), columns), sampler="random", budget=2, seed=0)
    assert np.isnan(result.best.test)
    assert result.oracle is None


def test_a_whole_table_can_be_searched(small_table: Table) -> None:
    for sampler in SAMPLERS:
        result = search(table=small_table, sampler=sampler, budget=40, seed=1)
        assert len({trial.architecture for trial in result.trials}) == 40


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_same_seed_gives_the_same_trials_in_two_processes(sampler: str) -> None:
    code = (
        "from surrogate_nas import search\n"
        f"result = search(table='nb201-digits', sampler={sampler!r}, budget=20, seed=11)\n"
        "print([(trial.query, trial.architecture, trial.valid) for trial in result.trials])"
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "OMP_NUM_THREADS": threads, **({"PYTHONHASHSEED": "0"} if sampler == "smac" else {})},
        ).stdout
        for threads in ("1", "2")
    ]
    assert outputs[0] == outputs[1]
    assert outputs[0].count("|none~") + outputs[0].count("nor_conv") > 0


def test_another_seed_gives_other_trials() -> None:
    one, other = (search(table="nb201-digits", sampler="random", budget=10, seed=seed).trials for seed in (0, 1))
    assert one != other


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_search_resumes_with_the_proposals_it_would_have_made(
    sampler: str, tmp_path: Path, small_table: Table
) -> None:
    whole = search(table=small_table, sampler=sampler, budget=21, seed=4)
    for budget in (3, 9, 14, 21):  # also in the middle of a batch
        resumed = search(table=small_table, sampler=sampler, budget=budget, seed=4, folder=tmp_path)
    assert resumed.trials == whole.trials


def test_nothing_measured_is_measured_again(
    tmp_path: Path, small_table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid: list[str] = []
    look_up = TableEvaluator.__call__

    def counted(self: TableEvaluator, architecture: Population) -> tuple[float, float]:
        paid.append(architecture.text)
        return look_up(self, architecture)

    monkeypatch.setattr(TableEvaluator, "__call__", counted)
    for budget in (5, 12, 12):
        search(table=small_table, sampler="tpe", budget=budget, seed=4, folder=tmp_path)
    assert len(paid) == len(set(paid)) == 12


def test_a_line_that_a_kill_cut_off_is_dropped(tmp_path: Path, small_table: Table) -> None:
    whole = search(table=small_table, sampler="random", budget=12, seed=4)
    search(table=small_table, sampler="random", budget=6, seed=4, folder=tmp_path)
    journal = tmp_path / "study.journal"
    journal.write_bytes(journal.read_bytes()[:-9])
    assert search(table=small_table, sampler="random", budget=12, seed=4, folder=tmp_path).trials == whole.trials


@pytest.mark.slow
@pytest.mark.parametrize("after", [0.1, 0.6])
def test_kill_minus_9_loses_and_repeats_nothing(after: float, tmp_path: Path) -> None:
    settings = "table='nb201-digits', sampler='surrogate', budget=40, seed=2"
    code = f"from surrogate_nas import search\nsearch({settings}, folder={str(tmp_path)!r})"
    running = subprocess.Popen([sys.executable, "-c", code])
    journal = tmp_path / "study.journal"
    while running.poll() is None and not (journal.exists() and journal.stat().st_size > 20_000 * after):
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    running.wait()
    resumed = search(table="nb201-digits", sampler="surrogate", budget=40, seed=2, folder=tmp_path)
    assert resumed.trials == search(table="nb201-digits", sampler="surrogate", budget=40, seed=2).trials


def test_a_folder_of_another_search_is_refused_and_left_alone(tmp_path: Path, small_table: Table) -> None:
    search(table=small_table, sampler="random", budget=5, seed=4, folder=tmp_path)
    before = (tmp_path / "study.journal").read_bytes()
    with pytest.raises(RunFolderError, match="belongs to another search: seed is 4 there and 5 here"):
        search(table=small_table, sampler="random", budget=5, seed=5, folder=tmp_path)
    with pytest.raises(RunFolderError, match="sampler is"):
        search(
            table=small_table, sampler=load_sampler("evolution", population_size=3), budget=5, seed=4, folder=tmp_path
        )
    assert (tmp_path / "study.journal").read_bytes() == before


def test_a_measurement_that_fails_is_recorded_and_does_not_end_the_search() -> None:
    candidates = NB201.at(np.arange(12))

    class Fragile:
        """An evaluator whose every third training diverges."""

        def __init__(self) -> None:
            self.candidates = candidates

        def locate(self, population: Population) -> np.ndarray:
            return np.where(population.index < 12, population.index, -1)

        def __call__(self, architecture: Population) -> tuple[float, float]:
            index = int(architecture.index[0])
            if index % 3 == 0:
                raise DivergedError(f"number {index} diverged.")
            return float(index), 1.0

    study = open_study(None, None, name="fragile", directions=["maximize"], heartbeat=10)
    history, seconds = run(study, Fragile(), Random(), budget=12, seed=0)
    failed = np.isnan(history.values)
    assert sorted(history.population[failed].index.tolist()) == [0, 3, 6, 9]
    assert history.best == 11.0
    assert np.isnan(seconds[failed]).all()


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"budget": 0}, SettingError, "budget must be a whole number, 1 to 40"),
        ({"budget": 41}, SettingError, "1 to 40 .*got 41"),
        ({"budget": 2.5}, SettingError, "got 2.5"),
        ({"seed": -1}, SettingError, "seed must be a whole number, at least 0"),
        ({"dataset": "toys"}, NotMeasuredError, "Did you mean 'toy'"),
        ({"split": "val"}, NotMeasuredError, "unknown split 'val'"),
        ({"epochs": 7}, NotMeasuredError, "Known: 5"),
        ({"sampler": "randon"}, UnknownMethodError, "Did you mean 'random'"),
    ],
)
def test_bad_settings_are_refused_with_what_is_allowed(
    settings: dict[str, object], error: type[Exception], message: str, small_table: Table
) -> None:
    with pytest.raises(error, match=message):
        search(**{"table": small_table, "sampler": "random", "budget": 5, "seed": 0, **settings})


def test_an_unwritable_folder_is_refused(small_table: Table, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunFolderError, match="cannot write to the run folder"):
        search(table=small_table, sampler="random", budget=5, seed=0, folder=tmp_path / "file" / "run")


def test_several_data_sets_need_a_choice(real_data: Path) -> None:
    with pytest.raises(SettingError, match="has the data sets cifar10, cifar100"):
        search(table="nb201", budget=5, seed=0)


@pytest.mark.slow
def test_the_surrogate_finds_the_best_of_nas_bench_201(real_data: Path) -> None:
    table = load_table("nb201")
    result = search(table=table, dataset="cifar10", budget=80, seed=1)
    assert result.best.valid >= 91.50
    assert result.best.test == pytest.approx(table.accuracy(dataset="cifar10", split="test").max(), abs=0.4)
