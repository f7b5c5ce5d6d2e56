"""How quickly does a table open and answer, also beside ``nats_bench``? See README.md beside this file.

    SURROGATE_NAS_DATA=FOLDER python benchmarks/table/run.py opening

Imports the tables into a temporary folder, measures, and writes results/open.csv and results/open.json.
"""

from __future__ import annotations

import argparse
import csv
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from surrogate_nas import Split, Table, cli, load_table
from surrogate_nas.space import NB201
from surrogate_nas.table import Column, write_table
from surrogate_nas.table.catalog import DATA_FOLDER, USER_FOLDER

QUERIES = 1_000_000
SAMPLES = (0, 11, 284)  # the official sample architectures, by their numbers in NATS-Bench
SEED = 777
PACKAGES = ("numpy", "safetensors", "pyarrow", "nats-bench")
OPENING = """
import json, sys, time
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 1e6
import numpy
interpreter = resident()
from surrogate_nas.table import load_table
imported = resident()
wall, cpu = time.perf_counter(), time.process_time()
values = load_table(sys.argv[1]).accuracy(dataset="cifar10", split="valid", seed=777)
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
print(json.dumps({"wall": wall * 1e3, "cpu": cpu * 1e3, "MB": resident() - imported,
                  "MB with the package": resident() - interpreter, "pyarrow": "pyarrow" in sys.modules}))
"""
Row = dict[str, Any]


