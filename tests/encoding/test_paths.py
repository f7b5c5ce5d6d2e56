"""The path encoding of BANANAS."""

from __future__ import annotations

import numpy as np
import pytest

from surrogate_nas.encoding.paths import path_encoding
from surrogate_nas.errors import SettingError
from surrogate_nas.space import NATS_SIZE, NB201

# Of NAS-Bench-201's operations without none: skip_connect 0, nor_conv_1x1 1, nor_conv_3x3 2, avg_pool_3x3 3.
SKIP_THEN_3X3 = "|skip_connect~0|+|none~0|none~1|+|none~0|nor_conv_3x3~1|none~2|"


def test_a_single_path_of_two_operations_is_a_single_one() -> None:
    (row,) = path_encoding(NB201.parse(SKIP_THEN_3X3))
    assert len(row) == 4 + 16 + 64
    assert np.flatnonzero(row).tolist() == [4 + 0 * 4 + 2]  # after the paths of length 1: skip, then 3x3


def test_all_four_paths_of_a_full_cell_count() -> None:
    text = "|nor_conv_1x1~0|+|skip_connect~0|avg_pool_3x3~1|+|nor_conv_3x3~0|skip_connect~1|nor_conv_1x1~2|"
    (row,) = path_encoding(NB201.parse(text))
    lengths_2 = [4 + 4 * 1 + 0, 4 + 4 * 0 + 1]  # 0-1-3: 1x1, skip; 0-2-3: skip, 1x1
    assert np.flatnonzero(row).tolist() == sorted([2, *lengths_2, 20 + 16 * 1 + 4 * 3 + 1])


def test_a_cell_of_zeros_has_no_path() -> None:
    assert path_encoding(NB201.at(np.array([0]))).sum() == 0


def test_a_space_without_cells_is_refused() -> None:
    with pytest.raises(SettingError, match="defined for cells"):
        path_encoding(NATS_SIZE.at(np.array([0])))
