"""Fitting a predictor to a table: what is learned from, what is scored on, and what is refused."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from surrogate_nas.errors import NotMeasuredError, SettingError, UnknownMethodError, UnknownTableError
from surrogate_nas.fit import check_disjoint, fit
from surrogate_nas.predictor import Prediction, Predictor
from surrogate_nas.predictor.base import Arrays, Values
from surrogate_nas.predictor.gaussian_process import GaussianProcess
from surrogate_nas.predictor.growth import grown
from surrogate_nas.space import NB201, Population
from surrogate_nas.split import Split
from surrogate_nas.table import Column, Table

METRICS = {
    "kendall_tau", "spearman", "precision_at_1pct", "precision_at_10", "regret_top1", "coverage_90", "fit_seconds",
    "predict_seconds",
}  # fmt: skip


class Memory(Predictor):
    """Remembers its labels, and predicts what the simplest cell's position in the space is."""

    name = "memory"
    target = "value"

    def __init__(self) -> None:
        pass

    def settings(self) -> dict[str, Any]:
        return {}

    def _fit(self, population: Population, targets: Values, weights: Values, rng: np.random.Generator) -> Prediction:
        self.labels_ = dict(zip(population.texts, targets.tolist(), strict=True))
        return Prediction(np.full(len(population), np.nan), np.ones(len(population)))  # nothing was held out

    def _predict(self, population: Population) -> Prediction:
        return Prediction(population.index.astype(float), np.ones(len(population)))

    def _state(self) -> Arrays:
        return {}

    def _restore(self, state: Arrays) -> None:
        pass


def settings(table: Table, /, **changes: Any) -> dict[str, Any]:
    return {"table": table, "predictor": Memory(), "train_size": 10, **changes}


def test_a_result_holds_what_was_asked_and_what_came_out(small_table: Table) -> None:
    result = fit(**settings(small_table, predictor="gaussian_process", draws=2, seed=5))
    assert (result.protocol, result.predictor, result.table, result.dataset) == (
        "A",
        "gaussian_process",
        "small",
        "toy",
    )
    assert (result.train_size, result.draws, result.seed, result.split, result.epochs) == (10, 2, 5, "valid", 5)
    assert set(result.metrics) == METRICS
    assert all(set(moments) == {"mean", "std"} for moments in result.metrics.values())
    assert result.metrics.kendall_tau.mean > 0
    assert isinstance(result.predictor_, GaussianProcess)


def test_protocol_a_scores_the_other_half_on_the_same_split(small_table: Table) -> None:
    result = fit(**settings(small_table, train_size=20))
    scored = {record.architecture: record.measured for record in result.predictions}
    labels = result.predictor_.labels_
    assert len(scored) == len(labels) == 20
    assert set(scored) | set(labels) == set(small_table.population.texts)
    valid = small_table.accuracy(dataset="toy", split=Split.VALID)
    known = dict(zip(small_table.population.texts, valid.tolist(), strict=True))
    assert {**scored, **labels} == known
    assert "by text" in result.partition


def test_protocol_b_scores_the_whole_table_on_test(small_table: Table) -> None:
    result = fit(**settings(small_table, protocol="B", train_size=40))
    scored = {record.architecture: record.measured for record in result.predictions}
    assert list(scored) == small_table.population.texts
    assert {text: label + 0.25 for text, label in result.predictor_.labels_.items()} == pytest.approx(scored)


def test_predictions_are_those_of_the_first_draw(small_table: Table) -> None:
    one, three = (fit(**settings(small_table, draws=draws)) for draws in (1, 3))
    assert one.predictions == three.predictions
    assert one.predictor_.labels_ == three.predictor_.labels_
    assert set(one.predictions[0]) == {"architecture", "measured", "predicted", "predicted_std"}


def test_metrics_are_those_of_the_predictions(small_table: Table) -> None:
    result = fit(**settings(small_table))
    measured, predicted = (
        np.array([record[name] for record in result.predictions]) for name in ("measured", "predicted")
    )
    best = measured[predicted.argmax()]
    assert result.metrics.regret_top1 == {"mean": pytest.approx(measured.max() - best), "std": 0}
    assert result.metrics.precision_at_1pct.mean == float(best == measured.max())
    # The predicted positions are far from any percentage, a deviation of 1 covers none.
    assert result.metrics.coverage_90.mean == 0


def test_the_reliability_is_the_mean_coverage_over_draws(small_table: Table) -> None:
    result = fit(**settings(small_table, predictor="gaussian_process", draws=2))
    covered = {row.level: row.covered for row in result.reliability}
    assert covered[0.9] == pytest.approx(result.metrics.coverage_90.mean)
    assert covered[0.1] < covered[0.95]


def test_moments_are_over_draws(small_table: Table) -> None:
    three = fit(**settings(small_table, draws=3, seed=1)).metrics.kendall_tau
    assert three.std > 0


