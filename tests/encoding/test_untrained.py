"""What untrained networks tell of cells, as the package ships it."""

from __future__ import annotations

import numpy as np
import pytest

from surrogate_nas.encoding.untrained import FINISHED, RAW, finished, read, untrained
from surrogate_nas.space import NB201, TRANSNAS, Population
from surrogate_nas.verification.untrained import STATISTICS
from tests.encoding.other_space import OTHER


def test_every_statistic_is_standardised_over_the_classes() -> None:
    statistics = untrained(NB201.representatives())
    assert statistics.shape == (4930, len(STATISTICS))
    assert statistics.mean(axis=0) == pytest.approx(0, abs=1e-3)  # float32
    assert statistics.std(axis=0) == pytest.approx(1, abs=1e-3)


def test_what_is_shipped_finished_is_made_of_what_is_shipped_raw() -> None:
    assert finished(read(RAW)) == pytest.approx(read(FINISHED), abs=1e-5)  # float32, of values up to 10


def test_equal_functions_have_equal_statistics(everything: Population) -> None:
    statistics = untrained(everything)
    _, first, member = np.unique(everything.key, return_index=True, return_inverse=True)
    assert np.array_equal(statistics, statistics[first][member])


def test_a_cell_of_another_space_has_those_of_its_function() -> None:
    cell = "|nor_conv_3x3~0|+|nor_conv_3x3~0|skip_connect~1|+|skip_connect~0|nor_conv_1x1~1|nor_conv_3x3~2|"
    assert np.array_equal(untrained(TRANSNAS.parse(cell)), untrained(NB201.parse(cell)))


def test_of_what_is_no_such_cell_nothing_is_known() -> None:
    assert untrained(OTHER.enumerate()).shape == (6, 0)
