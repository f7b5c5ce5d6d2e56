"""Our sampler in a study that somebody else wrote."""

from __future__ import annotations

import json
import math
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from surrogate_nas import SurrogateSampler
from surrogate_nas.errors import SettingError
from surrogate_nas.predictor.gaussian_process import GaussianProcess
from surrogate_nas.sampler.optuna import parameters_of
from surrogate_nas.space import NB201, CellSpace, Population
from tests.postgresql import postgresql_url

pytestmark = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
BEST = dict.fromkeys((decision.name for decision in NB201.decisions), "nor_conv_3x3")


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(before)


def merit(trial: optuna.Trial) -> float:
    """An invented accuracy: a point for each 3x3 convolution."""
    return 60.0 + sum(trial.suggest_categorical(d.name, d.options) == "nor_conv_3x3" for d in NB201.decisions)


def with_settings(trial: optuna.Trial) -> float:
    """The same, and as much again for the right learning rate, width and optimiser."""
    rate = trial.suggest_float("rate", 1e-4, 1.0, log=True)
    width = trial.suggest_int("width", 8, 64)
    slow = trial.suggest_categorical("optimiser", ["sgd", "adam"]) == "adam"
    return merit(trial) - abs(math.log10(rate / 0.01)) - abs(width - 40) / 10 - slow


def sampler(seed: int = 0) -> SurrogateSampler:
    return SurrogateSampler("nb201", predictor=GaussianProcess(target="value"), seed=seed)


def architectures(study: optuna.Study) -> list[Population]:
    return [NB201.choose(trial.params) for trial in study.trials]


def test_an_objective_over_categorical_parameters_works_unchanged() -> None:
    study = optuna.create_study(direction="maximize", sampler=sampler())
    study.optimize(merit, n_trials=25)
    assert study.best_params == BEST
    assert len(set(architectures(study))) == 25


def test_what_is_minimised_is_made_small() -> None:
    study = optuna.create_study(direction="minimize", sampler=sampler())
    study.optimize(lambda trial: 1 - merit(trial) / 100, n_trials=25)
    assert study.best_params == BEST


def test_other_parameters_are_searched_together_with_the_cell() -> None:
    study = optuna.create_study(direction="maximize", sampler=sampler())
    study.optimize(with_settings, n_trials=40)
    random = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0))
    random.optimize(with_settings, n_trials=40)
    assert study.best_value > 64 > random.best_value
    assert 1e-3 < study.best_params["rate"] < 1e-1
    assert study.best_params["optimiser"] == "sgd"


def test_fractions_and_percents_lead_to_the_same_proposals() -> None:
    studies = [optuna.create_study(direction="maximize", sampler=SurrogateSampler("nb201", seed=3)) for _ in range(2)]
    studies[0].optimize(merit, n_trials=12)
    studies[1].optimize(lambda trial: merit(trial) / 100, n_trials=12)
    assert architectures(studies[0]) == architectures(studies[1])


def test_pruned_failed_running_and_enqueued_trials_are_not_proposed_again() -> None:
    study = optuna.create_study(direction="maximize", sampler=sampler())
    study.enqueue_trial(BEST)

    def objective(trial: optuna.Trial) -> float:
        value = merit(trial)
        if trial.number % 4 == 1:
            trial.report(value - 20, step=1)
            raise optuna.TrialPruned
        return float("nan") if trial.number % 4 == 2 else value

    running = study.ask()
    merit(running)
    study.optimize(objective, n_trials=20)
    assert {trial.state for trial in study.trials} == {
        TrialState.COMPLETE,
        TrialState.PRUNED,
        TrialState.FAIL,
        TrialState.RUNNING,
    }
    assert NB201.choose(study.trials[0].params) == NB201.choose(BEST)
    assert len(set(architectures(study))) == 21


def test_a_sampler_goes_on_when_everything_was_measured() -> None:
    tiny = CellSpace("tiny", ("none", "nor_conv_3x3"))
    study = optuna.create_study(sampler=SurrogateSampler(tiny, predictor=GaussianProcess(target="value")))
    for architecture in tiny.enumerate():
        study.enqueue_trial(parameters_of(architecture))
    study.optimize(
        lambda trial: sum(trial.suggest_categorical(d.name, d.options) == "none" for d in tiny.decisions), 66
    )
    assert len(set(map(str, (trial.params for trial in study.trials)))) == 64
    assert study.best_value == 0


def test_the_same_seed_gives_the_same_trials_in_another_process() -> None:
    program = (
        "from tests.sampler.test_optuna import *\n"
        "study = optuna.create_study(direction='maximize', sampler=sampler(5))\n"
        "study.optimize(with_settings, n_trials=12)\n"
        "print(json.dumps([trial.params for trial in study.trials]))"
    )
    elsewhere = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    study = optuna.create_study(direction="maximize", sampler=sampler(5))
    study.optimize(with_settings, n_trials=12)
    assert json.loads(elsewhere.splitlines()[-1]) == [trial.params for trial in study.trials]


@contextmanager
def memory(folder: Path) -> Iterator[optuna.storages.BaseStorage]:
    yield optuna.storages.InMemoryStorage()


@contextmanager
def journal(folder: Path) -> Iterator[optuna.storages.BaseStorage]:
    backend = optuna.storages.journal.JournalFileBackend(str(folder / "study.journal"))
    yield optuna.storages.JournalStorage(backend)


