"""All that wants a GPU, in the order of importance; see README.md beside this file.

Each part runs in a process of its own, so that one that fails, hangs or loses its GPU does not end the others. What is
known is in the results at once, and the same command goes on with the parts that are missing; trainings that were cut
off go on from checkpoints.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.verification.losses import differences
from surrogate_nas import configuration, load_table
from surrogate_nas.metrics import kendall_tau
from surrogate_nas.space import NB201, Population
from surrogate_nas.split import Split
from surrogate_nas.verification.archives import cifar10
from surrogate_nas.verification.checkpoint import Checkpoint
from surrogate_nas.verification.data import Images, ImageTask, digits
from surrogate_nas.verification.recipe import Recipe
from surrogate_nas.verification.trainer import Run, Training, train_together

BAR_CELL = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|"
SEEDS = (777, 888, 999)
WANTED = (85.0, 88.0, 90.0, 92.0, 93.5, 94.37)  # test accuracies of the six cells, in the table
FLOOR = {"tf32": 140.0, "bf16": 70.0}  # seconds that memory traffic alone, unfused, asks of an H200 for a whole run
CHECKPOINTS = "checkpoints"

Record = dict[str, Any]


@dataclass(frozen=True)
class Setting:
    """What is measured, and where."""

    task: ImageTask
    recipe: Recipe
    device: str
    table: str | None
    tiny: bool
    folder: Path

    @property
    def precisions(self) -> tuple[str, ...]:
        """The precisions that the device knows, the exact one first."""
        return ("fp32", "tf32", "bf16") if self.on_gpu else ("fp32", "bf16")

    @property
    def on_gpu(self) -> bool:
        """Whether the device is a GPU."""
        return torch.device(self.device).type == "cuda"

    def cells(self) -> tuple[Population, np.ndarray[Any, Any]]:
        """Return some cells from the table's worst to its best, and their mean test accuracies there."""
        table = load_table(str(self.table))
        known = table.accuracy(dataset=table.datasets[0] if self.tiny else "cifar10", split="test", epochs=None)
        wanted = np.nanquantile(known, [0.1, 1]) if self.tiny else np.array(WANTED)
        rows = np.nanargmin(np.abs(known[None] - wanted[:, None]), axis=1)
        return table.population[rows], known[rows]


def parts(setting: Setting) -> dict[str, Callable[[], Iterator[Record]]]:
    """Return what there is to measure, by name, the most important first."""
    ways = [(p, c) for p in setting.precisions for c in ((False, True) if setting.on_gpu else (False,))]
    fast = [p for p in setting.precisions if p != "fp32"]
    todo: dict[str, Callable[[], Iterator[Record]]] = {}
    for precision, compiled in ways:
        todo[f"epoch {precision} {'compiled' if compiled else 'eager'}"] = partial(epoch, setting, precision, compiled)
    for precision in fast:
        todo[f"whole {precision}"] = partial(whole, setting, precision)
    for precision in fast:
        todo[f"three {precision}"] = partial(three, setting, precision)
    todo["losses"] = partial(losses, setting)
    if setting.table:
        for number in range(2 if setting.tiny else len(WANTED)):
            todo[f"cell {number}"] = partial(cell, setting, number)
    return todo


def timed_epochs(setting: Setting, precision: str, compiled: bool | None, seeds: tuple[int, ...]) -> Record:
    """Return seconds of the epochs of some trainings at once; the first one compiles, records and is not counted."""
    recipe = replace(setting.recipe, epochs=min(4, setting.recipe.epochs))
    marks: dict[int, list[float]] = {}

    def mark(number: int, loss: float) -> None:
        marks.setdefault(number, []).append(time.perf_counter())

    runs = [Run(NB201.parse(BAR_CELL), seed, on_epoch=mark) for seed in seeds]
    start = time.perf_counter()
    results = train_together(runs, setting.task, recipe, device=setting.device, precision=precision, compiled=compiled)
    for result in results:
        if not isinstance(result, Training):
            raise result
    each = np.diff([start, *(max(marks[number]) for number in range(recipe.epochs))])
    return {
        "precision": precision,
        "compiled": compiled,
        "trainings": len(seeds),
        "first_epoch": round(float(each[0]), 3),
        "epochs": [round(float(value), 3) for value in each[1:]],
        "losses": [result.losses for result in results if isinstance(result, Training)],
    }


