"""What more training images do: the error falls by a power of the FLOPs, and the order of validation is bent by it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surrogate_nas.encoding.costs import flops
from surrogate_nas.predictor import Prediction
from surrogate_nas.predictor.growth import EXPONENT, grown
from surrogate_nas.space import NB201, SearchSpace, get_space

EMPTY = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
ONE_CONVOLUTION = "|none~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|"
POOLED = "|none~0|+|none~0|none~1|+|avg_pool_3x3~0|none~1|none~2|"
DEAD_CONVOLUTION = "|nor_conv_3x3~0|+|none~0|none~1|+|avg_pool_3x3~0|none~1|none~2|"


def test_the_error_falls_by_a_power_of_the_flops() -> None:
    cells = NB201.parse([EMPTY, ONE_CONVOLUTION])
    said = grown(Prediction(np.array([10.0, 90.0]), np.array([1.0, 0.5])), cells, growth=4)
    # A network without cells has 7,783,050 FLOPs; a 3x3 convolution has 9 * 16**2 * 32**2 in each of the five cells of
    # each of three stages. Four times the images are two doublings.
    factor = (1 + 15 * 9 * 16**2 * 32**2 / 7_783_050) ** (-2 * EXPONENT)
    np.testing.assert_allclose(said.mean, [10.0, 100 - 10 * factor], rtol=1e-12)
    np.testing.assert_allclose(said.std, [1.0, 0.5 * factor], rtol=1e-12)


def test_what_computes_nothing_gains_nothing() -> None:
    cells = NB201.parse([POOLED, DEAD_CONVOLUTION])
    said = grown(Prediction(np.array([60.0, 60.0]), np.ones(2)), cells, growth=2)
    assert said.mean.tolist() == [60.0, 60.0]


@pytest.mark.parametrize("name", ["nb201", "transnas", "nats-size"])
def test_the_smallest_architecture_of_a_space_gains_nothing(name: str) -> None:
    space: SearchSpace = get_space(name)
    population = space.sample(500, rng=np.random.default_rng(0))
    said = grown(Prediction(np.full(500, 50.0), np.ones(500)), population, growth=2)
    cost = flops(space.represent(population))
    assert (said.mean >= 50).all()
    assert (np.diff(said.mean[np.argsort(cost)]) >= 0).all()


@given(accuracy=st.floats(0, 100), row=st.integers(0, NB201.size - 1), growth=st.floats(1, 1000))
def test_accuracies_remain_percentages_and_growth_can_be_undone(accuracy: float, row: int, growth: float) -> None:
    cell, before = NB201.at(np.array([row])), Prediction(np.array([accuracy]), np.ones(1))
    after = grown(before, cell, growth=growth)
    assert accuracy - 1e-9 <= after.mean[0] <= 100
    back = grown(after, cell, growth=1 / growth)
    np.testing.assert_allclose(back.mean, before.mean, atol=1e-9)  # of rounding, in percent
    np.testing.assert_allclose(back.std, before.std)


def test_the_same_images_change_nothing() -> None:
    before = Prediction(np.array([50.0]), np.ones(1))
    assert grown(before, NB201.parse([ONE_CONVOLUTION]), growth=1) is before