@contextmanager
def sqlite(folder: Path) -> Iterator[optuna.storages.BaseStorage]:
    with database(f"sqlite:///{folder / 'study.db'}") as storage:
        yield storage


@contextmanager
def postgresql(folder: Path) -> Iterator[optuna.storages.BaseStorage]:
    with database(postgresql_url()) as storage:
        yield storage


@contextmanager
def database(url: str) -> Iterator[optuna.storages.RDBStorage]:
    storage = optuna.storages.RDBStorage(url)
    yield storage
    storage.remove_session()
    storage.engine.dispose()


@pytest.mark.parametrize("kind", [memory, journal, sqlite, postgresql])
def test_every_storage_gives_the_same_study(
    kind: Callable[[Path], AbstractContextManager[optuna.storages.BaseStorage]], tmp_path: Path
) -> None:
    reference = optuna.create_study(direction="maximize", sampler=sampler(1))
    reference.optimize(merit, n_trials=10)
    with kind(tmp_path) as storage:
        name = f"{tmp_path.name}-{os.getpid()}"
        study = optuna.create_study(study_name=name, storage=storage, direction="maximize", sampler=sampler(1))
        study.optimize(merit, n_trials=6)
        study.sampler = sampler(1)  # as after a restart
        study.optimize(merit, n_trials=4)
        assert architectures(study) == architectures(reference)


def test_several_objectives_are_traded_off_whatever_their_order() -> None:
    def traded(trial: optuna.Trial) -> tuple[float, float]:
        """A 3x3 convolution is worth a point, and costs one, but the first two are free."""
        value = merit(trial)
        return max(0.0, value - 62.0), value

    study = optuna.create_study(directions=["minimize", "maximize"], sampler=SurrogateSampler("nb201", seed=0))
    study.optimize(traded, n_trials=30)
    found = {tuple(trial.values) for trial in study.best_trials}
    assert found >= {
        (float(cost), 62.0 + cost) for cost in range(4)
    }  # six convolutions, the end of the front, may lack


def test_a_study_of_too_many_objectives_is_refused() -> None:
    study = optuna.create_study(directions=["maximize"] * 4, sampler=sampler())
    with pytest.raises(SettingError, match="up to 3 objectives, the study has 4"):
        merit(study.ask())


def test_a_study_of_another_space_is_refused_and_left_alone() -> None:
    study = optuna.create_study(direction="maximize")
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=3)
    study.sampler = sampler()
    with pytest.raises(SettingError, match="parameters x, none of which is a decision of space 'nb201': edge_0_1"):
        study.optimize(merit, n_trials=1)
    assert [trial.state for trial in study.trials[:3]] == [TrialState.COMPLETE] * 3


@pytest.mark.parametrize("bad", [math.nan, "high", None])
def test_an_objective_that_returns_no_number_fails_its_trial_only(bad: object) -> None:
    study = optuna.create_study(direction="maximize", sampler=sampler())
    study.optimize(lambda trial: bad if merit(trial) and trial.number == 1 else merit(trial), n_trials=12)  # type: ignore[arg-type,return-value]
    assert [trial.state for trial in study.trials].count(TrialState.FAIL) == 1
    assert len(set(architectures(study))) == 12


def test_an_objective_that_raises_leaves_a_study_that_goes_on() -> None:
    study = optuna.create_study(direction="maximize", sampler=sampler())

    def fragile(trial: optuna.Trial) -> float:
        if merit(trial) and trial.number == 3:
            raise RuntimeError("out of memory")
        return merit(trial)

    with pytest.raises(RuntimeError, match="out of memory"):
        study.optimize(fragile, n_trials=9)
    study.optimize(fragile, n_trials=5)
    assert len(set(architectures(study))) == 9


@pytest.mark.slow
@pytest.mark.parametrize("directions", [["maximize"], ["maximize", "minimize"]])
def test_the_dashboard_shows_the_study(directions: list[str], tmp_path: Path) -> None:
    pytest.importorskip("optuna_dashboard", reason="needs the extra dashboard")
    with sqlite(tmp_path) as storage:
        study = optuna.create_study(study_name="mine", storage=storage, directions=directions, sampler=sampler())
        study.optimize(lambda trial: [with_settings(trial)] * len(directions), n_trials=4)
        trials = study.trials
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"sqlite:///{tmp_path / 'study.db'}"
    code = f"from optuna_dashboard import run_server; run_server({address!r}, host='127.0.0.1', port={port})"
    server = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        (summary,) = fetched(f"http://127.0.0.1:{port}/api/studies", server)["study_summaries"]
        shown = fetched(f"http://127.0.0.1:{port}/api/studies/{summary['study_id']}", server)["trials"]
    finally:
        server.terminate()
        server.wait()
    assert summary["study_name"] == "mine"
    assert [trial["values"] for trial in shown] == [trial.values for trial in trials]
    assert [direction.lower() for direction in summary["directions"]] == directions
    assert {parameter["name"] for parameter in shown[0]["params"]} == {*BEST, "rate", "width", "optimiser"}


def fetched(address: str, server: subprocess.Popen[bytes]) -> dict[str, list[dict[str, object]]]:
    """Return the JSON of an address, as soon as the server answers."""
    for _ in range(600):
        try:
            with urllib.request.urlopen(address) as answer:
                content: dict[str, list[dict[str, object]]] = json.load(answer)
                return content
        except OSError:
            assert server.poll() is None, "the dashboard ended"
            time.sleep(0.1)
    raise TimeoutError(address)
