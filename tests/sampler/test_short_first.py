"""Short trainings first: what is trained long was trained short, and promises most."""

from __future__ import annotations

import numpy as np
import pytest

from surrogate_nas.sampler.base import History
from surrogate_nas.sampler.short_first import ShortFirst
from surrogate_nas.space import NB201, Decision, JointSpace, Population, concatenate

SPACE = JointSpace(NB201, (Decision("epochs", ("2", "20")),), (True,))
CELLS = NB201.at(np.arange(0, NB201.size, 40))
MERIT = 40.0 + 8.0 * np.isin(CELLS.decisions, (2, 3)).sum(axis=1)


def pairs(level: int, cells: Population = CELLS) -> Population:
    return SPACE.join(cells, np.full((len(cells), 1), level, dtype=np.int8))


CANDIDATES = concatenate([pairs(0), pairs(1)])


def asked(short: np.ndarray, n: int, *, starts: int = 8) -> list[tuple[int, int]]:
    """Return the cell and the level of each of n proposals, told one after another."""
    told: list[tuple[int, int]] = []
    for turn in range(n):
        measured = concatenate([pairs(0)[:0], *(pairs(level)[cell] for cell, level in told)])
        values = np.array([(short, MERIT)[level][cell] for cell, level in told])
        proposal = ShortFirst(starts=starts).ask(
            1, History(CANDIDATES, measured, values), rng=np.random.default_rng(turn)
        )
        cell = int(np.flatnonzero(CELLS.isin(SPACE.architectures(proposal)))[0])
        told.append((cell, int(SPACE.levels(proposal)[0, 0])))
    return told


def test_nothing_is_trained_long_that_was_not_trained_short_and_nothing_twice() -> None:
    told = asked(MERIT - 20.0, 40)
    assert len(set(told)) == 40
    assert [level for _, level in told[:8]] == [0] * 8
    assert all((cell, 0) in told[:at] for at, (cell, level) in enumerate(told) if level == 1)


def test_short_trainings_that_tell_the_order_lead_to_the_best_at_once() -> None:
    told = asked(MERIT - 20.0, 40)
    first_long = next(cell for cell, level in told if level == 1)
    assert MERIT[first_long] == MERIT.max()


def test_short_trainings_that_mislead_are_found_out() -> None:
    told = asked(110.0 - MERIT, 80)
    assert max(MERIT[cell] for cell, level in told if level == 1) == MERIT.max()


def test_trainings_that_all_end_alike_are_no_obstacle() -> None:
    told = asked(np.full(len(CELLS), 10.0), 14)
    assert len(set(told)) == 14


def test_what_is_being_trained_or_failed_is_left_alone() -> None:
    told = pairs(0)[np.arange(12)]
    values = np.where(np.arange(12) == 3, np.nan, MERIT[:12] - 20.0)
    proposals = ShortFirst(starts=8).ask(30, History(CANDIDATES, told, values), rng=np.random.default_rng(0))
    assert not CELLS[3].isin(SPACE.architectures(proposals[:20]))[0]
    assert not proposals.isin(told).any()


@pytest.mark.parametrize("missing", [0, 5])
def test_a_batch_holds_different_pairs(missing: int) -> None:
    history = History(CANDIDATES, pairs(0)[np.arange(8 - missing)], MERIT[: 8 - missing])
    proposals = ShortFirst(starts=8).ask(4, history, rng=np.random.default_rng(0))
    assert len(np.unique(proposals.index)) == 4
