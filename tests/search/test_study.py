"""The study that workers share: claims, sign of life, storages that go away, and studies of somebody else."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.exceptions import StorageInternalError
from optuna.trial import TrialState

from surrogate_nas import search
from surrogate_nas.errors import MeasurementError, SettingError, StudyError, StudyStorageError
from surrogate_nas.sampler.base import History
from surrogate_nas.sampler.optuna import distributions, parameters_of
from surrogate_nas.sampler.random import Random
from surrogate_nas.search import run
from surrogate_nas.search import study as study_module
from surrogate_nas.search.ledger import Ledger
from surrogate_nas.search.measurement import Measured, measure
from surrogate_nas.search.study import MOST_DEATHS, SharedStudy, open_study
from surrogate_nas.space import NB201, Population
from surrogate_nas.table import Table
from surrogate_nas.table.evaluator import TableEvaluator


class Invented:
    """Measures thirty cells; what a cell gives is looked up in ``answers``, or is its number."""

    candidates = NB201.at(np.arange(30))

    def __init__(self, answers: Callable[[int], object] = float) -> None:
        self.answers = answers
        self.asked: list[int] = []

    def locate(self, population: Population) -> np.ndarray:
        return np.where(population.index < len(self.candidates), population.index, -1)

    def __call__(self, architecture: Population) -> tuple[float, float]:
        index = int(architecture.index[0])
        self.asked.append(index)
        return self.answers(index), 1.0  # type: ignore[return-value]


def opened(folder: Path | None = None) -> SharedStudy:
    return open_study(folder, None, name="test", directions=["maximize"], heartbeat=1)


def propose(study: SharedStudy, index: int) -> optuna.trial.FrozenTrial:
    return study.propose(parameters_of(NB201.at(np.array([index]))), distributions(NB201), {})


def test_a_waiting_trial_is_taken_by_one_worker_only(tmp_path: Path) -> None:
    one, other = opened(tmp_path), opened(tmp_path)
    trial = propose(one, 3)
    with one.taken(trial) as mine, other.taken(trial) as theirs:
        assert (mine, theirs) == (True, False)
    assert one.trials()[0].state == TrialState.RUNNING


def test_of_two_claims_on_one_architecture_the_first_counts() -> None:
    study, evaluator = opened(), Invented()
    first, second = propose(study, 5), propose(study, 5)
    ledger = Ledger(evaluator)
    ledger.read(study.trials())
    assert ledger.running == {5: first.number}
    run(study, evaluator, Random(), budget=1, seed=0)
    assert evaluator.asked == [5]
    states = [trial.state for trial in study.trials()]
    assert states[first.number] == TrialState.COMPLETE
    assert states[second.number] == TrialState.WAITING  # the budget was spent before it was looked at
    run(study, evaluator, Random(), budget=2, seed=0)
    assert study.trials()[second.number].state == TrialState.FAIL
    assert len(set(evaluator.asked)) == len(evaluator.asked) == 2


def test_claims_beyond_the_budget_are_withdrawn() -> None:
    study, evaluator = opened(), Invented()
    for index in (1, 2, 3):
        propose(study, index)
    history, _ = run(study, evaluator, Random(), budget=2, seed=0)
    assert history.population.index.tolist() == [1, 2]
    assert evaluator.asked == [1, 2]


def test_the_trial_of_a_dead_worker_is_done_again(tmp_path: Path) -> None:
    dead, alive = opened(tmp_path), opened(tmp_path)
    trial = propose(dead, 7)
    dead._storage.set_trial_state_values(trial._trial_id, TrialState.RUNNING)  # and no sign of life
    evaluator = Invented()
    history, _ = run(alive, evaluator, Random(), budget=3, seed=0)
    assert history.population.index[0] == 7
    assert alive.trials()[trial.number].state == TrialState.FAIL
    assert len(set(evaluator.asked)) == len(evaluator.asked) == 3


def test_an_architecture_that_kills_its_workers_has_failed_in_the_end(tmp_path: Path) -> None:
    study, evaluator = opened(tmp_path), Invented()
    propose(study, 7)
    for _ in range(MOST_DEATHS):
        (waiting,) = [trial for trial in study.trials() if trial.state == TrialState.WAITING]
        study._storage.set_trial_state_values(waiting._trial_id, TrialState.RUNNING)
        study.revive()
    history, _ = run(study, evaluator, Random(), budget=1, seed=0)
    assert history.population.index.tolist() == [7]
    assert np.isnan(history.values[0])
    assert evaluator.asked == []


def test_a_storage_that_is_away_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    study, calls = opened(), 0
    add = study._storage.create_new_trial

    def away(*arguments: object, **settings: object) -> int:
        nonlocal calls
        calls += 1
        if calls in (2, 3):
            raise StorageInternalError("commit") from OSError("connection refused")
        return add(*arguments, **settings)  # type: ignore[arg-type]

    monkeypatch.setattr(study._storage, "create_new_trial", away)
    with caplog.at_level(logging.WARNING):
        history, _ = run(study, Invented(), Random(), budget=4, seed=0)
    assert len(history) == 4
    assert "is away (connection refused); waiting for it" in caplog.text


@pytest.mark.parametrize("call", ["record_heartbeat", "set_trial_state_values", "get_all_trials"])
def test_a_database_may_be_away_at_any_moment(call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = open_study(None, f"sqlite:///{tmp_path / 'study.db'}", name="test", directions=["maximize"], heartbeat=1)
    known, calls = getattr(study._storage, call), 0

    def away(*arguments: object, **settings: object) -> object:
        nonlocal calls
        calls += 1
        if calls in (2, 3):
            raise StorageInternalError("commit") from OSError("connection refused")
        return known(*arguments, **settings)

    monkeypatch.setattr(study._storage, call, away)
    history, _ = run(study, Invented(), Random(), budget=5, seed=0)
    assert len(history) == len(set(history.population.index.tolist())) == 5


def test_a_storage_that_stays_away_ends_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    study = opened()

    def away(*_: object, **__: object) -> int:
        raise StorageInternalError("commit") from OSError("connection refused")

    monkeypatch.setattr(study._storage, "create_new_trial", away)
    monkeypatch.setattr(study_module, "AWAY", 0.0)
    with pytest.raises(StudyStorageError, match=r"has been away for 0 seconds \(connection refused\)"):
        run(study, Invented(), Random(), budget=4, seed=0)


def test_a_journal_that_vanished_and_came_back_is_gone_on_with(tmp_path: Path, small_table: Table) -> None:
    whole = search(table=small_table, sampler="random", budget=12, seed=4)
    search(table=small_table, sampler="random", budget=6, seed=4, folder=tmp_path)
    (tmp_path / "study.journal").rename(tmp_path / "away")
    (tmp_path / "away").rename(tmp_path / "study.journal")
    assert search(table=small_table, sampler="random", budget=12, seed=4, folder=tmp_path).trials == whole.trials


def test_a_journal_that_vanishes_in_the_middle_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal, away = tmp_path / "study.journal", tmp_path / "away"

    def vanish(index: int) -> float:
        if len(evaluator.asked) == 3:
            journal.rename(away)
        return float(index)

    def come_back(_: float) -> None:
        away.rename(journal)

    evaluator = Invented(vanish)
    monkeypatch.setattr(study_module.time, "sleep", come_back)
    history, _ = run(opened(tmp_path), evaluator, Random(), budget=6, seed=0)
    assert len(history) == len(evaluator.asked) == 6
    assert len(opened(tmp_path).trials()) == 6


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), "91.5", None, True])
def test_what_is_no_finite_number_is_a_failed_measurement(bad: object) -> None:
    evaluator = Invented(lambda index: bad if index == 0 else float(index))
    history, _ = run(opened(), evaluator, Random(), budget=30, seed=0)
    assert history.population[np.isnan(history.values)].index.tolist() == [0]
    assert "a measurement is a finite number" in str(measure(evaluator, NB201.at(np.array([0]))).failure)


def test_an_evaluator_that_raises_costs_one_measurement() -> None:
    def fragile(index: int) -> float:
        if index == 4:
            raise ZeroDivisionError("mine")
        return float(index)

    study = opened()
    history, _ = run(study, Invented(fragile), Random(), budget=30, seed=0)
    assert np.isnan(history.values).sum() == 1
    (failed,) = [trial for trial in study.trials() if trial.state == TrialState.FAIL]
    assert "ZeroDivisionError: mine" in failed.user_attrs["failure"]


def test_an_evaluator_that_always_raises_ends_the_search_with_the_study_intact() -> None:
    def broken(_: int) -> float:
        raise RuntimeError("no such device")

    study = opened()
    with pytest.raises(MeasurementError, match=r"5 measurements in a row failed, the last one with: .*no such device"):
        run(study, Invented(broken), Random(), budget=30, seed=0)
    history, _ = run(study, Invented(), Random(), budget=30, seed=0)
    assert len(history) == 30
    assert np.isnan(history.values).sum() == 5


def test_a_study_of_other_settings_is_refused_and_left_alone(tmp_path: Path, small_table: Table) -> None:
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    search(table=small_table, sampler="random", budget=3, seed=1, storage=storage, study="mine")
    before = (tmp_path / "study.db").read_bytes()
    with pytest.raises(
        StudyError, match=r"study 'mine' in sqlite.* belongs to something else: seed is 1 there and 2 here"
    ):
        search(table=small_table, sampler="random", budget=3, seed=2, storage=storage, study="mine")
    assert (tmp_path / "study.db").read_bytes() == before
    other = search(table=small_table, sampler="random", budget=3, seed=2, storage=storage)  # a study of its own
    assert len(other.trials) == 3


def test_a_study_of_another_direction_or_author_is_refused(tmp_path: Path, small_table: Table) -> None:
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    optuna.create_study(study_name="loss", storage=storage, direction="minimize")
    with pytest.raises(StudyError, match="has the directions minimize, this search maximize"):
        search(table=small_table, sampler="random", budget=3, seed=1, storage=storage, study="loss")
    optuna.create_study(study_name="theirs", storage=storage, direction="maximize").optimize(
        lambda trial: trial.suggest_float("x", 0, 1), n_trials=1
    )
    with pytest.raises(StudyError, match="belongs to no search of this package"):
        search(table=small_table, sampler="random", budget=3, seed=1, storage=storage, study="theirs")


@pytest.mark.parametrize(
    ("storage", "message"),
    [
        ("postgresql://nobody:secret@127.0.0.1:1/none", r"nobody:\*\*\*@127.0.0.1:1/none cannot be opened"),
        ("mysql+nodriver://localhost/none", "driver|cannot be opened"),
        ("a folder", "no address of a storage; expected sqlite:///FILE or postgresql://"),
    ],
)
def test_a_storage_that_cannot_be_opened_is_said_clearly(storage: str, message: str, small_table: Table) -> None:
    with pytest.raises(StudyStorageError, match=message):
        search(table=small_table, sampler="random", budget=3, seed=1, storage=storage)


def test_a_search_needs_one_thing_that_measures() -> None:
    with pytest.raises(SettingError, match="either a table or an evaluator"):
        search(budget=3, seed=1)


def test_a_finished_measurement_keeps_its_seconds_and_value() -> None:
    study = opened()
    trial = propose(study, 2)
    with study.taken(trial) as mine:
        assert mine
        study.finish(trial, Measured(71.5, 12.0))
    (done,) = study.trials()
    assert (done.value, done.user_attrs) == (71.5, {"seconds": 12.0})


def test_a_search_on_sqlite_finds_what_a_search_in_memory_finds(tmp_path: Path, small_table: Table) -> None:
    memory = search(table=small_table, sampler="evolution", budget=15, seed=4)
    for budget in (6, 15):
        storage = f"sqlite:///{tmp_path / 'study.db'}"
        kept = search(table=small_table, sampler="evolution", budget=budget, seed=4, storage=storage)
    assert kept.trials == memory.trials
    assert TableEvaluator(small_table, dataset="toy").values.max() == kept.optimum.valid


def test_a_sampler_is_asked_once_for_a_batch() -> None:
    asked: list[int] = []

    class Pairs(Random):
        batch = 2

        def propose(self, n: int, history: History, *, rng: np.random.Generator) -> Population:
            asked.append(n)
            return super().propose(n, history, rng=rng)

    run(opened(), Invented(), Pairs(), budget=10, seed=0)
    assert asked == [2] * 5


def test_a_trial_in_a_journal_waits_for_the_disk_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[int] = []
    study, sync = opened(tmp_path), os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: waits.append(file) or sync(file))
    run(study, Invented(), Random(), budget=6, seed=0)
    assert len(waits) == 6
