"""Several worker processes for one search, on this machine; further machines join by running the same command."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from multiprocessing import connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from surrogate_nas.errors import SurrogateNASError
from surrogate_nas.sampler.base import History, Sampler
from surrogate_nas.sampler.hyperband import Hyperband
from surrogate_nas.search.ledger import Known, Ledger
from surrogate_nas.search.loop import run
from surrogate_nas.search.measurement import Evaluator
from surrogate_nas.search.proposer import OptunaSamplerFactory
from surrogate_nas.search.quiet import quiet_optuna
from surrogate_nas.search.study import Direction, SharedStudy, open_study
from surrogate_nas.worker_process import follow_parent, spawning

LOOK = 0.2  # seconds between two looks at the study
LAST_WORDS = 10.0  # seconds that a worker has to notice that the budget is spent
RESTARTS = 20  # of worker processes that died, in a search
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Place:
    """Where the study of a search is; see ``open_study``."""

    folder: Path | None
    storage: str | None
    name: str
    directions: tuple[Direction, ...]
    heartbeat: int

    def open(self) -> SharedStudy:
        """Return the study."""
        return open_study(
            self.folder, self.storage, name=self.name, directions=self.directions, heartbeat=self.heartbeat
        )


def run_workers(
    place: Place,
    evaluator: Evaluator,
    sampler: Sampler | Hyperband | OptunaSamplerFactory,
    *,
    workers: int,
    budget: int,
    seconds: float,
    seed: int,
    known: Known,
    progress: bool = False,
) -> tuple[History, NDArray[np.float64]]:
    """Spend the budget with several processes; return what was measured and the (n,) seconds of each.

    A worker process that dies is replaced; the trial that it had is done again.

    Raises:
        SurrogateNASError: what a worker raised, or too many of them died.
    """
    study, ledger = place.open(), Ledger(evaluator, known)
    context = spawning()
    told, tell = context.Pipe(duplex=False)

    def start() -> SpawnProcess:
        settings = (place, evaluator, sampler, budget, seconds, seed, known)
        process = context.Process(target=_work, args=(tell, *settings), daemon=True)
        process.start()
        return process

    processes, deaths = [start() for _ in range(workers)], 0
    try:
        with tqdm(total=budget, disable=not progress, unit="query") as bar:
            while True:
                ledger.read(study.trials())
                bar.update(min(len(ledger.measured), budget) - bar.n)
                if len(ledger.measured) >= budget or ledger.seconds() >= seconds:
                    break
                if told.poll():
                    raise told.recv()
                for at, process in enumerate(processes):
                    if process.exitcode not in (None, 0):
                        deaths += 1
                        log.warning("worker process %s died (exit code %s).", process.pid, process.exitcode)
                        if deaths > RESTARTS:
                            raise SurrogateNASError(
                                f"{deaths} worker processes died; what was measured is kept. Does the memory suffice "
                                f"for workers={workers}?"
                            )
                        processes[at] = start()
                connection.wait([process.sentinel for process in processes if process.exitcode is None], LOOK)
        for process in processes:
            process.join(LAST_WORDS)
        return ledger.finished(budget, seconds)
    finally:
        for process in processes:
            process.terminate()
            process.join()


def _work(
    tell: connection.Connection,
    place: Place,
    evaluator: Evaluator,
    sampler: Sampler | Hyperband | OptunaSamplerFactory,
    budget: int,
    seconds: float,
    seed: int,
    known: Known,
) -> None:
    """Be one worker process."""
    follow_parent()
    try:
        with quiet_optuna(), threadpool_limits(1):
            run(place.open(), evaluator, sampler, budget=budget, seconds=seconds, seed=seed, known=known)
    except SurrogateNASError as error:
        tell.send(error)
