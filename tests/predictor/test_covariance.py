"""Sums of Matern kernels and their most likely scales."""

from __future__ import annotations

import numpy as np
import pytest

from surrogate_nas.predictor.covariance import (
    AMPLITUDE_SPREAD,
    LENGTH,
    NOISE,
    Covariance,
    _surprise,
    matern,
    most_likely,
    squared_distance,
)

RNG = np.random.default_rng(0)
ONE, OTHER = RNG.normal(size=(60, 3)), RNG.normal(size=(60, 2))
SQUARED = [squared_distance(ONE, ONE), squared_distance(OTHER, OTHER)]
PARTS = ((0,), (1,), (0, 1))
SUM = Covariance(PARTS, np.array([0.5, 0.3, 0.2]), np.array([[2.0, 1.0], [1.0, 3.0], [4.0, 5.0]]), 0.1)


def test_the_kernel_is_one_at_distance_zero_and_known_at_one() -> None:
    # Matern 5/2 at one length scale: (1 + sqrt 5 + 5/3) exp(-sqrt 5).
    assert matern(np.array([0.0, 1.0])) == pytest.approx([1, 0.52399411])


def test_distances_are_euclidean_and_never_negative() -> None:
    x = np.array([[2.0, -1.0], [2.0, 3.0], [-2.0, 2.0]])
    assert squared_distance(x, x) == pytest.approx(np.array([[0, 16, 25], [16, 0, 17], [25, 17, 0]]))
    large = (1e3 * RNG.normal(size=(20, 400))).astype(np.float32)
    assert (squared_distance(large, large) >= 0).all()


def test_kernels_add_up_and_distances_add_inside_a_kernel() -> None:
    expected = 0.5 * matern(np.array(3 / 2)) + 0.3 * matern(np.array(4 / 3))
    expected += 0.2 * matern(np.array(np.sqrt((3 / 4) ** 2 + (4 / 5) ** 2)))
    assert SUM([np.array([[9.0]]), np.array([[16.0]])]) == pytest.approx(expected)
    assert SUM.signal == pytest.approx(1)


def test_the_gradient_is_that_of_small_steps() -> None:
    seen = [(0, 0), (1, 1), (2, 0), (2, 1)]
    at, score = RNG.normal(0, 0.5, 8), RNG.normal(size=60)
    _, gradient = _surprise(SQUARED, score, PARTS, seen, at)
    for direction, slope in zip(1e-6 * np.eye(8), gradient, strict=True):
        ahead, behind = (_surprise(SQUARED, score, PARTS, seen, at + step)[0] for step in (direction, -direction))
        assert (ahead - behind) / 2e-6 == pytest.approx(slope, rel=1e-4, abs=1e-6)


def test_a_block_that_tells_nothing_gets_a_long_length_or_a_small_variance() -> None:
    found = most_likely(SQUARED, np.sin(ONE[:, 0] * 2), ((0,), (1,)))
    assert found.amplitudes[0] > 5 * found.amplitudes[1]


def test_noise_is_found() -> None:
    smooth = ONE[:, 0] / ONE[:, 0].std()
    noisy = smooth + RNG.normal(0, 0.7, 60)
    assert most_likely(SQUARED, smooth, PARTS).noise < 0.02
    assert 0.2 < most_likely(SQUARED, noisy, PARTS).noise < 1


def test_of_one_label_the_prior_is_most_likely() -> None:
    found = most_likely([np.zeros((1, 1))], np.zeros(1), ((0,),))
    assert abs(np.log(found.noise) - NOISE[0]) < 2 * NOISE[1]
    assert abs(np.log(found.signal)) < 2 * AMPLITUDE_SPREAD
    assert found.lengths[0, 0] == pytest.approx(np.exp(LENGTH[0]))


def test_numbers_tell_a_covariance() -> None:
    same = Covariance.of(PARTS, SUM.numbers())
    assert same(SQUARED) == pytest.approx(SUM(SQUARED))
    assert same.noise == SUM.noise
