"""Trainings that share one device, in this process: on a GPU the kernels of one fill the gaps of another."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Sequence
from functools import partial

from surrogate_nas.errors import StoppedError, SurrogateNASError
from surrogate_nas.threads import one_thread
from surrogate_nas.verification.executor import Epoch, Event, Failure, Job, Work, resolved_device
from surrogate_nas.verification.trainer import Run, train_together

Events = queue.SimpleQueue[Event | SurrogateNASError | None]  # None: all have ended


class SharedExecutor:
    """Lets trainings take turns on one device; the images lie there once, and each gives what it gives alone."""

    def run(self, jobs: Sequence[Job], work: Work, *, workers: int | None = None) -> Generator[Event, None, None]:
        """Run every job; see ``Executor``. There is room for all; ``workers`` is how many take turns."""
        size = workers or len(jobs)
        for start in range(0, len(jobs), size):
            yield from _run_together(jobs[start : start + size], work)


def _run_together(jobs: Sequence[Job], work: Work) -> Generator[Event, None, None]:
    """Train in a thread, so that events can be yielded while it trains."""
    events: Events = queue.SimpleQueue()
    stop = threading.Event()
    thread = threading.Thread(target=_train, args=(jobs, work, events, stop))
    thread.start()
    try:
        while (event := events.get()) is not None:
            if isinstance(event, SurrogateNASError):
                raise event
            yield event
    finally:
        stop.set()  # those that still train write their checkpoints
        thread.join()


def _train(jobs: Sequence[Job], work: Work, events: Events, stop: threading.Event) -> None:
    def report(job: Job, epoch: int, loss: float) -> None:
        events.put(Epoch(job.architecture.text, job.seed, epoch + 1, loss))

    try:
        runs = [Run(job.architecture, job.seed, work.checkpoint(job), partial(report, job)) for job in jobs]
        with one_thread():  # as everywhere, so that results do not depend on where they were trained
            results = train_together(
                runs,
                work.task,
                work.recipe,
                device=resolved_device(work.device),
                precision=work.precision,
                compiled=work.compiled,
                stop=stop.is_set,
            )
        for job, result in zip(jobs, results, strict=True):
            events.put(Failure.of(job, result) if isinstance(result, SurrogateNASError) else result)
    except StoppedError:
        pass
    except SurrogateNASError as error:
        events.put(error)
    finally:
        events.put(None)
