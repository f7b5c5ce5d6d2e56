"""Cells together with those around them."""

from __future__ import annotations

import numpy as np
import pytest

from surrogate_nas.encoding.neighbourhood import HOPS, _steps, heard
from surrogate_nas.space import TRANSNAS

CLASSES = TRANSNAS.representatives().index


def test_a_step_leads_to_the_cells_that_differ_in_one_decision() -> None:
    chosen = CLASSES[100]
    equal = TRANSNAS.enumerate()[TRANSNAS.represent(TRANSNAS.enumerate()).index == chosen]
    around = TRANSNAS.represent(TRANSNAS.neighbours(equal)).index
    expected = [(around == one).mean() for one in CLASSES]
    assert _steps(TRANSNAS)[[100]].toarray()[0] == pytest.approx(np.array(expected))


def test_what_is_the_same_everywhere_stays() -> None:
    assert heard(np.full((len(CLASSES), 2), 3.0), TRANSNAS) == pytest.approx(3)


def test_each_distance_counts_as_much_as_the_cell_itself() -> None:
    alone = np.eye(len(CLASSES))[:, [100]]
    step = _steps(TRANSNAS).toarray()
    expected = sum(np.linalg.matrix_power(step, hops) for hops in range(HOPS + 1)) @ alone / (HOPS + 1)
    assert heard(alone, TRANSNAS) == pytest.approx(expected)
