"""Which claims hold on this machine? See README.md beside this file.

    python benchmarks/quick/run.py

Prints a line a claim and leaves the reports of its comparisons in runs/bench-quick; the exit code is 1 if one fails.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from surrogate_nas.record import Record
from surrogate_nas.report.run import read_run

FOLDER = Path("runs", "bench-quick")
SEEDS = "[100,101,102,103,104,105,106,107,108,109]"  # not those that anything was decided on
SAMPLERS = "samplers=[random,evolution,local_search,tpe,surrogate]"
PREDICTORS = "predictors=[boosted,gaussian_process,ensemble]"
Claims = Iterator[tuple[str, bool, str]]


def main() -> int:
    """Check every claim."""
    tables = [("nb201-digits", "digits")]
    if os.environ.get("SURROGATE_NAS_DATA"):
        tables.append(("nb201", "cifar10"))
    failed = 0
    for table, dataset in tables:
        for question, settings, claims in QUESTIONS:
            start = time.perf_counter()
            result = compared(f"{question}-{table}", [f"table={table}", f"dataset={dataset}", *settings])
            took = time.perf_counter() - start
            for claim, holds, seen in claims(result):
                failed += not holds
                print(
                    f"{'holds' if holds else 'FAILS':5}  {table}, {question}: {claim} ({seen}; {took:.0f} s)",
                    flush=True,
                )
    return int(failed > 0)


def compared(name: str, settings: list[str]) -> Record:
    """Return the result of a comparison, which goes on where an earlier one stopped."""
    folder = FOLDER / name
    command = [sys.executable, "-m", "surrogate_nas", "compare", *settings, f"seeds={SEEDS}", f"folder={folder}"]
    subprocess.run(command, check=True, stdout=sys.stderr)
    return read_run(folder).result


def search(result: Record) -> Claims:
    """Yield what is claimed of samplers."""
    regret = {row.method: row.regret.mean for row in result.standings if row.queries == result.sizes[-1]}
    seen = ", ".join(f"{method} {value:.2f}" for method, value in sorted(regret.items(), key=lambda item: item[1]))
    best = regret["surrogate"] <= min(regret.values())
    yield f"surrogate finds the most in {result.sizes[-1]} queries", best, f"mean regret {seen}"
    pairs = [pair for pair in result.comparisons[1].pairs if {pair.first, pair.second} == {"random", "surrogate"}]
    better = all(pair.significant for pair in pairs) and regret["surrogate"] < regret["random"]
    yield "at any time it is significantly better than random search", better, f"p {pairs[0].p_holm:.4f} after Holm"


def predictor(result: Record) -> Claims:
    """Yield what is claimed of predictors."""
    tau = {row.method: row.kendall_tau for row in result.standings}
    seen = ", ".join(f"{method} {of.mean:.3f}" for method, of in tau.items())
    best = max(of.mean for of in tau.values())
    within = tau["ensemble"].high >= best
    yield "no part ranks better than the ensemble, beyond its interval", within, f"Kendall's tau {seen}"
    yield "it ranks far better than chance", tau["ensemble"].low > 0.5, f"95 % interval from {tau['ensemble'].low:.3f}"


QUESTIONS: tuple[tuple[str, list[str], Callable[[Record], Claims]], ...] = (
    ("predictor", [PREDICTORS, "train_size=78"], predictor),
    ("search", [SAMPLERS, "budget=50"], search),
)

if __name__ == "__main__":
    sys.exit(main())
