"""How fast are trainings, and do they reach what the table says? See README.md beside this file.

    python -m benchmarks.verification.run cpu --cifar10 FILE.npz
    python -m benchmarks.verification.run gpu --cifar10 FILE.npz --table FOLDER/nb201/accuracy.parquet
    python -m benchmarks.verification.run gpu --tiny --device cpu

``cpu`` compares images a second with a plain loop over a DataLoader with CPU transforms. ``gpu`` does all that wants a
GPU, in the order of importance, and writes each number as soon as it is known: seconds of an epoch in each precision,
compiled and not, three seeds at once against one, the whole 200-epoch run, and six cells against the table. ``--tiny``
shrinks everything, so that the script can be tested anywhere.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from surrogate_nas import configuration
from surrogate_nas.metrics import kendall_tau
from surrogate_nas.space import NB201
from surrogate_nas.split import Split
from surrogate_nas.verification.archives import cifar10
from surrogate_nas.verification.data import Images, ImageTask, digits
from surrogate_nas.verification.recipe import Recipe
from surrogate_nas.verification.trainer import Run, Training, build_network, train, train_together
from tests.verification.plain import plain_network

BAR_CELL = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|"
SMALL_CELL = "|nor_conv_1x1~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|skip_connect~2|"
WANTED = (85.0, 88.0, 90.0, 92.0, 93.5, 94.37)  # test accuracies of the six cells, in the table
SEEDS = (777, 888, 999)


class PlainImages(Dataset[tuple[Tensor, int]]):
    """Images one by one, flipped, cropped and normalised on the CPU: what most training scripts do."""

    def __init__(self, task: ImageTask, recipe: Recipe) -> None:
        self.images, self.recipe = task.train, recipe
        self.mean, self.std = (torch.from_numpy(value)[:, None, None] for value in (task.mean, task.std))

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, at: int) -> tuple[Tensor, int]:
        pixels = torch.from_numpy(self.images.pixels[at]).permute(2, 0, 1)
        height, width, padding = *pixels.shape[1:], self.recipe.crop_padding
        if self.recipe.flip and torch.rand(()) < 0.5:
            pixels = pixels.flip(2)
        if padding:
            top, left = torch.randint(2 * padding + 1, (2,)).tolist()
            pixels = nn.functional.pad(pixels, [padding] * 4)[:, top : top + height, left : left + width]
        return (pixels.float() / 255 - self.mean) / self.std, int(self.images.labels[at])


def plain_epochs(network: nn.Module, task: ImageTask, recipe: Recipe, *, workers: int = 0) -> None:
    """Train as a plain script does."""
    loader = DataLoader(PlainImages(task, recipe), batch_size=recipe.batch_size, shuffle=True, num_workers=workers)
    optimiser = torch.optim.SGD(
        network.parameters(), lr=recipe.learning_rate, momentum=0.9, weight_decay=5e-4, nesterov=True
    )
    for epoch in range(recipe.epochs):
        for group in optimiser.param_groups:
            group["lr"] = recipe.learning_rate_at(epoch)
        network.train()
        total = 0.0
        for images, labels in loader:
            loss = nn.functional.cross_entropy(network(images), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += loss.item() * len(labels)


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return the wall and the processor seconds of this process that some work takes."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - processor


def on_cpu(cifar: ImageTask | None, *, repeats: int) -> Iterator[dict[str, Any]]:
    """Yield images a second of plain loops and of ours, one thread each, in turn: all meet the same machine."""
    torch.set_num_threads(1)
    cases = {"digits": (digits(), configuration.load("recipe", "digits"), NB201.parse(BAR_CELL))}
    if cifar is not None:
        cases["cifar10"] = (cifar, Recipe(epochs=1, channels=4, cells_per_stage=1), NB201.parse(SMALL_CELL))
    for name, (task, recipe, architecture) in cases.items():
        unmeasured = ImageTask("unmeasured", {Split.TRAIN: task.train}, task.classes, task.mean, task.std)

        def plain(own: bool, **settings: int) -> Callable[[], object]:
            """Return a plain training, of our network or of one that has a module an edge."""
            values = (architecture, task, recipe)  # noqa: B023  # called before the loop goes on
            network = build_network(*values) if own else plain_network(values[0], values[2], classes=values[1].classes)
            return lambda: plain_epochs(network, *values[1:], **settings)

        ways: dict[str, Callable[[], object]] = {
            "plain loop, plain network": plain(own=False),
            "plain loop, plain network, 1 worker": plain(own=False, workers=1),
            "plain loop, our network": plain(own=True),
            "ours": lambda task=unmeasured, recipe=recipe, cell=architecture: train(cell, task, recipe, seed=1),
        }
        seen: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
        for _ in range(repeats):
            for way, work in ways.items():
                seen[way].append(timed(work))
        images = len(task.train) * recipe.epochs
        for way, times in seen.items():
            wall, processor = zip(*times, strict=True)
            yield {
                "question": "images a second",
                "case": name,
                "way": way,
                "images": images,
                "n": repeats,
                "images_per_second_wall": [round(images / value, 1) for value in wall],
                "processor_seconds_of_this_process": [round(value, 2) for value in processor],
                "median_images_per_second": round(images / statistics.median(wall), 1),
            }


def on_gpu(task: ImageTask, recipe: Recipe, device: str, table: Path | None) -> Iterator[dict[str, Any]]:
    """Yield what wants a GPU, the quick questions first."""
    architecture = NB201.parse(BAR_CELL)
    precisions = ("fp32", "tf32", "bf16") if device.startswith("cuda") else ("fp32", "bf16")
    short = replace(recipe, epochs=min(3, recipe.epochs))
    seconds: dict[tuple[str, bool], float] = {}
    for precision in precisions:
        for compiled in (False, True) if device.startswith("cuda") else (False,):
            marks = [time.perf_counter()]
            result = train(
                *(architecture, task, short),
                seed=SEEDS[0],
                device=device,
                precision=precision,
                compiled=compiled,
                on_epoch=lambda epoch, loss, marks=marks: marks.append(time.perf_counter()),
            )
            each = np.diff(marks).tolist()
            seconds[precision, compiled] = min(each)  # the first one compiles and records
            yield {
                "question": "seconds of an epoch",
                "precision": precision,
                "compiled": compiled,
                "seconds": [round(value, 3) for value in each],
                "losses": result.losses,
            }
    runs = [Run(architecture, seed) for seed in SEEDS]
    for precision in precisions[1:]:
        best = min((value, way) for (name, way), value in seconds.items() if name == precision)
        settings = {"device": device, "precision": precision, "compiled": best[1]}
        alone = timed(lambda settings=settings: train_together(runs[:1], task, short, **settings))[0]
        three = timed(lambda settings=settings: train_together(runs, task, short, **settings))[0]
        yield {
            "question": "three seeds at once against one",
            "precision": precision,
            "epochs": short.epochs,
            "one": round(alone, 2),
            "three": round(three, 2),
            "ratio": round(three / alone, 3),
        }
        result = train(architecture, task, recipe, seed=SEEDS[0], **settings)
        yield {
            "question": "whole run",
            "precision": precision,
            "compiled": best[1],
            "epochs": recipe.epochs,
            "seconds": round(result.seconds, 1),
            "test": result.accuracy[Split.TEST],
        }
    yield from against_table(task, recipe, device, precisions[-1], table)


def against_table(
    task: ImageTask, recipe: Recipe, device: str, precision: str, path: Path | None
) -> Iterator[dict[str, Any]]:
    """Yield the mean test accuracies of six cells beside the table's, and whether their ranking is kept."""
    if path is None:
        return
    from surrogate_nas.table import load_table

    table = load_table(str(path))
    known = table.accuracy(dataset="cifar10", split="test", epochs=200)
    rows = [int(np.nanargmin(np.abs(known - wanted))) for wanted in WANTED]
    means = []
    for row in rows:
        cell = table.population[row]
        results = train_together([Run(cell, seed) for seed in SEEDS], task, recipe, device=device, precision=precision)
        tests = [result.accuracy[Split.TEST] for result in results if isinstance(result, Training)]
        means.append(statistics.mean(tests) if tests else float("nan"))
        yield {
            "question": "cell against table",
            "architecture": cell.text,
            "precision": precision,
            "test": tests,
            "mean": means[-1],
            "table": float(known[row]),
            "difference": means[-1] - float(known[row]),
        }
    yield {"question": "ranking of six cells", "kendall_tau": kendall_tau(np.array(means), known[rows])}