def test_same_seed_same_result_other_seed_other_labels(small_table: Table) -> None:
    one, same, other = (fit(**settings(small_table, seed=seed)) for seed in (0, 0, 1))
    assert one.predictions == same.predictions
    assert one.predictor_.labels_ != other.predictor_.labels_


def test_the_given_predictor_stays_unfitted(small_table: Table) -> None:
    given = Memory()
    fit(**settings(small_table, predictor=given))
    assert vars(given) == {}


def test_architectures_without_a_label_have_no_part() -> None:
    population = NB201.sample(30, rng=np.random.default_rng(0))
    values = np.where(np.arange(30) % 3 == 0, np.nan, 50.0 + np.arange(30))
    table = Table("holes", population, {Column("accuracy", "toy", Split.VALID, 1, 0): values})
    result = fit(**settings(table))
    texts = {record.architecture for record in result.predictions} | set(result.predictor_.labels_)
    assert texts == {text for text, value in zip(population.texts, values, strict=True) if not math.isnan(value)}


def test_a_table_of_functions_is_divided_by_function(small_table: Table) -> None:
    _, first = np.unique(small_table.population.key, return_index=True)
    columns = {column: values[first] for column, values in small_table.columns.items()}
    table = Table("functions", small_table.population[first], columns, by_function=True)
    assert "by function" in fit(**settings(table)).partition


def test_halves_that_share_an_architecture_are_refused() -> None:
    population = NB201.sample(10, rng=np.random.default_rng(0))
    check_disjoint(population[:5], population[5:])
    with pytest.raises(SettingError, match="1 architectures are both"):
        check_disjoint(population[:6], population[5:])


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"protocol": "C"}, SettingError, "Known: A, B"),
        ({"train_size": 21}, SettingError, "train_size must be a whole number, 1 to 20"),
        ({"train_size": 41, "protocol": "B"}, SettingError, "1 to 40"),
        ({"train_size": 0}, SettingError, "train_size"),
        ({"draws": 0}, SettingError, "draws"),
        ({"seed": -1}, SettingError, "seed"),
        ({"split": "test", "protocol": "B"}, SettingError, "cannot fit to split test"),
        ({"protocol": "B", "growth": 0}, SettingError, "growth must be a finite number above 0, got 0"),
        ({"growth": 2}, SettingError, "leave growth out"),
        ({"predictor": "oracle"}, UnknownMethodError, "unknown predictor 'oracle'"),
        ({"table": "nowhere"}, UnknownTableError, "nowhere"),
        ({"dataset": "cifar11"}, NotMeasuredError, "toy"),
        ({"split": "train"}, NotMeasuredError, "test, valid"),
        ({"epochs": 6}, NotMeasuredError, "Known: 5"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(
    small_table: Table, changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        fit(**settings(small_table, **changes))


def test_a_table_without_test_labels_has_no_protocol_b(small_table: Table) -> None:
    columns = {column: values for column, values in small_table.columns.items() if column.split is Split.VALID}
    table = Table("valid only", small_table.population, columns)
    with pytest.raises(NotMeasuredError, match="Known: valid"):
        fit(**settings(table, protocol="B"))


def test_several_data_sets_need_a_choice(small_table: Table) -> None:
    columns = {
        column._replace(dataset=dataset): values
        for column, values in small_table.columns.items()
        for dataset in ("toy", "toys")
    }
    table = Table("two", small_table.population, columns)
    with pytest.raises(SettingError, match="toy, toys"):
        fit(**settings(table))
    assert fit(**settings(table, dataset="toys")).dataset == "toys"


def test_more_images_behind_test_accuracies_are_told_to_predictions(small_table: Table) -> None:
    plain = settings(small_table, protocol="B", predictor="gaussian_process")
    same, default, more = (fit(**plain, **growth) for growth in ({"growth": 1}, {}, {"growth": 4.0}))
    assert (same.growth, default.growth, more.growth) == (1.0, 1.0, 4.0)
    assert same.predictions == default.predictions
    said = Prediction(*(np.array([row[name] for row in same.predictions]) for name in ("predicted", "predicted_std")))
    expected = grown(said, small_table.population, growth=4)
    assert [row.predicted for row in more.predictions] == pytest.approx(expected.mean.tolist())
    assert [row.predicted_std for row in more.predictions] == pytest.approx(expected.std.tolist())


def test_the_source_of_a_table_says_how_many_more(small_table: Table) -> None:
    columns = {column._replace(dataset="cifar10"): values for column, values in small_table.columns.items()}
    table = replace(small_table, columns=columns, provenance={"source": "NATS-Bench v1.0"})
    by_protocol = {name: fit(**settings(table, protocol=name, predictor="gaussian_process")).growth for name in "AB"}
    assert by_protocol == {"A": 1.0, "B": 2.0}
