"""Which claims hold on this machine? See README.md beside this file.

    python -m benchmarks.quick.run

Prints a line a claim and leaves the reports of its comparisons in runs/bench-quick; the exit code is 1 if one fails.
Processor seconds count where times are claimed, since what else runs hardly changes them.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from surrogate_nas import load_table
from surrogate_nas.check import LEVEL, check_table
from surrogate_nas.record import Record
from surrogate_nas.report.run import read_run

FOLDER = Path("runs", "bench-quick")
SEEDS = "[100,101,102,103,104,105,106,107,108,109]"  # not those that anything was decided on
SAMPLERS = "samplers=[random,evolution,local_search,tpe,surrogate]"
TRAINED_AGAIN = 6
PREDICTORS = "predictors=[boosted,gaussian_process,ensemble]"
Claims = Iterator[tuple[str, bool, str]]
OPENING = """
import sys, time
from surrogate_nas import load_table
start = time.process_time()
load_table(sys.argv[1]).accuracy(dataset=sys.argv[2], split="valid")
print(time.process_time() - start)
"""


def main() -> int:
    """Check every claim."""
    tables = [("nb201-digits", "digits")]
    if os.environ.get("SURROGATE_NAS_DATA"):
        tables.append(("nb201", "cifar10"))
    held = [holds for table in tables for question in (opening, predictor, search) for holds in told(*table, question)]
    for question in (table, verification):
        held += told("nb201-digits", "digits", question)
    return int(not all(held))


def told(table: str, dataset: str, question: Callable[[str, str], Claims]) -> Iterator[bool]:
    """Print whether each claim of a question holds, and yield it."""
    start = time.perf_counter()
    for claim, holds, seen in question(table, dataset):
        took = time.perf_counter() - start
        verdict = "holds" if holds else "FAILS"
        print(f"{verdict}  {table}, {question.__name__}: {claim} ({seen}; {took:.0f} s)", flush=True)
        yield holds


def compared(name: str, *settings: str) -> Record:
    """Return the result of a comparison, which goes on where an earlier one stopped."""
    folder = FOLDER / name
    python("-m", "surrogate_nas", "compare", *settings, f"seeds={SEEDS}", f"folder={folder}")
    return read_run(folder).result


def python(*arguments: str) -> str:
    """Return what another process prints."""
    return subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


def opening(table: str, dataset: str) -> Claims:
    """Yield what is claimed of opening a table, but for the first time, which builds a cache."""
    _, *seconds = [float(python("-c", OPENING, table, dataset)) for _ in range(6)]
    middle = 1e3 * statistics.median(seconds)
    yield "it opens and gives a column in 10 ms of the processor", middle <= 10, f"{middle:.1f} ms, median of 5"


def search(table: str, dataset: str) -> Claims:
    """Yield what is claimed of samplers."""
    result = compared(f"search-{table}", f"table={table}", f"dataset={dataset}", SAMPLERS, "budget=50")
    regret = {row.method: row.regret.mean for row in result.standings if row.queries == result.sizes[-1]}
    seen = ", ".join(f"{method} {value:.2f}" for method, value in sorted(regret.items(), key=lambda item: item[1]))
    best = regret["surrogate"] <= min(regret.values())
    yield f"surrogate finds the most in {result.sizes[-1]} queries", best, f"mean regret {seen}"
    (pair,) = [pair for pair in result.comparisons[0].pairs if {pair.first, pair.second} == {"random", "surrogate"}]
    better = pair.significant and regret["surrogate"] < regret["random"]
    yield "it is then significantly better than random search", better, f"p {pair.p_holm:.4f} after Holm"


def predictor(table: str, dataset: str) -> Claims:
    """Yield what is claimed of predictors."""
    result = compared(f"predictor-{table}", f"table={table}", f"dataset={dataset}", PREDICTORS, "train_size=78")
    tau = {row.method: row.kendall_tau for row in result.standings}
    seen = ", ".join(f"{method} {of.mean:.3f}" for method, of in tau.items())
    best = max(of.mean for of in tau.values())
    within = tau["ensemble"].high >= best
    yield "no part ranks better than the ensemble, beyond its interval", within, f"Kendall's tau {seen}"
    yield "it ranks far better than chance", tau["ensemble"].low > 0.5, f"95 % interval from {tau['ensemble'].low:.3f}"


def table(name: str, dataset: str) -> Claims:
    """Yield what is claimed of the table that ships with the package."""
    check = check_table(load_table(name), TRAINED_AGAIN, seed=0)
    seen = f"{check.equal} equal to the last bit, p {check.p_value:.3f} of the others"
    claim = f"{TRAINED_AGAIN} entries trained again differ no more than two seeds do"
    yield claim, check.p_value >= LEVEL, seen


def verification(table: str, dataset: str) -> Claims:
    """Yield what is claimed of training on a CPU."""
    python("-m", "benchmarks.verification.run", "cpu", "--repeats", "3", "--out", str(FOLDER))
    lines = [json.loads(line) for line in (FOLDER / "cpu.jsonl").read_text(encoding="utf-8").splitlines()]
    seconds = {
        line["way"]: statistics.median(line["processor_seconds_of_this_process"])
        for line in lines
        if line.get("case") == dataset
    }
    ours, plain = seconds["ours"], seconds["plain loop, plain network"]
    seen = f"{ours:.1f} against {plain:.1f} seconds of the processor, medians of 3"
    yield "a training is 1.3 times as fast as a plain loop", plain >= 1.3 * ours, seen


if __name__ == "__main__":
    sys.exit(main())
