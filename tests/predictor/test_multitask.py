"""Several tasks at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from surrogate_nas.errors import SettingError, TargetError
from surrogate_nas.metrics import kendall_tau
from surrogate_nas.predictor import load_saved_predictor
from surrogate_nas.predictor.gaussian_process import feature_blocks
from surrogate_nas.predictor.multitask import MultiTask
from surrogate_nas.predictor.task_labels import tasks_folds
from surrogate_nas.space import NB201, Population, concatenate

POPULATION = NB201.sample(70, rng=np.random.default_rng(0))
OTHERS = NB201.sample(200, rng=np.random.default_rng(1))
SMALL: dict[str, Any] = {"members": 3, "layers": 1, "width": 8, "steps": 40}


def accuracy(population: Population) -> np.ndarray:
    """An invented accuracy: convolutions are good, where they are live."""
    live = NB201.represent(population).decisions
    return 60.0 + 4 * (live == 3).sum(axis=1) + 2 * (live == 2).sum(axis=1)


def latency(population: Population) -> np.ndarray:
    """Invented milliseconds, which grow as the accuracy does."""
    return 0.1 * accuracy(population) + 0.2 * (NB201.represent(population).decisions == 4).sum(axis=1)


def measured(labels: int = 9) -> np.ndarray:
    """Sixty accuracies of the first architectures, and a few latencies of the last."""
    rows = np.arange(70)
    first = np.where(rows < 60, accuracy(POPULATION), np.nan)
    return np.stack([first, np.where(rows >= 70 - labels, latency(POPULATION), np.nan)], axis=1)


def fitted(targets: np.ndarray, seed: int = 0, **settings: Any) -> MultiTask:
    kinds = ["accuracy", "value"][: targets.shape[1]]
    predictor = MultiTask(**{**SMALL, "target": kinds, **settings})
    return predictor.fit(POPULATION, targets, rng=np.random.default_rng(seed))


def test_predictions_have_a_column_for_each_task_in_its_unit() -> None:
    prediction = fitted(measured()).predict(OTHERS)
    assert prediction.mean.shape == prediction.std.shape == (200, 2)
    assert prediction.mean[:, 0].mean() == pytest.approx(accuracy(OTHERS).mean(), abs=3)
    assert prediction.mean[:, 1].mean() == pytest.approx(latency(OTHERS).mean(), abs=0.7)
    assert (prediction.std > 0).all()


def test_a_task_of_few_labels_learns_from_another() -> None:
    together = fitted(measured())
    alone = fitted(measured()[:, [1]], target="value")
    truth = latency(OTHERS)
    taus = [kendall_tau(one.predict(OTHERS).mean[:, -1], truth) for one in (together, alone)]
    assert taus[0] > taus[1] + 0.03  # over eight draws of the architectures it is .04 to .25
    assert together.relations_[0, 1] == together.relations_[1, 0] > 0.7
    assert together.relations_.diagonal() == pytest.approx(1)


def test_sharing_is_judged_by_held_out_labels() -> None:
    first, second = fitted(measured(30)).sharing_
    assert (first.labels, second.labels) == (60, 30)
    assert second.helped == (second.error_together < second.error_alone)
    assert -1 <= second.tau_alone <= 1
    assert 0 <= second.share <= 1


def test_a_task_of_noise_harms_no_other() -> None:
    noise = np.random.default_rng(3).permutation(accuracy(POPULATION))
    with_noise = fitted(np.stack([accuracy(POPULATION), noise], axis=1), target="accuracy").predict(OTHERS).mean[:, 0]
    without = fitted(accuracy(POPULATION)[:, None], target="accuracy").predict(OTHERS).mean[:, 0]
    errors = [np.abs(said - accuracy(OTHERS)).mean() for said in (with_noise, without)]
    assert errors[0] < errors[1] + 0.5


def test_one_column_is_as_one_task() -> None:
    flat = MultiTask(**SMALL).fit(POPULATION, accuracy(POPULATION), rng=np.random.default_rng(0)).predict(OTHERS)
    column = fitted(accuracy(POPULATION)[:, None], target="accuracy").predict(OTHERS)
    assert flat.mean.tolist() == column.mean[:, 0].tolist()
    assert flat.std.tolist() == column.std[:, 0].tolist()


def test_a_saved_one_predicts_the_same_and_knows_the_relations(tmp_path: Path) -> None:
    predictor = fitted(measured())
    predictor.save(tmp_path / "predictor")
    loaded = load_saved_predictor(tmp_path / "predictor")
    one, other = predictor.predict(OTHERS), loaded.predict(OTHERS)
    assert np.array_equal(one.mean, other.mean)
    assert np.array_equal(one.std, other.std)
    assert isinstance(loaded, MultiTask)
    assert np.array_equal(loaded.relations_, predictor.relations_)


def test_importance_turns_the_network_to_a_task() -> None:
    targets = np.stack([accuracy(POPULATION), np.random.default_rng(0).permutation(accuracy(POPULATION))], axis=1)
    ranked = []
    for importance in ([100.0, 1.0], [1.0, 100.0]):
        predictor = fitted(targets, target="accuracy", importance=importance, steps=150)
        said = predictor._network_scores(OTHERS, feature_blocks(OTHERS)).mean(axis=0)[:, 0]
        ranked.append(kendall_tau(said, accuracy(OTHERS)))
    assert ranked[0] > ranked[1] + 0.02  # on four draws of the permutation .05 to .11


def test_weights_are_of_architectures_or_of_labels() -> None:
    weights = np.ones(70)
    one, other = (
        fitted(measured()).fit(POPULATION, measured(), weights=given, rng=np.random.default_rng(0)).predict(OTHERS)
        for given in (weights, np.full((70, 2), 3.0))
    )
    assert np.array_equal(one.mean, other.mean)


@pytest.mark.parametrize("rows", [1, 2])
def test_one_or_two_labels_are_enough(rows: int) -> None:
    targets = np.stack([accuracy(POPULATION), latency(POPULATION)], axis=1)[:rows, :rows]
    predictor = MultiTask(**SMALL, target=["accuracy", "value"][:rows])
    prediction = predictor.fit(POPULATION[:rows], targets, rng=np.random.default_rng(0)).predict(OTHERS)
    assert prediction.mean.shape == (200, rows)
    assert np.isfinite(prediction.mean).all()
    assert np.isfinite(prediction.std).all()


def test_one_label_of_a_task_is_enough() -> None:
    prediction = fitted(measured(1)).predict(OTHERS)
    assert np.isfinite(prediction.mean).all()
    assert np.isfinite(prediction.std).all()


def without(task: int) -> np.ndarray:
    targets = measured()
    targets[:, task] = np.nan
    return targets


def changed(row: int, task: int, value: float) -> np.ndarray:
    targets = measured()
    targets[row, task] = value
    return targets


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (without(1), "task 1 has no label"),
        (changed(3, 0, np.inf), "task 0 has inf"),
        (changed(69, 1, -np.inf), "task 1 has inf"),
        (np.ones((70, 71)), "71 tasks for 70 architectures"),
        (np.ones((70, 0)), r"\(n, tasks\) for 70 architectures"),
        (np.ones((69, 2)), "70 architectures"),
        (np.ones((70, 2, 2)), r"got shape \(70, 2, 2\)"),
        (np.stack([accuracy(POPULATION), np.full(70, 4.0)], axis=1), "all 70 targets of task 1 are 4"),
        (changed(0, 0, 101.0), "0 to 100"),
    ],
)
def test_targets_that_nothing_can_be_learned_from_are_refused(targets: np.ndarray, message: str) -> None:
    with pytest.raises(TargetError, match=message):
        fitted(targets)


def test_targets_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(TargetError, match="must be numbers"):
        MultiTask(**SMALL).fit(POPULATION, ["good"] * 70, rng=np.random.default_rng(0))


def test_an_architecture_that_disagrees_with_itself_is_refused() -> None:
    population = concatenate([POPULATION, POPULATION[:1]])
    targets = np.vstack([measured(), [[5.0, np.nan]]])
    with pytest.raises(TargetError, match="has the targets of task 0"):
        MultiTask(**SMALL).fit(population, targets, rng=np.random.default_rng(0))


@pytest.mark.parametrize(
    "weights",
    [np.ones((70, 3)), np.full((70, 2), -1.0), np.full((70, 2), np.nan), np.repeat([[1.0, 0.0]], 70, axis=0)],
)
def test_weights_that_fit_no_labels_are_refused(weights: np.ndarray) -> None:
    with pytest.raises(TargetError, match="weights"):
        MultiTask(**SMALL).fit(POPULATION, measured(), weights=weights, rng=np.random.default_rng(0))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"target": ["accuracy", "speed"]}, "unknown kind of target 'speed'"),
        ({"target": ["accuracy"]}, "target tells of 1 tasks, but there are 2"),
        ({"importance": [1.0, 2.0, 3.0]}, "importance tells of 3 tasks"),
        ({"importance": [1.0, 0.0]}, "positive"),
        ({"members": 0}, "members"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        fitted(measured(), **settings)


def test_folds_hold_as_many_labels_of_each_task_as_one_another() -> None:
    known = np.isfinite(measured(10))
    fold = tasks_folds(known, 5, np.random.default_rng(0))
    assert np.bincount(fold).tolist() == [14] * 5
    assert np.bincount(fold[known[:, 1]], minlength=5).tolist() == [2] * 5
    assert (tasks_folds(known[:1], 5, np.random.default_rng(0)) == -1).all()
