"""Fitting a predictor to several tasks of a table: what is learned from, what is scored on, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from surrogate_nas.errors import NotMeasuredError, SettingError
from surrogate_nas.fit_tasks import fit_tasks
from surrogate_nas.predictor import Prediction
from surrogate_nas.predictor.growth import grown
from surrogate_nas.predictor.multitask import MultiTask
from surrogate_nas.record import Record, write_csv, write_json
from surrogate_nas.report import write_report
from surrogate_nas.space import NB201
from surrogate_nas.split import Split
from surrogate_nas.table import Column, Table
from surrogate_nas.table.table import Cost

SMALL = MultiTask(members=2, layers=1, width=8, steps=20)
POPULATION = NB201.sample(60, rng=np.random.default_rng(1))
LIVE = NB201.represent(POPULATION).decisions
ACCURACY = 50.0 + 4 * (LIVE == 3).sum(axis=1) + 2 * (LIVE == 2).sum(axis=1) + np.linspace(0, 1, 60)


@pytest.fixture(scope="module")
def table() -> Table:
    """Two data sets, one of them with a shorter training and a second seed for some, and a latency."""
    second = np.where(np.arange(60) < 30, ACCURACY + 1, np.nan)
    columns = {
        Column("accuracy", "toy", Split.VALID, 5, 0): ACCURACY,
        Column("accuracy", "toy", Split.VALID, 5, 1): second,
        Column("accuracy", "toy", Split.VALID, 1, 0): ACCURACY - 20,
        Column("accuracy", "toy", Split.TEST, 5, 0): ACCURACY - 1,
        Column("accuracy", "other", Split.VALID, 5, 0): np.where(np.arange(60) < 50, ACCURACY - 9, np.nan),
        Column("accuracy", "other", Split.TEST, 5, 0): ACCURACY - 10,
        Column("train_seconds", "toy", Split.VALID, 5, 0): 10 * ACCURACY,
    }
    return Table("two", POPULATION, columns, costs={Cost("latency_ms", "toy"): 0.1 * ACCURACY})


def fitted(table: Table, /, **changes: Any) -> Record:
    return fit_tasks(
        **{"table": table, "tasks": ["toy", "other"], "predictor": SMALL, "train_size": [20, 5], **changes}
    )


@pytest.fixture(scope="module")
def result(table: Table) -> Record:
    return fitted(table, draws=2, seed=3)


def test_a_result_tells_of_each_task_together_and_alone(result: Record) -> None:
    assert [(task.name, task.epochs, task.train_size) for task in result.tasks] == [("toy", 5, 20), ("other", 5, 5)]
    assert (result.protocol, result.predictor, result.table, result.draws) == ("A", "multitask", "two", 2)
    for task in result.tasks:
        for metrics in (task.metrics, task.metrics_alone):
            assert {"kendall_tau", "precision_at_1pct", "regret_top1", "coverage_90"} < set(metrics)
        assert {"error_alone", "error_together", "tau_alone", "tau_together", "share", "helped"} == set(task.sharing)
        assert len(task.reliability) == 10
    assert np.array(result.relations).shape == (2, 2)
    assert np.array(result.relations).diagonal() == pytest.approx(1)


def test_every_task_is_scored_on_the_half_that_none_was_fitted_to(result: Record) -> None:
    of = {name: {row.architecture for row in result.predictions if row.task == name} for name in ("toy", "other")}
    assert len(of["toy"]) == 30
    assert of["other"] < of["toy"]
    assert result.predictor_.process_.labels_.task.tolist().count(0) == 20
    assert result.predictor_.process_.labels_.task.tolist().count(1) == 5


def test_same_seed_same_result(table: Table, result: Record) -> None:
    again = fitted(table, draws=1, seed=3)
    assert again.predictions == result.predictions


def test_labels_of_more_seeds_weigh_more(result: Record) -> None:
    labels = result.predictor_.process_.labels_
    weights = labels.weight[labels.task == 0]
    assert len(set(weights.round(6))) == 2
    assert weights.max() == pytest.approx(2 * weights.min())


def test_learning_lengths_times_and_costs_are_tasks(table: Table) -> None:
    found = fitted(table, tasks=["toy", "toy@1", "toy:train_seconds", "toy:latency_ms"], train_size=12)
    assert [task.quantity for task in found.tasks] == ["accuracy", "accuracy", "train_seconds", "latency_ms"]
    assert [task.epochs for task in found.tasks] == [5, 1, 5, None]
    seconds = [row.predicted for row in found.predictions if row.task == "toy:train_seconds"]
    assert 500 < np.mean(seconds) < 900
    assert found.tasks[3].metrics.regret_top1.mean >= 0


def test_protocol_b_scores_the_whole_table_on_test(table: Table) -> None:
    found = fitted(table, protocol="B")
    measured = [row.measured for row in found.predictions if row.task == "other"]
    assert sorted(measured) == pytest.approx(sorted((ACCURACY - 10).tolist()))


def test_predictions_are_told_of_more_images_behind_test_accuracies(table: Table) -> None:
    columns = {
        column._replace(dataset=column.dataset.replace("toy", "cifar10")): values
        for column, values in table.columns.items()
    }
    silent, told = (
        fitted(replace(table, columns=columns, provenance={"source": source}), tasks=["cifar10", "other"], protocol="B")
        for source in ("", "NATS-Bench v1.0")
    )
    assert [task.growth for task in told.tasks] == [2.0, 1.0]
    rows = [
        [[row.predicted, row.predicted_std] for row in found.predictions if row.task == "cifar10"]
        for found in (silent, told)
    ]
    before, after = (Prediction(*np.array(said).T) for said in rows)
    cells = NB201.parse([row.architecture for row in told.predictions if row.task == "cifar10"])
    np.testing.assert_allclose(after.mean, grown(before, cells, growth=2).mean)
    np.testing.assert_allclose(after.std, grown(before, cells, growth=2).std)
    others = [[row.predicted for row in found.predictions if row.task == "other"] for found in (silent, told)]
    assert others[0] == others[1]


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"tasks": ["toy"]}, SettingError, "two different ones or more"),
        ({"tasks": ["toy", "toy"]}, SettingError, "two different ones or more"),
        ({"tasks": ["toy", "toi"]}, NotMeasuredError, "Did you mean 'toy'"),
        ({"tasks": ["toy", "toy@7"]}, NotMeasuredError, "Known: 1, 5"),
        ({"tasks": ["toy", "toy:energy_mj"]}, NotMeasuredError, "latency_ms of toy"),
        ({"tasks": ["toy", "toy:latency_ms"], "protocol": "B"}, SettingError, "needs A"),
        ({"protocol": "C"}, SettingError, "Known: A, B"),
        ({"train_size": [20]}, SettingError, "one for each of 2 tasks"),
        ({"train_size": [20, 26]}, SettingError, "1 to 25 .*of other"),
        ({"train_size": [20, 0]}, SettingError, "train_size"),
        ({"predictor": "boosted"}, SettingError, "learns one task; of several learns predictor=multitask"),
        ({"draws": 0}, SettingError, "draws"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(
    table: Table, changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        fitted(table, **changes)


def test_the_report_shows_tasks_and_relations(result: Record, tmp_path: Path) -> None:
    circumstances = {"command": "x", "started": "2026-02-03T10:11:12+00:00", "versions": {}, "machine": {}}
    write_json(tmp_path / "result.json", {**result, "job": "fit tasks", "provenance": {}, **circumstances})
    write_csv(tmp_path / "predictions.csv", result.predictions)
    (tmp_path / "config.yaml").write_text("seed: 3\n")
    page = write_report(tmp_path).read_text(encoding="utf-8")
    assert "sharing helped" in page
    assert (tmp_path / "tables" / "relations.csv").is_file()
    assert (tmp_path / "tables" / "sharing.csv").read_text().startswith("task,labels,kendall_tau,kendall_tau_alone")
