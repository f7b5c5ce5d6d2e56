"""A predictor written down as a table of its predictions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from surrogate_nas.errors import InvalidArchitectureError
from surrogate_nas.metrics import spearman
from surrogate_nas.predictor import load_saved_predictor
from surrogate_nas.predictor.additive import Additive
from surrogate_nas.predictor.boosted import Boosted
from surrogate_nas.predictor.distilled import Distilled
from surrogate_nas.predictor.gaussian_process import GaussianProcess
from surrogate_nas.space import NATS_SIZE, NB201, TRANSNAS, Population

MEASURED = NB201.sample(60, rng=np.random.default_rng(0))
OTHERS = NB201.sample(60, rng=np.random.default_rng(1))
LABELS = 50.0 + 5 * (MEASURED.decisions == 3).sum(axis=1)
SOURCE = {"dataset": "toy", "labels": 60}


def fitted() -> Distilled:
    return Distilled(GaussianProcess(), [SOURCE]).fit(MEASURED, LABELS, rng=np.random.default_rng(1))


def test_it_says_what_its_teacher_said() -> None:
    everything = NB201.enumerate()
    teacher = GaussianProcess().fit(MEASURED, LABELS, rng=np.random.default_rng(1))
    assert spearman(fitted().predict(everything).mean, teacher.predict(everything).mean) > 0.99


def test_it_answers_for_cells_of_a_smaller_space() -> None:
    cells = TRANSNAS.sample(30, rng=np.random.default_rng(0))
    expected = fitted().predict(NB201.parse(cells.texts))
    np.testing.assert_array_equal(fitted().predict(cells).mean, expected.mean)


def test_other_spaces_are_refused() -> None:
    with pytest.raises(InvalidArchitectureError, match="nats-size"):
        fitted().predict(NATS_SIZE.sample(3, rng=np.random.default_rng(0)))


def test_a_saved_one_says_what_it_learned_from(tmp_path: Path) -> None:
    fitted().save(tmp_path / "predictor")
    loaded = load_saved_predictor(tmp_path / "predictor")
    assert isinstance(loaded, Distilled)
    assert list(loaded.sources) == [SOURCE]
    assert loaded.seen == {"toy"}


def cells_of_twins() -> tuple[Population, np.ndarray]:
    """All cells, and labels of which no feature tells a part: an offset of each function."""
    cells = NB201.enumerate()[::7]
    _, member = np.unique(cells.key, return_inverse=True)
    offset = np.random.default_rng(0).normal(0, 2, member.max() + 1)[member]
    return cells, 50.0 + offset


def test_what_the_teacher_misses_of_a_function_is_seen_where_it_was_measured_more_than_once() -> None:
    cells, labels = cells_of_twins()
    noisy = labels + np.random.default_rng(1).normal(0, 0.5, len(labels))
    predictor = Distilled(Boosted(members=2, trees=3)).fit(cells, noisy, rng=np.random.default_rng(0))
    assert spearman(predictor.predict(cells).mean, labels) > 0.9


def test_predictions_that_no_label_confirms_are_drawn_to_the_mean() -> None:
    noise = np.random.default_rng(2).permutation(LABELS)
    teacher = Boosted(members=5, trees=100)
    taught = Distilled(teacher).fit(MEASURED, noise, rng=np.random.default_rng(0)).predict(NB201.enumerate()).mean
    assert taught.std() < 0.5 * teacher.predict(NB201.enumerate()).mean.std()


def test_costs_are_written_down_for_every_architecture() -> None:
    cells = NB201.sample(100, rng=np.random.default_rng(0))
    cost = 1.0 + (cells.decisions == 3).sum(axis=1)
    predictor = Distilled(Additive()).fit(cells, cost, rng=np.random.default_rng(0))
    teacher = Additive().fit(cells, cost, rng=np.random.default_rng(0))
    np.testing.assert_allclose(predictor.predict(OTHERS).mean, teacher.predict(OTHERS).mean, rtol=0.02)
