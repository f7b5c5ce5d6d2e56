"""How long does one wait for the things that are done most? See README.md beside this file.

    SURROGATE_NAS_DATA=FOLDER python benchmarks/speed/run.py

Prints a line a question and writes them to results/speed.csv.
"""

from __future__ import annotations

import argparse
import csv
import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path

RESULTS = Path(__file__).parent / "results" / "speed.csv"
# What is asked, what is done before in the same process, and what is measured.
QUESTIONS = (
    ("start Python", "", ""),
    ("import surrogate_nas", "", "import surrogate_nas"),
    (
        "enumerate, tell functions apart and encode 15,625 cells",
        "from surrogate_nas import get_space; from surrogate_nas.encoding.features import features",
        "cells = get_space('nb201').enumerate(); cells.key; features(cells)",
    ),
    (
        "open a table and read a column",
        "from surrogate_nas import load_table",
        "load_table('nb201').accuracy(dataset='cifar10', split='valid')",
    ),
    (
        "fit boosted trees to 78 labels and predict 15,625",
        "import numpy as np; from surrogate_nas import load_predictor, load_table; t = load_table('nb201'); "
        "y = t.accuracy(dataset='cifar10', split='valid'); g = np.random.default_rng(0); p = t.population; "
        "load_predictor('boosted').fit(p[:78], y[:78], rng=g).predict(p)",
        "load_predictor('boosted').fit(p[78:156], y[78:156], rng=g).predict(p)",
    ),
    *(
        (
            f"search 100 queries with {sampler}",
            "from surrogate_nas import search; a = {'table': 'nb201', 'dataset': 'cifar10', 'sampler': '"
            + sampler
            + "'}; "
            "search(**a, budget=12, seed=0)",
            "search(**a, budget=100, seed=1)",
        )
        for sampler in ("random", "evolution", "tpe", "surrogate")
    ),
)
TIMED = """
import time
{before}
start = time.process_time()
{measured}
print(time.process_time() - start)
"""


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    rows = []
    for what, before, measured in QUESTIONS:
        seconds = sorted(_processor_seconds(before, measured) for _ in range(repeats))
        row = {
            "what": what,
            "n": repeats,
            "median_processor_s": round(statistics.median(seconds), 4),
            "least": round(seconds[0], 4),
            "most": round(seconds[-1], 4),
        }
        print(*row.values(), sep="  ", flush=True)
        rows.append(row)
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _processor_seconds(before: str, measured: str) -> float:
    """Return what a new process of one thread needs; the whole process where nothing comes before."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    start = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-W", "ignore", "-c", TIMED.format(before=before, measured=measured or "pass")]
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    end = resource.getrusage(resource.RUSAGE_CHILDREN)
    if not before:
        return end.ru_utime + end.ru_stime - start.ru_utime - start.ru_stime
    return float(done.stdout)


if __name__ == "__main__":
    main()
