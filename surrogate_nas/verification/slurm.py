"""Trainings as jobs of a Slurm cluster, submitted with submitit."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass
from getpass import getuser
from pathlib import Path
from typing import Any

from surrogate_nas.errors import SettingError
from surrogate_nas.extras import require
from surrogate_nas.journal import append, read
from surrogate_nas.verification.executor import Epoch, Event, Failure, Job, Work
from surrogate_nas.verification.trainer import Training

POLL_SECONDS = 2.0  # between two looks at the jobs; submitit itself asks Slurm less often
QUEUE_SECONDS = 30.0  # between two looks at Slurm's queue, and what a shared file system may need to show a result


@dataclass(frozen=True)
class SlurmExecutor:
    """Runs each training as a job of a Slurm array; one that is preempted or runs out of time goes on in a new job.

    The nodes share the run folder, where submitit keeps its scripts and logs, and have this package.

    Attributes:
        partition: of Slurm; None for its default.
        minutes: time limit of a job; a training that needs longer goes on from its checkpoint.
        cpus: cores of a job.
        gpus: GPUs of a job.
        memory_gb: memory of a job in gigabytes; None for Slurm's default.
        restarts: how often a training may run out of time.
        cluster: "slurm"; or "local" for processes of this machine that submitit runs the same way.

    Raises:
        MissingExtraError: submitit is not installed.
        SettingError: a number is too small.
    """

    partition: str | None = None
    minutes: int = 240
    cpus: int = 1
    gpus: int = 0
    memory_gb: int | None = None
    restarts: int = 10
    cluster: str = "slurm"

    def __post_init__(self) -> None:
        require("submitit", extra="slurm", wanted_by="executor=slurm")
        for name, least in (("minutes", 1), ("cpus", 1), ("gpus", 0), ("restarts", 0)):
            if not getattr(self, name) >= least:
                raise SettingError(f"executor.{name} must be at least {least}, got {getattr(self, name)}.")

    def run(self, jobs: Sequence[Job], work: Work, *, workers: int | None = None) -> Generator[Event, None, None]:
        """Run every job; see ``Executor``. There is room for what Slurm grants.

        Raises:
            SettingError: there is no folder, or Slurm does not take the jobs.
        """
        if work.folder is None:
            raise SettingError("executor=slurm needs a run folder that all nodes share; give folder=FOLDER.")
        if not jobs:
            return
        folder = work.folder.resolve() / "slurm"
        training = TrainingJob(work, folder)
        running = list(zip(self._submit(training, jobs, workers, folder), jobs, strict=True))
        told = dict.fromkeys(jobs, 0)
        queue = Queue() if self.cluster == "slurm" else None
        try:
            while running:
                time.sleep(POLL_SECONDS)
                lost = queue.lost([submitted.job_id for submitted, _ in running]) if queue else ()
                for submitted, job in tuple(running):
                    ended = submitted.done()  # asked before reading, so that no epoch is missed
                    epochs = read(training.progress(job))
                    yield from (Epoch(**epoch) for epoch in epochs[told[job] :])
                    told[job] = len(epochs)
                    if ended or submitted.job_id in lost:
                        running.remove((submitted, job))
                        yield _result(submitted, job) if ended else _failure(job, f"it left no result in {folder}")
        finally:
            for submitted, _ in running:
                submitted.cancel()

    def _submit(self, training: TrainingJob, jobs: Sequence[Job], workers: int | None, folder: Path) -> list[Any]:
        """Return the jobs that submitit has queued, one for each training."""
        import submitit

        new = not folder.exists()
        try:
            executor = submitit.AutoExecutor(folder=folder, cluster=self.cluster, slurm_max_num_timeout=self.restarts)
            executor.update_parameters(
                name="surrogate-nas",
                timeout_min=self.minutes,
                cpus_per_task=self.cpus,
                gpus_per_node=self.gpus,
                mem_gb=self.memory_gb,
                slurm_partition=self.partition,
                slurm_array_parallelism=workers or len(jobs),
            )
            for job in jobs:
                training.progress(job).unlink(missing_ok=True)  # of an earlier run in this folder
            submitted: list[Any] = executor.map_array(training, jobs)
        except (RuntimeError, submitit.core.utils.FailedJobError) as error:
            if new:  # scripts of jobs that will never be
                shutil.rmtree(folder, ignore_errors=True)
            raise SettingError(f"Slurm does not take the trainings: {' '.join(str(error).split())}") from error
        return submitted


@dataclass
class TrainingJob:
    """What a node does with a job; submitit carries it there, and starts it again after a preemption.

    Attributes:
        work: what the trainings share.
        folder: of submitit's files, where the trainings write how far they are, too.
    """

    work: Work
    folder: Path

    def __call__(self, job: Job) -> Training | Failure:
        """Run one training."""
        return self.work.do(job, lambda epoch: append(self.progress(job), asdict(epoch)))

    def checkpoint(self, job: Job) -> Any:
        """Return what is to be run when Slurm ends a job early: the same, which goes on from its checkpoint."""
        import submitit

        return submitit.helpers.DelayedSubmission(self, job)

    def progress(self, job: Job) -> Path:
        """Return the file to which a training writes its epochs."""
        return self.folder / f"{int(job.architecture.index[0])}-seed{job.seed}.epochs"


class Queue:
    """Slurm's queue: where a cluster keeps no accounts, nothing else tells that a job was killed."""

    def __init__(self) -> None:
        self._asked = time.monotonic()
        self._missing: set[str] = set()
        self._lost: set[str] = set()

    def lost(self, numbers: Sequence[str]) -> set[str]:
        """Return which jobs were not in the queue the last two times that it was looked at."""
        if time.monotonic() - self._asked >= QUEUE_SECONDS:
            self._asked = time.monotonic()
            command = ("squeue", "--noheader", "--array", "--format=%i", f"--user={getuser()}")
            told = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 (no input in it)
            if told.returncode == 0:  # otherwise Slurm itself is away for a while
                missing = set(numbers) - set(told.stdout.split())
                self._lost, self._missing = missing & self._missing, missing
        return self._lost


def _result(submitted: Any, job: Job) -> Training | Failure:
    """Return what a job gave, or the failure of its training if it ended without a result."""
    import submitit

    try:
        result: Training | Failure = submitted.result()
    except (submitit.core.utils.UncompletedJobError, submitit.core.utils.FailedJobError) as error:
        return _failure(job, str(error).strip().splitlines()[-1])
    return result


def _failure(job: Job, reason: str) -> Failure:
    text = job.architecture.text
    return Failure(text, job.seed, f"the Slurm job of {text} with seed {job.seed} failed: {reason}")
