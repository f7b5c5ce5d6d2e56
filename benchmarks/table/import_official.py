"""How long and how much memory does importing an official file take? See README.md beside this file.

    SURROGATE_NAS_DATA=FOLDER python benchmarks/table/run.py import --architectures 15625
    SURROGATE_NAS_DATA=FOLDER python benchmarks/table/run.py import --kind nats-tss --architectures 1200

Writes a file in the official form into a temporary folder (0.4 MB an architecture, 6.3 GB for all), copies of three
official ones in FOLDER with every seed and whole learning curves, and invented numbers. Imports it in a process of its
own, reads a small one with PyTorch alone (or NATS-Bench's with pickle alone) for comparison, and
appends a line for each to results/import_official.csv.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from surrogate_nas.space import NB201
from tests.table.importers.memory import most_memory
from tests.table.importers.official_file import FIRST, write_official, write_single
from tests.table.importers.test_nas_bench_201 import official

RESULTS = Path(__file__).parent / "results" / "import_official.csv"
IMPORT = "from surrogate_nas.table_import import import_table; import_table({kind!r}, path, 'all', NB201)"
PICKLE = "import bz2, pickle; pickle.load(bz2.open(path))"
LOAD = """
import torch
from surrogate_nas.table.importers.torch_file import ADMITTED
torch.serialization.add_safe_globals(ADMITTED)
torch.load(path, weights_only=True)
"""
MEASURED = """
import resource, sys, time
from pathlib import Path
from surrogate_nas.space import NB201
path, started = Path(sys.argv[1]), time.monotonic()
{}
used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(time.monotonic() - started, sum(each.ru_utime + each.ru_stime for each in used))
"""


def main() -> None:
    """Measure, print and append."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--architectures", type=int, default=15625)
    parser.add_argument("--kind", choices=["nas-bench-201", "nats-tss"], default="nas-bench-201")
    chosen = parser.parse_args()
    architectures, single = chosen.architectures, chosen.kind == "nats-tss"
    (samples,) = (Path(os.environ["SURROGATE_NAS_DATA"]) / "official_samples").glob("NATS-tss-*-simple")
    records = list(official(samples)["arch2infos"].values())
    texts = NB201.enumerate().texts
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("NATS-tss-v1_0-3ffb9.pickle.pbz2" if single else "NAS-Bench-201-v1_1-096897.pth")
        alone = (PICKLE if single else LOAD, FIRST + len(records))  # alone, all would take 50 GB
        for code, n in (alone, (IMPORT.format(kind=chosen.kind), architectures)):
            if single:
                write_single(path, texts[:n], [{"12": r["less"], "200": r["full"]} for r in records], seed=1)
            else:
                write_official(path, texts[:n], records, seed=1)
            environment = {**os.environ, "SURROGATE_NAS_TABLES": folder, "OMP_NUM_THREADS": "1"}
            command = [sys.executable, "-W", "ignore", "-c", MEASURED.format(code), path]
            with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as running:
                gigabytes = most_memory(running)
                wall, processor = map(float, running.communicate()[0].split())
            row = {
                "date": datetime.now(UTC).date().isoformat(),
                "what": {LOAD: "torch.load", PICKLE: "pickle.load"}.get(code, f"import {chosen.kind}"),
                "architectures": n,
                "file_gb": round(path.stat().st_size / 1e9, 2),
                "wall_s": round(wall, 1),
                "processor_s": round(processor, 1),
                "memory_gb": round(gigabytes, 2),
                "load_average": round(os.getloadavg()[1], 1),
            }
            print(row)
            _append(row)
            path.unlink()


def _append(row: dict[str, object]) -> None:
    new = not RESULTS.exists()
    with RESULTS.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(row), lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)


if __name__ == "__main__":
    main()
