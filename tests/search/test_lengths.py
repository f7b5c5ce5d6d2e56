"""Several lengths of training: what they cost, what counts as the best, and what is refused."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from surrogate_nas import search
from surrogate_nas.errors import NotMeasuredError, SettingError
from surrogate_nas.sampler.hyperband import Hyperband
from surrogate_nas.search import TrainingEvaluator
from surrogate_nas.space import NB201
from surrogate_nas.split import Split
from surrogate_nas.table import Column, Table
from surrogate_nas.verification.data import digits
from surrogate_nas.verification.recipe import Recipe

METHODS = ("surrogate", "hyperband")


@pytest.fixture
def two_lengths() -> Table:
    """Two hundred architectures after 2 and after 20 epochs, which took 1 and 10 seconds."""
    population = NB201.sample(200, rng=np.random.default_rng(1))
    merit = 50.0 + 5.0 * np.isin(population.decisions, (2, 3)).sum(axis=1)
    columns = {}
    for epochs, values in ((2, merit - 20.0), (20, merit)):
        columns[Column("accuracy", "toy", Split.VALID, epochs, 1)] = values
        columns[Column("accuracy", "toy", Split.TEST, epochs, 1)] = values + 1
        columns[Column("train_seconds", "toy", Split.VALID, epochs, 1)] = np.full(200, epochs / 2.0)
    return Table("lengths", population, columns)


@pytest.mark.parametrize("method", METHODS)
def test_every_training_is_paid_and_the_budget_ends_the_search(method: str, two_lengths: Table) -> None:
    result = search(table=two_lengths, sampler=method, fidelities=[20, 2], seconds=60, seed=0)
    assert result.fidelities == [2, 20]
    assert [trial.seconds for trial in result.trials] == [trial.epochs / 2 for trial in result.trials]
    paid = np.cumsum([trial.seconds for trial in result.trials])
    assert paid[-2] < 60 <= paid[-1] == result.seconds.training
    assert len({(trial.architecture, trial.epochs) for trial in result.trials}) == result.queries
    assert {trial.epochs for trial in result.trials} == {2, 20}


@pytest.mark.parametrize("method", METHODS)
def test_the_best_is_that_of_the_long_trainings(method: str, two_lengths: Table) -> None:
    result = search(table=two_lengths, sampler=method, fidelities=[2, 20], seconds=60, seed=0)
    long = [trial for trial in result.trials if trial.epochs == 20]
    assert result.best.valid == max(trial.valid for trial in long)
    assert result.best.test == result.best.valid + 1
    assert result.trials[-1].best_valid == result.best.valid
    assert np.isnan(result.trials[0].best_valid)  # a short training is no result


@pytest.mark.parametrize("method", METHODS)
def test_a_search_of_several_lengths_resumes(method: str, two_lengths: Table, tmp_path: Path) -> None:
    settings = {"table": two_lengths, "sampler": method, "fidelities": [2, 20], "seed": 3}
    whole = search(seconds=70, **settings)
    for seconds in (25, 70):
        kept = search(seconds=seconds, folder=tmp_path, **settings)
    told = [(trial.architecture, trial.epochs, trial.valid) for trial in kept.trials]
    assert told == [(trial.architecture, trial.epochs, trial.valid) for trial in whole.trials]


def test_one_length_can_have_a_budget_of_seconds_too(two_lengths: Table) -> None:
    result = search(table=two_lengths, sampler="random", seconds=35, seed=0)
    assert result.queries == 4  # the fourth began after 30 seconds
    assert search(table=two_lengths, sampler="random", seconds=1e9, seed=0).queries == 200


def test_hyperband_lets_few_of_its_short_trainings_go_on(two_lengths: Table) -> None:
    result = search(table=two_lengths, sampler=Hyperband(model=False), fidelities=[2, 20], seconds=150, seed=0)
    lengths = [trial.epochs for trial in result.trials]
    assert lengths.count(2) > 2 * lengths.count(20) > 0


def test_real_trainings_have_several_lengths_too() -> None:
    recipe = Recipe(epochs=9, channels=2, cells_per_stage=1, batch_size=64, flip=False, crop_padding=0)
    evaluator = TrainingEvaluator(NB201, partial(digits, train=200, views=1), recipe, device="cpu")
    result = search(evaluator=evaluator, fidelities=[1, 2], budget=4, seconds=1e6, seed=1)
    assert result.queries == 4
    assert {trial.epochs for trial in result.trials} == {1}  # sixteen starts


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"fidelities": [2, 20]}, SettingError, "fidelities spend a budget of training seconds: add seconds=NUMBER"),
        ({"fidelities": [2], "seconds": 9}, SettingError, r"two or more different numbers of epochs, got \[2\]"),
        ({"fidelities": [2, 7], "seconds": 9}, NotMeasuredError, "unknown length of training .* '7'"),
        ({"fidelities": [2, 20], "seconds": -1}, SettingError, "seconds must be above 0, got -1"),
        ({"fidelities": [2, 20], "seconds": 9, "epochs": 2}, SettingError, "epochs does not go together"),
        ({"fidelities": [2, 20], "seconds": 9, "sampler": "evolution"}, SettingError, "'evolution' knows one length"),
        ({"sampler": "hyperband", "budget": 9}, SettingError, "needs several lengths of training, such as fidelities"),
        ({}, SettingError, "needs a budget of measurements, or of seconds"),
    ],
)
def test_lengths_that_make_no_sense_are_refused(
    settings: dict[str, object], error: type[Exception], message: str, two_lengths: Table
) -> None:
    with pytest.raises(error, match=message):
        search(table=two_lengths, seed=0, **settings)  # type: ignore[arg-type]


def test_a_table_that_does_not_tell_seconds_is_refused(two_lengths: Table) -> None:
    columns = {column: values for column, values in two_lengths.columns.items() if column.measure == "accuracy"}
    with pytest.raises(SettingError, match="does not tell how long 2 epochs took"):
        search(table=Table("untimed", two_lengths.population, columns), fidelities=[2, 20], seconds=9, seed=0)
