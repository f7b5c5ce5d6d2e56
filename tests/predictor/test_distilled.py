"""A predictor written down as a table of its predictions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from surrogate_nas.errors import InvalidArchitectureError
from surrogate_nas.predictor import load_saved_predictor
from surrogate_nas.predictor.distilled import Distilled
from surrogate_nas.predictor.gaussian_process import GaussianProcess
from surrogate_nas.space import NATS_SIZE, NB201, TRANSNAS

MEASURED = NB201.sample(60, rng=np.random.default_rng(0))
LABELS = 50.0 + 5 * (MEASURED.decisions == 3).sum(axis=1)
SOURCE = {"dataset": "toy", "labels": 60}


def fitted() -> Distilled:
    return Distilled(GaussianProcess(), [SOURCE]).fit(MEASURED, LABELS, rng=np.random.default_rng(1))


def test_it_says_what_its_teacher_said() -> None:
    everything = NB201.enumerate()
    teacher = GaussianProcess().fit(MEASURED, LABELS, rng=np.random.default_rng(1))
    np.testing.assert_allclose(fitted().predict(everything).mean, teacher.predict(everything).mean, rtol=1e-6)


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
