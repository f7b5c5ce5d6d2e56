"""Several workers, one study: the budget exactly, nothing lost, nothing twice, also when workers are killed."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import optuna
import pytest
import sqlalchemy
from optuna.trial import TrialState

from surrogate_nas import search
from surrogate_nas.sampler.random import Random
from surrogate_nas.search.ledger import Ledger
from surrogate_nas.search.loop import run
from surrogate_nas.search.quiet import quiet_optuna
from surrogate_nas.search.study import open_study
from surrogate_nas.table import Table
from tests.postgresql import postgresql_url
from tests.search.slow_table import BUDGET, SlowTable
from tests.search.test_study import Invented

OPEN = (
    "import sys; from surrogate_nas.search.study import open_study;"
    "open_study(None, sys.argv[1], name='together', directions=['maximize'], heartbeat=1)"
)


def test_threads_that_share_a_study_measure_nothing_twice() -> None:
    with quiet_optuna():
        study, evaluator = open_study(None, None, name="threads", directions=["maximize"], heartbeat=1), Invented()
        workers = [
            threading.Thread(target=run, args=(study, evaluator, Random()), kwargs={"budget": 25, "seed": 3})
            for _ in range(4)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert len(evaluator.asked) == len(set(evaluator.asked)) == 25


@pytest.mark.slow
def test_worker_processes_spend_one_budget_and_a_killed_one_is_replaced(tmp_path: Path, small_table: Table) -> None:
    result = search(table=small_table, sampler="random", budget=30, seed=4, workers=2, folder=tmp_path)
    assert result.queries == len({trial.architecture for trial in result.trials}) == 30
    again = search(table=small_table, sampler="random", budget=30, seed=4, workers=1, folder=tmp_path)
    assert again.trials == result.trials  # all is remembered


@pytest.mark.slow
def test_four_workers_on_postgresql_survive_kill_minus_9(tmp_path: Path) -> None:
    url, log = postgresql_url(), tmp_path / "log"
    drop(url)
    command = [sys.executable, "-m", "tests.search.slow_table", url, str(log)]
    workers = [subprocess.Popen(command) for _ in range(4)]
    killed, draw = 0, random.Random(0)
    start = time.monotonic()
    try:
        while any(worker.poll() is None for worker in workers) and time.monotonic() - start < 300:
            time.sleep(2)
            if killed < 5 and log.exists() and (running := [at for at, w in enumerate(workers) if w.poll() is None]):
                victim = draw.choice(running)
                workers[victim].kill()
                workers[victim].wait()
                workers[victim] = subprocess.Popen(command)
                killed += 1
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    with quiet_optuna():
        study = open_study(None, url, name="killed", directions=["maximize"], heartbeat=1)
    evaluator, trials = SlowTable(log), study.trials()
    ledger = Ledger(evaluator)
    ledger.read(trials)
    assert killed > 0
    assert len(ledger.measured) == BUDGET  # exactly its budget, all different
    assert sum(trial.state == TrialState.COMPLETE for trial in trials) == BUDGET  # none double
    events = Counter(line.split()[0] for line in log.read_text().splitlines())
    done = Counter(line for line in log.read_text().splitlines() if line.startswith("done"))
    # A worker that was killed between the end of a measurement and its telling has it done again, at most once a kill.
    assert len(done) == BUDGET
    assert sum(done.values()) - BUDGET <= killed
    assert events["begun"] - BUDGET <= killed
    close(study._storage)


@pytest.mark.slow
def test_workers_that_start_together_on_an_empty_database_share_its_tables() -> None:
    url, schema = postgresql_url(), "together"
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:  # a schema of its own stands for a database of its own
        connection.execute(sqlalchemy.text(f"drop schema if exists {schema} cascade"))
        connection.execute(sqlalchemy.text(f"create schema {schema}"))
    engine.dispose()
    url += f"?options=-csearch_path%3D{schema}"
    command = [sys.executable, "-c", OPEN, url]
    workers = [subprocess.Popen(command) for _ in range(4)]
    assert [worker.wait(120) for worker in workers] == [0] * 4


def drop(url: str) -> None:
    """Remove what an earlier run left in the database."""
    storage = optuna.storages.RDBStorage(url)
    if "killed" in [study.study_name for study in storage.get_all_studies()]:
        optuna.delete_study(study_name="killed", storage=storage)
    close(storage)


def close(storage: optuna.storages.BaseStorage) -> None:
    """Close the connections to a database."""
    storage.remove_session()
    engine = getattr(storage, "engine", None) or storage._backend.engine  # type: ignore[attr-defined]
    engine.dispose()
