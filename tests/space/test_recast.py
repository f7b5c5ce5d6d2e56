"""The same cells under the operations of another space."""

from __future__ import annotations

import numpy as np

from surrogate_nas.space import NATS_SIZE, NB201, TRANSNAS
from surrogate_nas.space.base import Decision
from surrogate_nas.space.joint import JointSpace
from surrogate_nas.space.recast import recast


def test_a_cell_keeps_its_text() -> None:
    cells = TRANSNAS.sample(50, rng=np.random.default_rng(0))
    there = recast(cells, NB201)
    assert there is not None
    assert there.space is NB201
    assert there.texts == cells.texts


def test_a_cell_of_the_space_itself_is_left_alone() -> None:
    cells = NB201.sample(3, rng=np.random.default_rng(0))
    assert recast(cells, NB201) is cells


def test_settings_beside_a_cell_are_left_out() -> None:
    joint = JointSpace(TRANSNAS, (Decision("rate", ("low", "high")),), (True,))
    pairs = joint.sample(5, rng=np.random.default_rng(0))
    cells = recast(pairs, NB201)
    assert cells is not None
    assert cells.texts == joint.architectures(pairs).texts


def test_what_the_space_cannot_say_is_none() -> None:
    assert recast(NB201.sample(3, rng=np.random.default_rng(0)), TRANSNAS) is None
    assert recast(NATS_SIZE.sample(3, rng=np.random.default_rng(0)), NB201) is None
