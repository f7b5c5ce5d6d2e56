"""The micro cell of TransNAS-Bench-101: NAS-Bench-201's with four operations."""

from __future__ import annotations

import numpy as np
import pytest

from surrogate_nas.errors import InvalidArchitectureError
from surrogate_nas.space import NB201, TRANSNAS, get_space

POOLED = "|avg_pool_3x3~0|+|none~0|none~1|+|none~0|none~1|none~2|"


def test_space_has_4096_architectures_each_one_of_nas_bench_201() -> None:
    everything = TRANSNAS.enumerate()
    assert len(everything) == TRANSNAS.size == 4**6
    assert TRANSNAS.parse(everything.texts) == everything
    assert NB201.parse(everything.texts).texts == everything.texts
    assert get_space("transnas") is TRANSNAS


def test_pooling_is_no_operation_of_it() -> None:
    assert NB201.parse(POOLED).text == POOLED
    with pytest.raises(InvalidArchitectureError, match="op one of none, skip_connect, nor_conv_1x1, nor_conv_3x3"):
        TRANSNAS.parse(POOLED)


def test_classes_of_equal_function_are_those_of_nas_bench_201() -> None:
    everything = TRANSNAS.enumerate()
    pairs = set(zip(everything.key.tolist(), NB201.parse(everything.texts).key.tolist(), strict=True))
    assert len(pairs) == len(np.unique(everything.key)) == 871
