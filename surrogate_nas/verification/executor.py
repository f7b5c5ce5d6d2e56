"""Run many trainings, several at a time, each in a process of its own with one thread.

One thread a training makes the result independent of the number of workers, and two trainings fill two cores better
than one training with two threads.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cached_property
from multiprocessing import connection, get_context, parent_process

import torch

from surrogate_nas.errors import SettingError, TrainingError
from surrogate_nas.space.population import Population
from surrogate_nas.verification.data import ImageTask
from surrogate_nas.verification.recipe import Recipe
from surrogate_nas.verification.trainer import Training, train


@dataclass(frozen=True)
class Job:
    """One training to run: an architecture (a Population of one) and a seed."""

    architecture: Population
    seed: int


@dataclass(frozen=True)
class Failure:
    """A training that ended without a result, and why."""

    architecture: str
    seed: int
    reason: str


def available_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def resolved_device(device: str) -> str:
    """Return a torch device; "auto" stands for the GPU where there is one, and for the CPU elsewhere.

    Raises:
        SettingError: there is no such device.
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:  # PyTorch asserts that it was built with CUDA
        raise SettingError(f"device must be auto, cpu or a torch device of this machine, got {device!r}.") from error
    return device


def run_trainings(
    jobs: Sequence[Job],
    make_task: Callable[[], ImageTask],
    recipe: Recipe,
    *,
    workers: int | None = None,
    device: str = "auto",
) -> Iterator[Training | Failure]:
    """Train every job and yield what each gave, in the order in which they finish.

    Args:
        jobs: what to train.
        make_task: makes the images, once in each worker; must be picklable.
        recipe: how to train.
        workers: trainings at the same time; None for one a core.
        device: the torch device of all trainings; "auto" for the GPU where there is one.

    A training that diverges or exhausts memory or disk yields a Failure; the others go on.

    Raises:
        DataError: the images cannot be trained on.
        SettingError: there is no such device.
    """
    if not jobs:
        return
    workers = max(1, min(workers or available_cores(), len(jobs)))
    pool = ProcessPoolExecutor(
        workers,
        mp_context=get_context("spawn"),
        initializer=_prepare,
        initargs=(make_task, recipe, resolved_device(device)),
    )
    try:
        for future in as_completed([pool.submit(_run, job) for job in jobs]):
            yield future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@dataclass
class Worker:
    """What a worker process trains on, how, and where; images are made for the first job, so that bad ones fail it."""

    make_task: Callable[[], ImageTask]
    recipe: Recipe
    device: str

    @cached_property
    def task(self) -> ImageTask:
        """The images, made once."""
        return self.make_task()


_worker: Worker  # of a worker process


def _prepare(make_task: Callable[[], ImageTask], recipe: Recipe, device: str) -> None:
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which ends its workers
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    _worker = Worker(make_task, recipe, device)


def _end_with_parent() -> None:
    """End this worker when its parent was killed, so that no training runs on unseen."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _run(job: Job) -> Training | Failure:
    try:
        return train(job.architecture, _worker.task, _worker.recipe, seed=job.seed, device=_worker.device)
    except TrainingError as error:
        return Failure(job.architecture.text, job.seed, str(error))
