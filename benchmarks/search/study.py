"""What does it cost a trial to be remembered by the study? See README.md beside this file.

    python benchmarks/search/study.py nb201 cifar10

Searches at random, with the study in memory and in a run folder, and takes off what the same proposals and answers cost
without any study.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from surrogate_nas import load_table
from surrogate_nas.sampler.base import History
from surrogate_nas.sampler.random import Random
from surrogate_nas.search import run
from surrogate_nas.search.quiet import quiet_optuna
from surrogate_nas.search.study import open_study
from surrogate_nas.table.evaluator import TableEvaluator


def with_study(evaluator: TableEvaluator, trials: int, folder: Path | None) -> None:
    """Search at random."""
    study = open_study(folder, None, name="cost", directions=["maximize"], heartbeat=10)
    run(study, evaluator, Random(), budget=trials, seed=0)


def without(evaluator: TableEvaluator, trials: int) -> None:
    """Ask and measure as often as a search does."""
    rows, values = np.empty(0, dtype=np.int64), np.empty(0)
    for trial in range(trials):
        history = History(evaluator.candidates, evaluator.candidates[rows], values)
        asked = Random().ask(1, history, rng=np.random.default_rng([0, trial]))
        rows, values = np.append(rows, evaluator.locate(asked)), np.append(values, evaluator(asked)[0])


def milliseconds(call: Callable[[], None]) -> np.ndarray:
    """Return the (2,) milliseconds of the processor and of the wall that a call takes."""
    start = np.array([time.process_time(), time.perf_counter()])
    call()
    return 1000 * (np.array([time.process_time(), time.perf_counter()]) - start)


def main() -> None:
    """Measure some times over and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table")
    parser.add_argument("dataset")
    parser.add_argument("--trials", type=int, default=150)
    parser.add_argument("--repeats", type=int, default=5)
    chosen = parser.parse_args()
    evaluator = TableEvaluator(load_table(chosen.table), dataset=chosen.dataset)
    spent: dict[str, list[np.ndarray]] = {"memory": [], "folder": []}
    with quiet_optuna():
        with_study(evaluator, chosen.trials, None)  # libraries are loaded once
        for _ in range(chosen.repeats):
            bare = milliseconds(lambda: without(evaluator, chosen.trials))
            for where, found in spent.items():
                with tempfile.TemporaryDirectory() as folder:
                    place = Path(folder) if where == "folder" else None
                    found.append(milliseconds(lambda place=place: with_study(evaluator, chosen.trials, place)) - bare)
    for where, found in spent.items():
        processor, wall = np.median(found, axis=0) / chosen.trials
        print(f"{where}: {processor:.2f} ms of the processor a trial, {wall:.2f} ms of wall time")


if __name__ == "__main__":
    main()
