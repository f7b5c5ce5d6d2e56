"""Threshold codes: where thresholds lie, and that only the fitted part sets them."""

from __future__ import annotations

import numpy as np
import pytest

from surrogate_nas.encoding.features import features
from surrogate_nas.encoding.neighbourhood import heard
from surrogate_nas.encoding.thresholds import ThresholdCode, space_code, surroundings
from surrogate_nas.space import NATS_SIZE, NB201, TRANSNAS


def test_a_yes_or_no_feature_has_one_threshold_in_between() -> None:
    code = ThresholdCode.fit(np.array([[0], [0], [0], [1]], dtype=np.float32))
    assert code.columns.tolist() == [0]
    assert code.thresholds.tolist() == [0.5]
    # Answers 0, 0, 0, 1 have mean 1/4 and variance 3/16.
    expected = np.array([-1, -1, -1, 3]) / np.sqrt(3)
    assert code(np.array([[0], [0], [0], [1]], dtype=np.float32))[:, 0] == pytest.approx(expected)


def test_thresholds_lie_halfway_between_consecutive_quantiles() -> None:
    # Of 1 to 100 the quantiles at 5 %, 15 %, ... 95 % are 5, 15, ... 95.
    code = ThresholdCode.fit(np.arange(1, 101, dtype=np.float32)[:, None])
    assert code.thresholds.tolist() == [10, 20, 30, 40, 50, 60, 70, 80, 90]


def test_a_feature_that_hardly_ever_differs_drops_out() -> None:
    features = np.zeros((100, 2), dtype=np.float32)
    features[0, 0], features[:50, 1] = 1, 1
    assert ThresholdCode.fit(features).columns.tolist() == [1]


def test_a_code_is_standardised_where_it_was_fitted() -> None:
    features = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    coded = ThresholdCode.fit(features)(features)
    assert coded.mean(axis=0) == pytest.approx(0, abs=1e-12)
    assert coded.std(axis=0) == pytest.approx(1)


def test_one_architecture_leaves_nothing_to_tell_apart() -> None:
    code = ThresholdCode.fit(np.ones((1, 4), dtype=np.float32))
    assert code(np.arange(8, dtype=np.float32).reshape(2, 4)).shape == (2, 0)


def test_a_code_is_rebuilt_from_its_numbers() -> None:
    features = np.random.default_rng(0).normal(size=(30, 3)).astype(np.float32)
    code = ThresholdCode.fit(features)
    assert (ThresholdCode.of(code.numbers())(features) == code(features)).all()


def test_the_code_of_a_space_needs_no_measurement_and_is_the_same_every_time() -> None:
    code = space_code(NB201)
    space_code.cache_clear()
    assert np.array_equal(space_code(NB201).numbers(), code.numbers())


def test_surroundings_are_the_code_averaged_over_the_cells_around() -> None:
    cells = TRANSNAS.representatives()
    expected = heard(space_code(TRANSNAS)(features(cells)), TRANSNAS)
    assert surroundings(cells[7:9]) == pytest.approx(expected[7:9], abs=1e-5)


def test_what_is_no_cell_has_no_surroundings() -> None:
    chains = NATS_SIZE.sample(5, rng=np.random.default_rng(0))
    assert surroundings(chains) == pytest.approx(space_code(NATS_SIZE)(features(chains)), abs=1e-5)
