"""A worker on a slow table, for tests that kill it: ``python -m tests.search.slow_table STORAGE LOG``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from surrogate_nas import load_table
from surrogate_nas.sampler.random import Random
from surrogate_nas.search.loop import run
from surrogate_nas.search.quiet import quiet_optuna
from surrogate_nas.search.study import open_study
from surrogate_nas.space import Population
from surrogate_nas.table.evaluator import TableEvaluator

BUDGET = 60


class SlowTable(TableEvaluator):
    """Looks up slowly, and notes beforehand and afterwards what it was asked for."""

    def __init__(self, log: Path) -> None:
        super().__init__(load_table("nb201-digits"), dataset="digits")
        self.log = log

    def __call__(self, architecture: Population) -> tuple[float, float]:
        self._note("begun", architecture)
        time.sleep(0.3)
        measured = super().__call__(architecture)
        self._note("done", architecture)
        return measured

    def _note(self, what: str, architecture: Population) -> None:
        with self.log.open("a") as file:
            file.write(f"{what} {architecture.text}\n")


def main(storage: str, log: str) -> None:
    """Be one worker."""
    with quiet_optuna():
        study = open_study(None, storage, name="killed", directions=["maximize"], heartbeat=1)
        run(study, SlowTable(Path(log)), Random(), budget=BUDGET, seed=int(time.time_ns() % 1000))


if __name__ == "__main__":
    main(*sys.argv[1:])