def main() -> None:
    """Measure everything in one run, print it and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=15)
    repeats = parser.parse_args().repeats
    data = Path(os.environ[DATA_FOLDER])
    with tempfile.TemporaryDirectory() as folder:
        os.environ[USER_FOLDER] = f"{folder}/tables"
        os.environ["XDG_CACHE_HOME"] = f"{folder}/cache"
        cli.main(["table", "import", "parquet", str(data / "nb201" / "accuracy.parquet"), "--name", "imported"])
        official = data / "official_samples" / "NATS-tss-v1_0-3ffb9-simple"
        cli.main(["table", "import", "nats-tss", str(official), "--name", "samples"])
        wide = Path(folder) / "wide.parquet"
        write_table(_wide(), wide)
        load_table(wide)
        rows = [*_opening("imported", repeats), *_opening(str(wide), repeats)]
        rows += _vectorised(load_table("imported"), repeats)
        rows += _scalar(load_table("imported"), load_table("samples"), official, repeats)
    _write(rows)


def _wide() -> Table:
    """Return invented values in as many columns as the official file has, which cannot be had everywhere."""
    rng = np.random.default_rng(0)
    columns = {
        Column(measure, dataset, split, epochs, seed): rng.uniform(10, 90, NB201.size).round(3)
        for measure in ("accuracy", "loss", "train_seconds", "evaluation_seconds")
        for dataset in ("cifar10", "cifar100", "imagenet16-120")
        for split in (Split.TRAIN, Split.VALID, Split.TEST)
        for epochs in (12, 200)
        for seed in (777, 888, 999)
    }
    return Table("wide", NB201.enumerate(), columns)


def _opening(table: str, repeats: int) -> list[Row]:
    """Open a table in a new process each time, and read one column."""
    command = [sys.executable, "-c", OPENING, table]
    runs = [json.loads(subprocess.run(command, check=True, capture_output=True).stdout) for _ in range(repeats)]
    assert not any(run["pyarrow"] for run in runs)
    what = f"open {len(load_table(table).columns)} columns, read one"
    return [
        _row(what, "wall", [run["wall"] for run in runs], "ms"),
        _row(what, "CPU", [run["cpu"] for run in runs], "ms"),
        _row(what, "memory beyond interpreter, NumPy and package", [run["MB"] for run in runs], "MB"),
        _row(what, "memory beyond interpreter and NumPy", [run["MB with the package"] for run in runs], "MB"),
    ]


def _vectorised(table: Table, repeats: int) -> list[Row]:
    """Ask a million questions in which everything differs, with names as texts."""
    rng = np.random.default_rng(0)
    population = table.population[rng.integers(len(table), size=QUERIES)]
    dataset = rng.choice(["cifar10", "cifar100"], size=QUERIES)
    split = np.where(dataset == "cifar10", rng.choice(["valid", "test"], size=QUERIES), "valtest")
    seed = rng.choice([777, 888], size=QUERIES)
    asked = {"dataset": dataset, "split": split, "seed": seed}
    answers = table.query(population, **asked)
    for at in range(100):
        one = {name: values[at].item() for name, values in asked.items()}
        assert np.array_equal(table.query(population[at].text, **one), answers[at], equal_nan=True)
    wall, cpu = _timed(lambda: table.query(population, **asked), repeats)
    what = f"{QUERIES} queries at once"
    return [_row(what, "wall", wall * 1e3, "ms"), _row(what, "CPU", cpu * 1e3, "ms")]


def _scalar(imported: Table, samples: Table, official: Path, repeats: int) -> list[Row]:
    """Ask one question by text, of this package and of nats_bench in fast mode, and compare the answers."""
    from nats_bench import create

    first, again = [], []
    for _ in range(repeats):
        api = create(str(official), "tss", fast_mode=True, verbose=False)
        for number in SAMPLES:
            text = api.arch(number)
            for times in (first, again):
                start = time.process_time()
                index = api.query_index_by_arch(text)
                theirs = api.get_more_info(index, "cifar10-valid", hp="200", is_random=SEED)["valid-accuracy"]
                times.append((time.process_time() - start) * 1e6)
            ours = samples.query(text, dataset="cifar10", split="valid", epochs=200, seed=SEED)
            assert ours == theirs, (text, ours, theirs)
    texts = [api.arch(number) for number in SAMPLES]
    rows = [
        _row("one query by text, nats_bench in fast mode", "CPU, the first of an architecture", first, "us"),
        _row("one query by text, nats_bench in fast mode", "CPU, the same again", again, "us"),
    ]
    for table in (samples, imported):
        _, cpu = _timed(lambda table=table: _ask(table, texts), repeats)
        rows.append(_row(f"one query by text, of {len(table)} architectures", "CPU", cpu * 1e6 / 3000, "us"))
    everything = imported.population[np.random.default_rng(0).permutation(len(imported))].texts[:3000]
    _, cpu = _timed(lambda: _ask(imported, everything, 1), repeats)
    rows.append(_row("one query by text, 3,000 different architectures", "CPU", cpu * 1e6 / 3000, "us"))
    ours = rows[2]["median"]
    for theirs, which in zip(rows[:2], ("first", "again"), strict=True):
        what = "times that nats_bench takes, the same three architectures"
        rows.append({"what": what, "of": which, "n": repeats * 3, "median": round(theirs["median"] / ours, 1)})
    return rows


def _ask(table: Table, texts: list[str], times: int = 1000) -> None:
    for _ in range(times):
        for text in texts:
            table.query(text, dataset="cifar10", split="valid", epochs=200, seed=SEED)


def _timed(function: Callable[[], object], repeats: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the (repeats,) seconds on the clock, and those of the processor, after one call that warms up."""
    function()
    wall, cpu = np.empty(repeats), np.empty(repeats)
    for at in range(repeats):
        start = time.perf_counter(), time.process_time()
        function()
        wall[at], cpu[at] = time.perf_counter() - start[0], time.process_time() - start[1]
    return wall, cpu


def _row(what: str, of: str, values: Iterable[float], unit: str) -> Row:
    values = np.array(list(values))
    numbers = {"median": np.median(values), "least": values.min(), "most": values.max()}
    return {
        "what": what,
        "of": of,
        "n": len(values),
        **{k: round(float(v), 3) for k, v in numbers.items()},
        "unit": unit,
    }


def _write(rows: list[Row]) -> None:
    folder = Path(__file__).parent / "results"
    folder.mkdir(exist_ok=True)
    with (folder / "open.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["what", "of", "n", "median", "least", "most", "unit"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    machine = {
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "platform": platform.platform(),
        "python": platform.python_version(),
        "versions": {
            name: importlib.metadata.version(name) for name in ("numpy", "safetensors", "pyarrow", "nats-bench")
        },
    }
    (folder / "open.json").write_text(json.dumps(machine, indent=2) + "\n")
    for row in rows:
        print(", ".join(f"{value}" for value in row.values()))
    print(json.dumps(machine))


if __name__ == "__main__":
    main()
