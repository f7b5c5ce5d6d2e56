"""Trainings on a Ray cluster: one that exists, or one of this machine's cores and GPUs."""

from __future__ import annotations

import logging
import socket
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

from surrogate_nas.errors import SettingError, SurrogateNASError
from surrogate_nas.extras import require
from surrogate_nas.verification.executor import Epoch, Event, Failure, Job, Work
from surrogate_nas.verification.trainer import Training

POLL_SECONDS = 0.5  # between two looks at the progress of the trainings
PROBE_SECONDS = 10.0  # that an existing cluster has to answer
OBJECT_STORE_BYTES = 100 * 2**20  # of a cluster that we start; only jobs and results pass through it
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RayExecutor:
    """Runs each training as a Ray task; one that is lost with its node is run again elsewhere.

    The nodes of a cluster need this package. Where they share the run folder, a training that lost its node goes on
    from its checkpoint; elsewhere it begins anew.

    Attributes:
        address: of an existing cluster, "auto" for the one that this machine belongs to; None to start one here.
        cpus: cores that a training reserves.
        gpus: GPUs that a training reserves; 0.25 lets four share one.
        retries: how often a training that was lost is run again.

    Raises:
        MissingExtraError: Ray is not installed.
        SettingError: a number is negative.
    """

    address: str | None = None
    cpus: float = 1
    gpus: float = 0
    retries: int = 3

    def __post_init__(self) -> None:
        require("ray", extra="ray", wanted_by="executor=ray")
        for name in ("cpus", "gpus", "retries"):
            if not getattr(self, name) >= 0:
                raise SettingError(f"executor.{name} must be at least 0, got {getattr(self, name)}.")

    def run(self, jobs: Sequence[Job], work: Work, *, workers: int | None = None) -> Generator[Event, None, None]:
        """Run every job; see ``Executor``. There is room for what the cluster's cores and GPUs hold."""
        import ray

        if not jobs:
            return
        started_here = not ray.is_initialized()
        if started_here:
            self._connect()
        try:
            yield from self._run(jobs, work, workers)
        finally:
            if started_here:
                ray.shutdown()

    def _connect(self) -> None:
        """Join the cluster, or start one.

        Raises:
            SettingError: nothing answers at the address.
        """
        import ray

        self._probe()
        new = {} if self.address else {"object_store_memory": OBJECT_STORE_BYTES, "include_dashboard": False}
        try:
            ray.init(address=self.address, log_to_driver=False, logging_level=logging.WARNING, **new)
        except (ConnectionError, ValueError) as error:
            raise self._unanswered(error) from error

    def _probe(self) -> None:
        """Raise where nothing listens at the address; Ray itself would wait for minutes."""
        host, _, port = (self.address or "").rpartition("/")[2].rpartition(":")
        if not port.isdecimal():  # "auto", which Ray looks up, or no address
            return
        try:
            socket.create_connection((host, int(port)), timeout=PROBE_SECONDS).close()
        except OSError as error:
            raise self._unanswered(error) from error

    def _unanswered(self, error: Exception) -> SettingError:
        return SettingError(
            f"no Ray cluster answers at executor.address={self.address} ({error}). Start one with: ray start --head"
        )

    def _run(self, jobs: Sequence[Job], work: Work, workers: int | None) -> Generator[Event, None, None]:
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        if self.gpus > ray.cluster_resources().get("GPU", 0):
            log.warning("no node of the Ray cluster has %g GPU at present; waiting for one.", self.gpus)
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        board = ray.remote(Board).options(num_cpus=0, scheduling_strategy=here).remote()
        training = ray.remote(train_on_node).options(
            num_cpus=self.cpus, num_gpus=self.gpus, max_retries=self.retries, scheduling_strategy="SPREAD"
        )
        shared = ray.put(work)
        waiting = list(reversed(jobs))
        running: dict[Any, Job] = {}
        try:
            while waiting or running:
                while waiting and len(running) < (workers or len(jobs)):
                    job = waiting.pop()
                    running[training.remote(shared, job, board)] = job
                done, _ = ray.wait(list(running), timeout=POLL_SECONDS)
                yield from ray.get(board.take.remote())
                for task in done:
                    yield _result(task, running.pop(task))
        finally:
            for task in running:
                ray.cancel(task, force=True)


class Board:
    """Where trainings write how far they are, and the driver reads it; an actor beside the driver."""

    def __init__(self) -> None:
        self.epochs: list[Epoch] = []

    def put(self, epoch: Epoch) -> None:
        """Add what a training reports."""
        self.epochs.append(epoch)

    def take(self) -> list[Epoch]:
        """Return what was added since the last time."""
        taken, self.epochs = self.epochs, []
        return taken


def train_on_node(work: Work, job: Job, board: Any) -> Training | Failure:
    """Run one training; a Ray task does this on some node."""
    return work.do(job, board.put.remote)


def _result(task: Any, job: Job) -> Training | Failure:
    """Return what a task gave, or the failure of its training if Ray has given it up.

    Raises:
        SurrogateNASError: the training refused its images or settings.
    """
    import ray

    try:
        result: Training | Failure = ray.get(task)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, SurrogateNASError):
            raise error.cause from None
        raise
    except ray.exceptions.RayError as error:  # the worker or its node was lost more often than retried
        lost = " ".join(str(error).split())
        return Failure(
            job.architecture.text,
            job.seed,
            f"the training of {job.architecture.text} with seed {job.seed} was lost: {lost}",
        )
    return result
