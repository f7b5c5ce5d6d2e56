"""Building a table by training: what is finished is never trained again, and settings are never mixed."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from surrogate_nas import build
from surrogate_nas.build import build_table, plan, plan_best, provenance
from surrogate_nas.errors import RunFolderError, SettingError
from surrogate_nas.space import NB201
from surrogate_nas.split import Split
from surrogate_nas.table import Column, Table, read_table
from surrogate_nas.verification.data import digits
from surrogate_nas.verification.executor import Job
from surrogate_nas.verification.recipe import Recipe
from surrogate_nas.verification.trainer import Training, train

TINY = Recipe(epochs=1, batch_size=64, learning_rate=0.05, channels=4, cells_per_stage=1, flip=False, crop_padding=0)
few_digits = partial(digits, train=100, views=1)


def build_small(path: Path, *, classes: int, seeds: list[int], recipe: Recipe = TINY) -> Table:
    told = provenance("digits", few_digits, "custom", recipe)
    jobs = plan(NB201, classes=classes, seeds=seeds)
    return build_table(path, jobs, few_digits, recipe, name="t", dataset="digits", provenance=told, workers=1)


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """The jobs that were run; an invented accuracy stands in for each training."""
    jobs: list[Job] = []

    def invented(todo: list[Job], *_: object, **__: object) -> object:
        for job in todo:
            jobs.append(job)
            accuracy = {Split.VALID: float(job.architecture.index[0] % 100), Split.TEST: float(job.seed)}
            yield Training(job.architecture.text, job.seed, 1, accuracy, (1.0,), 0.5)

    monkeypatch.setattr(build, "run_trainings", invented)
    return jobs


def test_a_plan_holds_one_cell_a_class_in_a_fixed_random_order() -> None:
    short, long = plan(NB201, classes=10, seeds=[1]), plan(NB201, classes=20, seeds=[1])
    assert long[:10] == short
    everything = plan(NB201, classes=None, seeds=[1])
    assert len({int(job.architecture.key[0]) for job in everything}) == len(everything) == 4930


def test_a_larger_build_trains_only_what_is_missing(trained: list[Job], tmp_path: Path) -> None:
    build_small(tmp_path / "t.parquet", classes=5, seeds=[1])
    table = build_small(tmp_path / "t.parquet", classes=8, seeds=[1, 2])
    assert len(trained) == len(set(trained)) == 16
    assert len(table) == 8
    assert table.accuracy(dataset="digits", split="test").tolist() == [1.5] * 8
    assert table.train_seconds(dataset="digits").tolist() == [0.5] * 8


def test_an_interrupted_build_goes_on_from_its_journal(trained: list[Job], tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    jobs = plan(NB201, classes=3, seeds=[1])
    journal = path.with_name("t.parquet.journal")
    lines = [
        {"architecture": job.architecture.text, "seed": 1, "epochs": 1, "accuracy": {"valid": 9.0}, "seconds": 1.0}
        for job in jobs[:2]
    ]
    journal.write_text(
        "".join(json.dumps(line) + "\n" for line in lines) + '{"architecture": "|no'
    )  # a kill cut it off
    table = build_small(path, classes=3, seeds=[1])
    assert trained == jobs[2:]
    journalled = table.find(NB201.parse([line["architecture"] for line in lines]))
    assert table.accuracy(dataset="digits", split="valid")[journalled].tolist() == [9.0, 9.0]
    assert len(table) == 3
    assert not journal.exists()


def test_the_order_of_trainings_does_not_change_the_file(trained: list[Job], tmp_path: Path) -> None:
    build_small(tmp_path / "a.parquet", classes=6, seeds=[1, 2])
    build_small(tmp_path / "b.parquet", classes=3, seeds=[2])
    build_small(tmp_path / "b.parquet", classes=6, seeds=[2, 1])
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_trainings_of_other_settings_are_not_mixed(trained: list[Job], tmp_path: Path) -> None:
    build_small(tmp_path / "t.parquet", classes=2, seeds=[1])
    with pytest.raises(RunFolderError, match="built with other settings"):
        build_small(tmp_path / "t.parquet", classes=2, seeds=[1], recipe=Recipe())
    assert len(read_table(tmp_path / "t.parquet")) == 2


def test_a_real_build_records_what_the_trainer_measures(tmp_path: Path) -> None:
    table = build_small(tmp_path / "t.parquet", classes=1, seeds=[5])
    alone = train(table.population, few_digits(), TINY, seed=5)
    assert table.accuracy(dataset="digits", split="valid").tolist() == [alone.accuracy[Split.VALID]]


def test_the_best_are_chosen_by_the_seed_that_all_have(trained: list[Job], tmp_path: Path) -> None:
    table = build_small(tmp_path / "t.parquet", classes=20, seeds=[1])
    best = plan_best(table, 3, seeds=[2, 3])
    values = table.accuracy(dataset="digits", split="valid", seed=1)
    chosen = [int(table.find(job.architecture)[0]) for job in best]
    assert [job.seed for job in best] == [2, 2, 2, 3, 3, 3]
    assert sorted(values[chosen[:3]]) == sorted(np.sort(values)[-3:])
    column = Column("accuracy", "digits", Split.VALID, 1, 2)
    lucky = replace(table, columns={**table.columns, column: np.where(np.arange(20) == 0, 100.0, np.nan)})
    assert plan_best(lucky, 3, seeds=[2, 3]) == best
    with pytest.raises(SettingError, match="--best must be a whole number, 1 to 20"):
        plan_best(table, 21, seeds=[2])
