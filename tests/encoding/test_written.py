"""Architectures as they are written."""

from __future__ import annotations

import numpy as np

from surrogate_nas.encoding.written import COUNTED, WRITTEN, written
from surrogate_nas.space import NATS_SIZE, NB201

DEAD, EMPTY = NB201.parse(
    [
        "|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|",
        "|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|",
    ]
)


def test_what_computes_nothing_is_counted() -> None:
    assert DEAD.key == EMPTY.key
    difference = (written(DEAD) - written(EMPTY))[0]
    assert difference[2] == np.sqrt(COUNTED)  # one more 3x3 convolution
    assert difference[4 + 2] == np.sqrt(WRITTEN)  # on the first edge
    assert not difference[4 + 24 : 4 + 48].any()  # which is not live


def test_counts_add_up_over_decisions() -> None:
    cells = NB201.sample(50, rng=np.random.default_rng(0))
    expected = np.stack([(cells.decisions == option).sum(axis=1) for option in range(1, 5)], axis=1)
    np.testing.assert_allclose(written(cells)[:, :4] / np.sqrt(COUNTED), expected)


def test_every_space_has_them() -> None:
    chains = NATS_SIZE.sample(20, rng=np.random.default_rng(0))
    assert written(chains).shape[0] == 20
