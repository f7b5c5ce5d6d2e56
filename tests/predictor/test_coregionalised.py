"""Gaussian processes that learn from each other."""

from __future__ import annotations

import numpy as np
import pytest

from surrogate_nas.predictor.coregionalised import LIKELIHOOD_ROWS, Coregionalised, Labels, Scales, _drawn, _surprise
from surrogate_nas.predictor.covariance import squared_distance

PARTS = ((0,), (1,), (0, 1))
RNG = np.random.default_rng(0)
BLOCKS = [RNG.normal(size=(60, 3)).astype(np.float32), RNG.normal(size=(60, 2)).astype(np.float32)]
TRUTH = np.sin(BLOCKS[0][:, 0]) + BLOCKS[1][:, 1]
TRUTH = (TRUTH - TRUTH.mean()) / TRUTH.std()


def fitted(scores: np.ndarray, weights: np.ndarray | None = None) -> Coregionalised:
    weights = np.ones(scores.shape) if weights is None else weights
    return Coregionalised(PARTS).fit(BLOCKS, scores, weights, rng=np.random.default_rng(0))


def pair(other: np.ndarray, known: int = 50) -> np.ndarray:
    """Fifty labels of one task, eight of another, and ten architectures without any."""
    rows = np.arange(60)
    return np.stack([np.where(rows < known, TRUTH, np.nan), np.where(rows < 8, other, np.nan)], axis=1)


def test_the_gradient_is_that_of_differences() -> None:
    scores = np.where(RNG.random((60, 2)) < 0.5, RNG.normal(size=(60, 2)), np.nan)
    labels = Labels.of(scores, np.full((60, 2), 2.0))
    doubles = [block.astype(np.float64) for block in BLOCKS]
    squared = [squared_distance(block, block)[labels.row][:, labels.row] for block in doubles]
    seen = [(0, 0), (1, 1), (2, 0), (2, 1)]

    def surprise(at: np.ndarray) -> tuple[float, np.ndarray]:
        lengths = np.ones((3, 2))
        lengths[tuple(np.array(seen).T)] = np.exp(at[:4])
        scales = Scales(lengths, at[4:10].reshape(3, 2), np.exp(at[10:16]).reshape(3, 2), np.exp(at[16:]))
        return _surprise(squared, labels, PARTS, seen, scales)

    at = RNG.normal(0.2, 0.3, 18)
    steps = 1e-5 * np.eye(18)
    differences = [(surprise(at + step)[0] - surprise(at - step)[0]) / 2e-5 for step in steps]
    assert surprise(at)[1] == pytest.approx(differences, rel=1e-4, abs=1e-6)


def test_what_is_known_of_one_task_is_learned_from_another() -> None:
    together = fitted(pair(TRUTH))
    apart = fitted(pair(TRUTH)[:, [1]])
    hidden = slice(50, None)
    errors = [np.abs(process.predict(BLOCKS)[0][hidden, -1] - TRUTH[hidden]).mean() for process in (together, apart)]
    assert errors[0] < 0.7 * errors[1]
    assert together.scales_.relations[0, 1] > 0.8


def test_an_opposite_task_has_a_negative_relation() -> None:
    scores = np.stack([TRUTH, -TRUTH], axis=1)
    assert fitted(scores).scales_.relations[0, 1] < -0.8


def test_what_has_nothing_in_common_has_a_small_relation() -> None:
    scores = np.stack([TRUTH, np.random.default_rng(5).normal(size=60)], axis=1)
    assert abs(fitted(scores).scales_.relations[0, 1]) < 0.6


def test_each_task_has_its_own_noise() -> None:
    noisy = TRUTH + np.random.default_rng(1).normal(0, 1, 60)
    noise = fitted(np.stack([TRUTH, noisy], axis=1)).scales_.noise
    assert noise[1] > 5 * noise[0]


def test_labels_of_more_seeds_are_trusted_more() -> None:
    scores = pair(TRUTH)
    scores[3, 0] = TRUTH[3] + 3
    light, heavy = np.ones((60, 2)), np.ones((60, 2))
    light[3, 0], heavy[3, 0] = 0.01, 100.0
    trusted, doubted = (fitted(scores, weights).predict(BLOCKS)[0][3, 0] for weights in (heavy, light))
    assert trusted > doubted + 0.5


def test_far_from_labels_the_variance_is_greater() -> None:
    process = fitted(pair(TRUTH))
    far = [block + 20 for block in BLOCKS]
    assert (process.predict(far)[1].mean(axis=0) > process.predict(BLOCKS)[1].mean(axis=0)).all()


def test_the_likelihood_is_of_as_many_labels_of_each_task_as_of_the_others() -> None:
    task = np.repeat([0, 1], [2000, 30])
    drawn = _drawn(task, np.random.default_rng(0))
    assert np.bincount(task[drawn]).tolist() == [LIKELIHOOD_ROWS - 30, 30]
    assert len(set(drawn.tolist())) == LIKELIHOOD_ROWS