def epoch(setting: Setting, precision: str, compiled: bool) -> Iterator[Record]:
    """Yield seconds of an epoch of one training."""
    yield timed_epochs(setting, precision, compiled, SEEDS[:1])


def three(setting: Setting, precision: str) -> Iterator[Record]:
    """Yield how much longer three seeds at once take than one, an epoch, as the package runs them by default."""
    compiled = setting.on_gpu  # what a whole run does by itself; these are too short for that
    one, all_three = (timed_epochs(setting, precision, compiled, seeds) for seeds in (SEEDS[:1], SEEDS))
    ratio = float(np.median(all_three["epochs"]) / np.median(one["epochs"]))
    yield {"precision": precision, "one": one["epochs"], "three": all_three["epochs"], "ratio": round(ratio, 3)}


def trained(setting: Setting, name: str, runs: list[tuple[Population, int]], precision: str) -> list[Training]:
    """Return whole trainings, as the package runs them by default, from where an earlier attempt was cut off."""
    started = [
        Run(
            architecture,
            seed,
            Checkpoint(setting.folder / CHECKPOINTS / f"{name}-{seed}.npz", every=10),
            lambda number, loss, seed=seed: print(
                f"# {name} seed {seed}: epoch {number + 1}, loss {loss:.4f}", flush=True
            ),
        )
        for architecture, seed in runs
    ]
    results = train_together(started, setting.task, setting.recipe, device=setting.device, precision=precision)
    for result in results:
        if not isinstance(result, Training):
            raise result
    return [result for result in results if isinstance(result, Training)]


def say(name: str, number: int, loss: float) -> None:
    """Tell that a training has finished an epoch."""
    print(f"{name}: epoch {number + 1}, loss {loss:.4f}", flush=True)


def whole(setting: Setting, precision: str) -> Iterator[Record]:
    """Yield seconds and accuracy of the whole run, compilation included, and how far it is from the memory's floor."""
    (result,) = trained(setting, f"whole-{precision}", [(NB201.parse(BAR_CELL), SEEDS[0])], precision)
    floor = FLOOR.get(precision) if setting.on_gpu else None
    yield {
        "precision": precision,
        "epochs": setting.recipe.epochs,
        "seconds": round(result.seconds, 1),
        "times_floor": floor and round(result.seconds / floor, 2),
        "test": result.accuracy[Split.TEST],
    }


def losses(setting: Setting) -> Iterator[Record]:
    """Yield how far the first losses in fp32 are from those of plain loops; see ``losses.py``."""
    steps = 4 if setting.tiny else 100
    cell = NB201.parse(BAR_CELL)
    yield from differences(cell, setting.task, setting.recipe, device=setting.device, seed=0, steps=steps)


def cell(setting: Setting, number: int) -> Iterator[Record]:
    """Yield the test accuracies of a cell with three seeds beside the table's."""
    cells, known = setting.cells()
    precision = setting.precisions[-1]
    tests = [
        result.accuracy[Split.TEST]
        for result in trained(
            setting, f"cell-{number}", [(cells[number : number + 1], seed) for seed in SEEDS], precision
        )
    ]
    yield {
        "architecture": cells[number].text,
        "precision": precision,
        "test": tests,
        "mean": float(np.mean(tests)),
        "table": float(known[number]),
        "difference": float(np.mean(tests) - known[number]),
    }


def machine(setting: Setting) -> Record:
    """Return what the numbers are measured on."""
    device = torch.cuda.get_device_name(setting.device) if setting.on_gpu else "CPU"
    return {"device": device, "torch": str(torch.__version__), "cuda": torch.version.cuda, "date": time.ctime()}


