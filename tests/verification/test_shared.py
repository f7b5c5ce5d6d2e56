"""Trainings that take turns on one device: each as it would be alone."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from surrogate_nas.errors import DataError
from surrogate_nas.verification.data import digits
from surrogate_nas.verification.executor import Epoch, Failure, Job, Work
from surrogate_nas.verification.shared import SharedExecutor
from surrogate_nas.verification.trainer import Training
from tests.verification.small import CELLS, TINY, few_digits

JOBS = [Job(cell, seed) for cell in CELLS for seed in (1, 2)]


def test_each_training_gives_what_it_gives_alone_however_many_take_turns() -> None:
    together = list(SharedExecutor().run(JOBS, Work(few_digits, TINY)))
    in_pairs = list(SharedExecutor().run(JOBS, Work(few_digits, TINY), workers=2))
    assert sum(isinstance(event, Epoch) for event in together) == len(JOBS) * TINY.epochs
    found = [
        {(e.architecture, e.seed): (e.losses, e.accuracy) for e in events if isinstance(e, Training)}
        for events in (together, in_pairs)
    ]
    assert found[0] == found[1]
    assert len(found[0]) == len(JOBS)


def test_a_failure_is_one_and_threads_are_as_before() -> None:
    before = torch.get_num_threads()
    events = list(SharedExecutor().run(JOBS[:1], Work(few_digits, replace(TINY, learning_rate=1e30))))
    (failure,) = (event for event in events if isinstance(event, Failure))
    assert failure.final
    assert torch.get_num_threads() == before


def test_images_that_cannot_be_trained_on_end_everything() -> None:
    with pytest.raises(DataError, match="a canvas is at least 8 pixels"):
        list(SharedExecutor().run(JOBS, Work(partial(digits, canvas=4), TINY)))


def test_closing_leaves_a_checkpoint_of_each(tmp_path: Path) -> None:
    events = SharedExecutor().run(JOBS, Work(few_digits, replace(TINY, epochs=100_000), folder=tmp_path))
    next(events)
    events.close()
    assert len(list((tmp_path / "checkpoints").glob("*.npz"))) == len(JOBS)