def tiny(task: ImageTask, count: int | None = 64) -> ImageTask:
    """Return the first images of each split."""
    splits = {split: Images(part.pixels[:count], part.labels[:count]) for split, part in task.splits.items()}
    return ImageTask(task.name, splits, task.classes, task.mean, task.std)


def machine(device: str) -> dict[str, Any]:
    """Return what the numbers were measured on."""
    on = torch.cuda.get_device_name(device) if device.startswith("cuda") else platform.processor() or platform.machine()
    load = os.getloadavg() if hasattr(os, "getloadavg") else ()
    return {"device": on, "cores": os.cpu_count(), "load": load, "torch": torch.__version__, "started": time.ctime()}


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("cpu", "gpu"))
    parser.add_argument("--cifar10", help="the official archive, its folder, or a Keras-style npz")
    parser.add_argument("--table", type=Path, help="NAS-Bench-201's accuracies in the table format")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--images", type=int, help="train on the first of them only (cpu)")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--tiny", action="store_true", help="a few images and epochs, to test this script")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    real = cifar10(options.cifar10) if options.cifar10 else None
    if options.what == "cpu":
        results = on_cpu(real and tiny(real, options.images), repeats=options.repeats)
    else:
        task, recipe = real or digits(), configuration.load("recipe", "nb201")
        if options.tiny:
            task, recipe = tiny(task), replace(recipe, epochs=2, batch_size=32, channels=4, cells_per_stage=1)
        results = on_gpu(task, recipe, options.device, options.table)
    options.out.mkdir(parents=True, exist_ok=True)
    name = f"{options.what}-tiny" if options.tiny else options.what
    with (options.out / f"{name}.jsonl").open("w") as file:
        file.write(json.dumps(machine(options.device if options.what == "gpu" else "cpu")) + "\n")
        for record in results:
            print(json.dumps(record), flush=True)
            file.write(json.dumps(record) + "\n")
            file.flush()  # a run that is cut off leaves what it has measured


if __name__ == "__main__":
    main()
