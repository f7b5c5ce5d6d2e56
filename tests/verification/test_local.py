"""Processes of this machine: each training for itself, whatever becomes of the others."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from surrogate_nas.errors import DataError, SettingError
from surrogate_nas.verification.data import ImageTask, digits
from surrogate_nas.verification.executor import Epoch, Event, Failure, Job, Work
from surrogate_nas.verification.local import LocalExecutor
from surrogate_nas.verification.trainer import Training, train
from tests.verification.small import CELLS, TINY, few_digits

JOBS = [Job(cell, seed) for cell in CELLS for seed in (1, 2)]


def killed_once(parent: int, path: str) -> ImageTask:
    """Return images, but kill the first worker process that asks for them, as a system short of memory does."""
    try:
        with open(path, "x"):
            os.kill(os.getpid(), signal.SIGKILL)
    except FileExistsError:
        return few_digits()
    raise AssertionError("unreachable")


@pytest.fixture
def one_thread() -> Iterator[None]:
    """This process computes with one thread, as workers do."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def run(work: Work, **options: int) -> list[Event]:
    return list(LocalExecutor().run(JOBS, work, **options))


@pytest.mark.usefixtures("one_thread")
def test_each_job_reports_its_epochs_and_then_what_a_training_alone_gives() -> None:
    events = run(Work(few_digits, TINY), workers=2)
    for job in JOBS:
        *epochs, last = (e for e in events if (e.architecture, e.seed) == (job.architecture.text, job.seed))
        alone = train(job.architecture, few_digits(), TINY, seed=job.seed)
        assert isinstance(last, Training)
        assert (last.losses, last.accuracy) == (alone.losses, alone.accuracy)
        assert epochs == [
            Epoch(job.architecture.text, job.seed, number, loss) for number, loss in enumerate(alone.losses, start=1)
        ]


def test_a_killed_process_fails_its_training_alone(tmp_path: Path) -> None:
    events = run(Work(partial(killed_once, os.getpid(), f"{tmp_path}/killed"), TINY), workers=1)
    (failure,) = (event for event in events if isinstance(event, Failure))
    assert failure.reason.endswith("was ended by SIGKILL, as happens when memory runs out; use fewer workers.")
    assert not failure.final
    assert sum(isinstance(event, Training) for event in events) == len(JOBS) - 1


def test_images_that_cannot_be_trained_on_end_everything_with_their_own_sentence() -> None:
    with pytest.raises(DataError, match="a canvas is at least 8 pixels"):
        run(Work(partial(digits, canvas=4), TINY), workers=2)


def test_a_device_that_is_not_there_is_told_before_anything_starts() -> None:
    with pytest.raises(SettingError, match="device must be auto, cpu or a torch device of this machine, got 'tpu9'"):
        run(Work(few_digits, TINY, device="tpu9"))


def test_closing_the_iterator_ends_the_processes_and_leaves_checkpoints(tmp_path: Path) -> None:
    long = replace(TINY, epochs=100_000)
    events = LocalExecutor().run(JOBS, Work(few_digits, long, folder=tmp_path), workers=2)
    next(events)
    events.close()
    assert list((tmp_path / "checkpoints").glob("*.npz"))
    assert multiprocessing.active_children() == []
