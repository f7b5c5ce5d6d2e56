"""Hard limits, known measurements, and search by real training."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from surrogate_nas import search
from surrogate_nas.encoding.costs import parameters
from surrogate_nas.errors import RunFolderError, SettingError, WarmStartError
from surrogate_nas.record import write_csv
from surrogate_nas.search import TrainingEvaluator
from surrogate_nas.space import NATS_SIZE, NB201
from surrogate_nas.table import Cost, Table
from surrogate_nas.verification.data import digits
from surrogate_nas.verification.recipe import Recipe
from tests.conftest import CONVOLUTIONS


def test_nothing_beyond_a_limit_is_measured(small_table: Table) -> None:
    sizes = parameters(small_table.population) / 1e6
    limit = float(np.median(sizes))
    result = search(
        table=small_table,
        sampler="random",
        budget=int((sizes <= limit).sum()),
        seed=0,
        constraint={"params_millions": limit},
    )
    measured = NB201.parse([trial.architecture for trial in result.trials])
    assert (parameters(measured) / 1e6).max() <= limit
    within = small_table.accuracy(dataset="toy", split="valid")[sizes <= limit]
    assert result.optimum.valid == within.max()
    assert result.regret == 0


def test_costs_of_the_table_limit_too(small_table: Table) -> None:
    latency = np.arange(40.0)
    latency[3] = np.nan  # unknown is not within
    table = Table("costs", small_table.population, small_table.columns, costs={Cost("latency_ms", "toy"): latency})
    result = search(table=table, sampler="random", budget=9, seed=0, constraint={"latency_ms": 9.0})
    assert result.candidates == 9


@pytest.mark.parametrize(
    ("constraint", "message"),
    [
        ({"params_millions": 0.01}, r"constraint.params_millions=0.01 leaves no candidate: the least .* is 0\.\d+"),
        ({"param_million": 0.5}, "unknown cost 'param_million'. Did you mean 'params_millions'"),
        ({"params_millions": "small"}, "constraint.params_millions must be a finite number, got 'small'"),
    ],
)
def test_limits_that_make_no_sense_are_refused(constraint: dict[str, float], message: str, small_table: Table) -> None:
    with pytest.raises(SettingError, match=message):
        search(table=small_table, sampler="random", budget=1, seed=0, constraint=constraint)


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_what_is_known_already_is_neither_measured_nor_charged(
    sampler: str, small_table: Table, tmp_path: Path
) -> None:
    accuracy = small_table.accuracy(dataset="toy", split="valid")
    known = [
        {"architecture": text, "accuracy": value}
        for text, value in zip(small_table.population.texts, accuracy, strict=True)
    ]
    write_csv(tmp_path / "known.csv", known[:35])
    result = search(table=small_table, sampler=sampler, budget=5, seed=0, warm_start=tmp_path / "known.csv")
    assert {trial.architecture for trial in result.trials} == {row["architecture"] for row in known[35:]}
    with pytest.raises(SettingError, match=r"1 to 5 .*got 6"):
        search(table=small_table, sampler=sampler, budget=6, seed=0, warm_start=tmp_path / "known.csv")


def test_an_earlier_search_is_gone_on_from(small_table: Table, tmp_path: Path) -> None:
    first = search(table=small_table, sampler="random", budget=20, seed=0)
    write_csv(tmp_path / "trials.csv", first.trials)
    second = search(
        table=small_table, sampler="random", budget=20, seed=0, warm_start=tmp_path, folder=tmp_path / "again"
    )
    assert not {trial.architecture for trial in first.trials} & {trial.architecture for trial in second.trials}
    with pytest.raises(RunFolderError, match="known is set there only"):
        search(table=small_table, sampler="random", budget=20, seed=0, folder=tmp_path / "again")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("architecture,valid\n", "has no column 'accuracy'; it needs architecture,accuracy"),
        ("architecture,accuracy\n|conv|,70\n", "line 2: '|conv|' is no architecture"),
        (f"architecture,accuracy\n{CONVOLUTIONS},70\n", "line 2: .* is no candidate of this search; remove the line"),
        ("architecture,accuracy\nFIRST,70\nFIRST,high\n", "line 3: accuracy must be a number .* got 'high'"),
        ("architecture,accuracy\nFIRST,7000\n", "line 2: accuracy must be a number in percent, 0 to 100, got '7000'"),
        ("accuracy,architecture\n70\n", "line 2: '' is no architecture"),
        ("architecture,accuracy\n", "tells no accuracy; leave it out"),
        ("", "has no column 'accuracy'"),
    ],
)
def test_known_measurements_that_cannot_be_understood_are_refused(
    text: str, message: str, small_table: Table, tmp_path: Path
) -> None:
    (tmp_path / "known.csv").write_text(text.replace("FIRST", small_table.population[0].text))
    with pytest.raises(WarmStartError, match=message.replace("|", r"\|")):
        search(table=small_table, sampler="random", budget=3, seed=0, warm_start=tmp_path / "known.csv")


def test_a_missing_file_is_refused(small_table: Table, tmp_path: Path) -> None:
    with pytest.raises(WarmStartError, match="cannot be read"):
        search(table=small_table, sampler="random", budget=3, seed=0, warm_start=tmp_path / "none.csv")


def test_a_search_by_real_training_resumes_with_what_it_would_have_measured(tmp_path: Path) -> None:
    recipe = Recipe(epochs=1, channels=2, cells_per_stage=1, batch_size=64, flip=False, crop_padding=0)
    evaluator = TrainingEvaluator(NB201, partial(digits, train=200, views=1), recipe, device="cpu")
    for budget in (2, 4):
        result = search(evaluator=evaluator, sampler="random", budget=budget, seed=1, folder=tmp_path)
    torch.set_num_threads(2)  # as other work in this process may
    whole = search(evaluator=evaluator, sampler="random", budget=4, seed=1)
    assert [(trial.architecture, trial.valid) for trial in result.trials] == [
        (t.architecture, t.valid) for t in whole.trials
    ]
    assert result.optimum is None
    assert result.seconds.training > 0
    assert (result.candidates, result.epochs) == (15625, 1)


def test_only_cells_can_be_trained() -> None:
    with pytest.raises(SettingError, match="only cells can be trained, got space"):
        TrainingEvaluator(NATS_SIZE, digits, Recipe())
