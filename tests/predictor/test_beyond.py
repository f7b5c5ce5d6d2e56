"""What goes on beyond the measured architectures."""

from __future__ import annotations

import numpy as np
import pytest

from surrogate_nas.encoding.trend import trend
from surrogate_nas.encoding.untrained import untrained
from surrogate_nas.predictor import beyond
from surrogate_nas.space import NATS_SIZE, NB201

CELLS = NB201.sample(50, rng=np.random.default_rng(0))


def test_the_arc_cosine_covariance_has_the_values_of_its_formula() -> None:
    x = np.array([[0.0], [1.0], [-1.0]])
    # With the bias as second coordinate these are (0, 1), (1, 1) and (-1, 1): angles of 45, 45 and 90 degrees.
    half = 2**0.5 * (0.5**0.5 + 0.75 * np.pi * 0.5**0.5) / np.pi
    expected = [[1, half, half], [half, 2, 2 / np.pi], [half, 2 / np.pi, 2]]
    assert beyond.arc_cosine(x, x) == pytest.approx(np.array(expected))


def test_it_is_that_of_a_wide_layer_of_rectified_units() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(4, 3))
    units = np.maximum(np.column_stack([x, np.ones(4)]) @ rng.normal(size=(4, 400_000)), 0)
    # Twice the products of units have deviations of about 10 here: the mean of 400,000 has one of .016.
    assert beyond.arc_cosine(x, x) == pytest.approx(2 * units @ units.T / units.shape[1], abs=0.05)


def test_the_variance_is_the_covariance_with_itself() -> None:
    inputs = beyond.inputs(CELLS).astype(np.float64)
    assert beyond.variance(inputs) == pytest.approx(beyond.covariance(inputs, inputs).diagonal())


def test_inputs_are_size_and_what_untrained_networks_tell() -> None:
    inputs = beyond.inputs(CELLS)
    assert inputs[:, 0] == pytest.approx(trend(CELLS), abs=1e-6)
    assert inputs[:, 1:] * 24**0.5 == pytest.approx(untrained(CELLS), abs=1e-5)


def test_where_nothing_is_known_of_untrained_networks_size_is_all() -> None:
    assert beyond.inputs(NATS_SIZE.sample(5, rng=np.random.default_rng(0))).shape == (5, 1)


def test_half_of_the_slope_of_few_labels_goes_on_and_less_of_many() -> None:
    cells = NB201.sample(3000, rng=np.random.default_rng(2))
    score = 5 + 3 * trend(cells)
    # Of 3,000 architectures two that tell of no slope take away a thousandth.
    assert beyond.slope(cells, score, np.ones(3000)) == pytest.approx(1.5 * 300 / 3300, rel=0.002)
    assert 0.4 * 3 < beyond.slope(cells[:60], score[:60], np.ones(60)) < 0.5 * 3


def test_one_label_has_no_slope() -> None:
    assert beyond.slope(CELLS[:1], np.array([1.0]), np.ones(1)) == 0


def test_labels_without_weight_tell_of_no_slope() -> None:
    told = np.repeat([1.0, 0.0], 25)
    score = 3 * trend(CELLS)
    misleading = np.where(told > 0, score, -score)
    assert beyond.slope(CELLS, misleading, 2 * told) == pytest.approx(beyond.slope(CELLS, score, 2 * told))
