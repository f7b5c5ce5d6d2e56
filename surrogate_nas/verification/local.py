"""Trainings in processes of this machine."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from multiprocessing import connection
from multiprocessing.context import SpawnProcess

from surrogate_nas.errors import StoppedError, SurrogateNASError
from surrogate_nas.verification.data import ImageTask
from surrogate_nas.verification.executor import Epoch, Event, Failure, Job, Work, resolved_device
from surrogate_nas.verification.memory import check_processes
from surrogate_nas.verification.recipe import Recipe
from surrogate_nas.verification.trainer import Training
from surrogate_nas.worker_process import available_cores, follow_parent, spawning

GRACE_SECONDS = 8  # to write a checkpoint before a process is killed; `docker stop` waits ten by default
SPAWN = spawning()


class LocalExecutor:
    """Runs each training in one of a few processes; one that is killed fails its training alone, and is replaced."""

    def run(self, jobs: Sequence[Job], work: Work, *, workers: int | None = None) -> Generator[Event, None, None]:
        """Run every job; see ``Executor``. There is room for one training a core."""
        resolved_device(work.device)  # a wrong one is told before any process starts
        room = workers or available_cores()
        check_processes(min(room, len(jobs)))
        waiting = deque(jobs)
        crew: dict[connection.Connection, Worker] = {}
        try:
            while waiting or crew:
                while waiting and len(crew) < room:
                    worker = Worker(work)
                    crew[worker.pipe] = worker
                    worker.give(waiting.popleft())
                for pipe in connection.wait(list(crew)):
                    worker = crew[pipe]  # type: ignore[index]  # each is a Connection, being one that was passed in
                    event = worker.receive()
                    if isinstance(event, Exception):
                        raise event
                    yield event
                    if isinstance(event, Epoch):
                        continue
                    if worker.alive and waiting:
                        worker.give(waiting.popleft())
                    else:
                        end([crew.pop(worker.pipe)])
        finally:
            end(list(crew.values()))


def run_trainings(
    jobs: Sequence[Job],
    make_task: Callable[[], ImageTask],
    recipe: Recipe,
    *,
    workers: int | None = None,
    device: str = "auto",
) -> Iterator[Training | Failure]:
    """Train every job on this machine and yield what each gave, in the order in which they finish.

    Args:
        jobs: what to train.
        make_task: makes the images, once in each worker; must be picklable.
        recipe: how to train.
        workers: trainings at the same time; None for one a core.
        device: the torch device of all trainings; "auto" for the GPU where there is one.

    Raises:
        DataError: the images cannot be trained on.
        SettingError: there is no such device.
    """
    for event in LocalExecutor().run(jobs, Work(make_task, recipe, device), workers=workers):
        if not isinstance(event, Epoch):
            yield event


class Worker:
    """A process that trains one job after the other, seen from its parent."""

    def __init__(self, work: Work) -> None:
        self.pipe, theirs = SPAWN.Pipe()
        self.process: SpawnProcess = SPAWN.Process(target=_serve, args=(theirs, work), daemon=True)
        self.process.start()
        theirs.close()  # so that the pipe ends with the process
        self.alive = True

    def give(self, job: Job) -> None:
        """Let the process train a job."""
        self.job = job
        self.pipe.send(job)

    def receive(self) -> Event | Exception:
        """Return what the process has sent, or the failure of its job if it has died."""
        try:
            event: Event | Exception = self.pipe.recv()
        except (EOFError, ConnectionResetError):
            self.alive = False
            self.process.join()
            return Failure(self.job.architecture.text, self.job.seed, _how_it_died(self.job, self.process.exitcode))
        return event


def end(workers: Sequence[Worker]) -> None:
    """End processes; those that train may write a checkpoint first."""
    for worker in workers:
        worker.process.terminate()
    deadline = time.monotonic() + GRACE_SECONDS
    for worker in workers:
        worker.process.join(max(0.0, deadline - time.monotonic()))
        worker.process.kill()
        worker.process.join()
        worker.pipe.close()


def _how_it_died(job: Job, exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        name = signal.Signals(-exit_code).name
        cause = f"was ended by {name}" + (", as happens when memory runs out; use fewer workers" * (name == "SIGKILL"))
    else:
        cause = f"ended by itself with exit code {exit_code}"
    return f"the process that trained {job.architecture.text} with seed {job.seed} {cause}."


def _serve(pipe: connection.Connection, work: Work) -> None:
    """Train what comes through a pipe, and send what happens; a worker process does this."""
    follow_parent()
    signal.signal(signal.SIGTERM, _end_when_idle)
    while True:
        try:
            job = pipe.recv()
        except EOFError:
            return
        stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_, stop=stop: stop.set())
        try:
            pipe.send(work.do(job, pipe.send, stop.is_set))
        except StoppedError:
            return
        except SurrogateNASError as error:  # any other kind is a fault of this package, and shows as a traceback
            pipe.send(error)
        signal.signal(signal.SIGTERM, _end_when_idle)
        if stop.is_set():
            return


def _end_when_idle(*_: object) -> None:
    sys.exit(0)
