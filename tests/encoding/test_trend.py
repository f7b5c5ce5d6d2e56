"""How large an architecture is among those of its space."""

from __future__ import annotations

import numpy as np
import pytest

from surrogate_nas.encoding.trend import trend
from surrogate_nas.space import NB201, get_space
from surrogate_nas.space.base import Decision
from surrogate_nas.space.joint import JointSpace

SPACES = ["nb201", "transnas", "nats-size"]


@pytest.mark.parametrize("name", SPACES)
def test_over_a_space_it_has_mean_zero_and_deviation_one(name: str) -> None:
    values = trend(get_space(name).sample(4000, rng=np.random.default_rng(0)))
    assert values.mean() == pytest.approx(0, abs=0.1)  # five standard errors of 4,000 and 20,000 draws
    assert values.std() == pytest.approx(1, abs=0.1)


def test_twice_the_flops_add_the_same_anywhere() -> None:
    cells = NB201.parse(
        [
            "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|",
            "|none~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|",
            "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|nor_conv_3x3~2|",
        ]
    )
    # A network without cells has 7,783,050 FLOPs; each convolution of 3x3 adds 15 * 9 * 16**2 * 32**2.
    known = np.log(7_783_050 + 15 * 9 * 16**2 * 32**2 * np.array([0, 1, 3]))
    values = trend(cells)
    assert np.diff(values) / np.diff(known) == pytest.approx((values[2] - values[0]) / (known[2] - known[0]))


def test_what_computes_nothing_does_not_count() -> None:
    alive, dead = (
        NB201.parse([f"|{edge}~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|"]) for edge in ("none", "nor_conv_3x3")
    )
    assert trend(alive) == trend(dead)


@pytest.mark.parametrize("name", SPACES)
def test_settings_beside_an_architecture_do_not_count(name: str) -> None:
    space = JointSpace(get_space(name), (Decision("rate", ("0.1", "1")),), (True,))
    population = space.sample(50, rng=np.random.default_rng(0))
    assert np.array_equal(trend(population), trend(space.architectures(population)))