def run_all(setting: Setting, results: Path, options: list[str], minutes: float | None) -> None:
    """Run the parts that have no result yet, each in its own process, until the time is over."""
    deadline = time.monotonic() + 60 * minutes if minutes else float("inf")
    known = [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    todo = [name for name in parts(setting) if not any(r["part"] == name and "failed" not in r for r in known)]
    for at, name in enumerate(todo):
        left = deadline - time.monotonic()
        if left < 1:
            print(f"the time is over; the same command goes on with: {', '.join(todo[at:])}", flush=True)
            break
        print(f"[{at + 1} of {len(todo)}] {name}", flush=True)
        start = time.monotonic()
        found = measured_apart(name, options, left)
        for record in found:
            line = json.dumps({"part": name, **record, "part_seconds": round(time.monotonic() - start, 1)})
            print(line, flush=True)
            with results.open("a") as file:
                file.write(line + "\n")
    summary(setting, results)


def measured_apart(name: str, options: list[str], seconds: float) -> list[Record]:
    """Return the records of a part that runs in its own process, or one that tells how it failed; show what it says."""
    command = [sys.executable, "-m", "benchmarks.verification.gpu", *options, "--part", name]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    clock = threading.Timer(min(seconds, threading.TIMEOUT_MAX), process.kill)
    clock.daemon = True
    clock.start()
    said = []
    for line in process.stdout or ():
        said.append(line.strip())
        if not line.startswith("{"):
            print(f"  {line}", end="", flush=True)
    process.wait()
    in_time = clock.is_alive()
    clock.cancel()
    if not in_time:
        return [{"failed": "the time was over; the same command goes on with it"}]
    if process.returncode:
        reason = next((line for line in reversed(said) if line), "no message")
        return [{"failed": f"exit code {process.returncode}: {reason[:500]}"}]
    return [json.loads(line) for line in said if line.startswith("{")]


def summary(setting: Setting, results: Path) -> None:
    """Print whether the claims hold, as far as they are measured, and what is missing."""
    records = {r["part"]: r for r in map(json.loads, results.read_text().splitlines()) if "failed" not in r}
    cells = [r for name, r in records.items() if name.startswith("cell ")]
    claims = {
        "whole run in tf32, seconds (at most 400)": records.get("whole tf32", {}).get("seconds"),
        "whole run in bf16, seconds (at most 240)": records.get("whole bf16", {}).get("seconds"),
        "three seeds at once against one, tf32 (at most 2)": records.get("three tf32", {}).get("ratio"),
        "three seeds at once against one, bf16 (at most 2)": records.get("three bf16", {}).get("ratio"),
        "greatest difference of a cell from the table, points (at most 0.5)": max(
            (abs(r["difference"]) for r in cells), default=None
        ),
        f"Kendall's tau of {len(cells)} cells (at least 0.8)": float(
            kendall_tau(np.array([r["mean"] for r in cells]), np.array([r["table"] for r in cells]))
        )
        if len(cells) > 1
        else None,
    }
    for claim, value in claims.items():
        print(f"{claim}: {'not measured' if value is None else value}")
    missing = [name for name in parts(setting) if name not in records]
    print(f"not measured: {', '.join(missing) or 'nothing'}; table: {setting.table or 'none given'}")


def few(task: ImageTask, count: int | None = 64) -> ImageTask:
    """Return the first images of each split."""
    splits = {split: Images(images.pixels[:count], images.labels[:count]) for split, images in task.splits.items()}
    return ImageTask(task.name, splits, task.classes, task.mean, task.std)


def main(arguments: list[str]) -> None:
    """Measure one part, or all in processes of their own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cifar10", help="the official archive, its folder, or a Keras-style npz")
    parser.add_argument("--table", help="NAS-Bench-201's accuracies: a name or a file in the table format")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--minutes", type=float, help="stop after so many; the same command goes on")
    parser.add_argument("--tiny", action="store_true", help="a few images and epochs, to test this script")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    parser.add_argument("--part", help="measure this one only, in this process, and print it")
    options = parser.parse_args(arguments)
    task: ImageTask = cifar10(options.cifar10) if options.cifar10 else digits()
    recipe: Recipe = configuration.load("recipe", "nb201")
    if options.tiny:
        task, recipe = few(task), replace(recipe, epochs=2, batch_size=32, channels=4, cells_per_stage=1)
    elif not options.cifar10:
        parser.error("--cifar10 is missing; only --tiny does without.")
    setting = Setting(task, recipe, options.device, options.table, options.tiny, options.out)
    options.out.mkdir(parents=True, exist_ok=True)
    if options.part:
        for record in parts(setting)[options.part]():
            print(json.dumps({**record, **machine(setting)}), flush=True)
        return
    results = options.out / ("gpu-tiny.jsonl" if options.tiny else "gpu.jsonl")
    run_all(setting, results, [a for a in arguments if not a.startswith("--part")], options.minutes)


if __name__ == "__main__":
    torch.set_num_threads(1)  # a GPU's host does little, and on a CPU every training has one thread
    main(sys.argv[1:])
