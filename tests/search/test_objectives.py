"""Searches of several objectives: what is on the front, what the study keeps, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import optuna
import pytest

from surrogate_nas import search
from surrogate_nas.encoding.costs import flops
from surrogate_nas.errors import RunFolderError, SettingError
from surrogate_nas.pareto import hypervolume
from surrogate_nas.space import NB201
from surrogate_nas.table import Cost, Table

BOTH = ("accuracy", "flops_millions")


@pytest.mark.parametrize("sampler", ["surrogate", "random", "nsga2", "tpe"])
def test_a_whole_table_gives_the_true_front(sampler: str, small_table: Table) -> None:
    result = search(table=small_table, sampler=sampler, objectives=BOTH, budget=40, seed=0)
    assert result.hypervolume == result.true_front.hypervolume > 0
    told = [(point.valid, point.flops_millions) for point in result.front]
    assert told == [(point.valid, point.flops_millions) for point in result.true_front.points]
    accuracy, costs = zip(*told, strict=True)
    assert sorted(set(accuracy), reverse=True) == list(accuracy)  # the best first,
    assert sorted(set(costs), reverse=True) == list(costs)  # and each cheaper than the one before


def test_trials_tell_their_costs_and_the_volume_so_far(small_table: Table) -> None:
    result = search(table=small_table, sampler="random", objectives=BOTH, budget=12, seed=0)
    measured = NB201.parse([trial.architecture for trial in result.trials])
    assert [trial.flops_millions for trial in result.trials] == pytest.approx(flops(measured) / 1e6)
    points = np.array([[trial.valid, -trial.flops_millions] for trial in result.trials])
    reference = np.array([0.0, -result.reference.flops_millions])
    assert result.reference.flops_millions == pytest.approx(flops(small_table.population).max() / 1e6)
    for n in (1, 5, 12):
        assert result.trials[n - 1].hypervolume == pytest.approx(hypervolume(points[:n], reference))
    assert result.hypervolume == result.trials[-1].hypervolume
    assert result.best.valid == points[:, 0].max()  # the validation-best is told as ever


def test_costs_of_a_table_are_objectives_and_what_has_none_is_no_candidate(small_table: Table) -> None:
    latency = np.arange(40.0)
    latency[3] = np.nan
    table = Table(
        "costs", small_table.population, small_table.columns, costs={Cost("phone_latency_ms", "toy"): latency}
    )
    result = search(table=table, sampler="random", objectives=["accuracy", "phone_latency_ms"], budget=39, seed=0)
    assert result.candidates == 39


def test_a_study_of_several_objectives_resumes_with_its_directions(small_table: Table, tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    settings = {"table": small_table, "sampler": "nsga2", "objectives": BOTH, "seed": 3}
    whole = search(budget=15, **settings)
    for budget in (6, 15):
        kept = search(budget=budget, storage=storage, study="mine", **settings)
    assert kept.trials == whole.trials
    study = optuna.load_study(study_name="mine", storage=storage)
    assert [direction.name for direction in study.directions] == ["MAXIMIZE", "MINIMIZE"]
    assert {tuple(trial.values) for trial in study.best_trials} == {
        (point.valid, point.flops_millions) for point in kept.front
    }


def test_a_folder_of_other_objectives_is_refused(small_table: Table, tmp_path: Path) -> None:
    search(table=small_table, sampler="random", objectives=BOTH, budget=3, seed=0, folder=tmp_path)
    with pytest.raises(RunFolderError, match="objectives is"):
        search(table=small_table, sampler="random", budget=3, seed=0, folder=tmp_path)


@pytest.mark.parametrize(
    ("objectives", "sampler", "message"),
    [
        (["accuracy", "flops_million"], "random", "unknown cost 'flops_million'. Did you mean 'flops_millions'"),
        (["flops_millions", "accuracy"], "random", r"objectives are accuracy and up to 2 different costs.*got \[flops"),
        (["accuracy", "flops_millions", "flops_millions"], "random", "different costs"),
        (["accuracy", "flops_millions", "params_millions", "edges"], "random", "up to 2 different costs"),
        (BOTH, "evolution", "sampler 'evolution' serves one objective; several are served by surrogate"),
    ],
)
def test_objectives_that_make_no_sense_are_refused(
    objectives: list[str], sampler: str, message: str, small_table: Table
) -> None:
    with pytest.raises(SettingError, match=message):
        search(table=small_table, sampler=sampler, objectives=objectives, budget=3, seed=0)


def test_results_are_plain_data(small_table: Table) -> None:
    result = search(table=small_table, sampler="random", objectives=BOTH, budget=5, seed=0)
    assert json.loads(json.dumps(result))["objectives"] == list(BOTH)
