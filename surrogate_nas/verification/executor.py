"""What runs many trainings: jobs go in; what happens to them comes out, as it happens.

An executor decides where trainings run; what they compute is the same everywhere. `local`, `ray_cluster` and `slurm`
hold one each.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import torch

from surrogate_nas.errors import DivergedError, SettingError, SurrogateNASError, TrainingError
from surrogate_nas.space.population import Population
from surrogate_nas.verification.checkpoint import Checkpoint
from surrogate_nas.verification.data import ImageTask
from surrogate_nas.verification.recipe import Recipe
from surrogate_nas.verification.trainer import Training, train


@dataclass(frozen=True)
class Job:
    """One training to run: an architecture (a Population of one) and a seed."""

    architecture: Population
    seed: int


@dataclass(frozen=True)
class Epoch:
    """A training has finished an epoch.

    Attributes:
        architecture: text of the architecture.
        seed: of the training.
        epoch: how many epochs are finished, from 1.
        loss: mean training loss of the last of them.
    """

    architecture: str
    seed: int
    epoch: int
    loss: float


@dataclass(frozen=True)
class Failure:
    """A training that ended without a result.

    Attributes:
        architecture: text of the architecture.
        seed: of the training.
        reason: one sentence.
        final: whether the training would end so again, so that resuming a run does not repeat it.
    """

    architecture: str
    seed: int
    reason: str
    final: bool = False

    @classmethod
    def of(cls, job: Job, error: SurrogateNASError) -> Failure:
        """Return the failure of a training that ended with an error; only divergence would end so again."""
        return cls(job.architecture.text, job.seed, str(error), final=isinstance(error, DivergedError))


Event = Epoch | Training | Failure


@dataclass
class Work:
    """What all trainings of a run share.

    Attributes:
        make_task: makes the images, once in each process; picklable.
        recipe: how to train.
        device: the torch device of each training; "auto" for the GPU where the training runs, if there is one.
        precision: of the arithmetic; see ``train``.
        compiled: let torch.compile fuse the network's kernels; None for where it pays.
        folder: of the run, where checkpoints lie until the trainings have ended; None to write none.
        checkpoint_every: epochs between two checkpoints.
    """

    make_task: Callable[[], ImageTask]
    recipe: Recipe
    device: str = "auto"
    precision: str = "fp32"
    compiled: bool | None = None
    folder: Path | None = None
    checkpoint_every: int = 1

    @cached_property
    def task(self) -> ImageTask:
        """The images, made for the first training, so that bad ones fail it."""
        return self.make_task()

    def checkpoint(self, job: Job) -> Checkpoint | None:
        """Return where a training leaves its state, None where there is no folder."""
        if self.folder is None:
            return None
        name = f"{int(job.architecture.index[0])}-seed{job.seed}.npz"
        return Checkpoint(self.folder / "checkpoints" / name, self.checkpoint_every)

    def do(
        self, job: Job, report: Callable[[Epoch], None], stop: Callable[[], bool] | None = None
    ) -> Training | Failure:
        """Run one training in this process, with one thread, and report each epoch.

        One thread a training makes the result independent of how many run at once, and two trainings fill two cores
        better than one training with two threads.

        Args:
            job: what to train.
            report: is given each finished epoch.
            stop: asked after each step whether to stop.

        Raises:
            DataError: the images cannot be trained on.
            SettingError: there is no such device or precision.
            CheckpointError: a checkpoint is damaged, of another run or of another version.
            StoppedError: ``stop`` said so.
        """
        torch.set_num_threads(1)
        text = job.architecture.text
        try:
            return train(
                job.architecture,
                self.task,
                self.recipe,
                seed=job.seed,
                device=resolved_device(self.device),
                precision=self.precision,
                compiled=self.compiled,
                checkpoint=self.checkpoint(job),
                stop=stop,
                on_epoch=lambda epoch, loss: report(Epoch(text, job.seed, epoch + 1, loss)),
            )
        except TrainingError as error:
            return Failure.of(job, error)


class Executor(Protocol):
    """Where trainings run."""

    def run(self, jobs: Sequence[Job], work: Work, *, workers: int | None) -> Generator[Event, None, None]:
        """Run every job, and yield what happens to them until each has given a Training or a Failure.

        A job that fails does not end the others. When the iterator is closed, what still runs is ended.

        Args:
            jobs: what to train; no two alike.
            work: what they share.
            workers: trainings at the same time; None for as many as there is room for.

        Raises:
            DataError: the images cannot be trained on.
            SettingError: there is no such device.
        """
        ...


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
