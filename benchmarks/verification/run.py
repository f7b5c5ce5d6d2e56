"""How fast are trainings, and do they reach what the table says? See README.md beside this file.

    python -m benchmarks.verification.run cpu --cifar10 FILE.npz
    python -m benchmarks.verification.run losses --cifar10 FILE.npz
    python -m benchmarks.verification.run gpu --cifar10 FILE.npz --table FOLDER/nb201/accuracy.parquet
    python -m benchmarks.verification.run gpu --tiny --device cpu

``cpu`` compares images a second with a plain loop over a DataLoader with CPU transforms; ``losses`` is ``losses.py`` on
the CPU, and ``gpu`` is ``gpu.py``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from benchmarks.verification import gpu
from benchmarks.verification.gpu import BAR_CELL
from benchmarks.verification.losses import differences
from surrogate_nas import configuration
from surrogate_nas.space import NB201, Population
from surrogate_nas.split import Split
from surrogate_nas.verification.archives import cifar10
from surrogate_nas.verification.data import ImageTask, digits
from surrogate_nas.verification.recipe import Recipe
from surrogate_nas.verification.trainer import build_network, train
from tests.verification.plain import plain_network

SMALL_CELL = "|nor_conv_1x1~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|skip_connect~2|"


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
    loader = DataLoader(
        PlainImages(task, recipe),
        batch_size=recipe.batch_size,
        shuffle=True,
        num_workers=workers,
        multiprocessing_context="fork" if workers else None,  # as by default, but for processes that were spawned
    )
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


Case = tuple[Population, ImageTask, Recipe]


def plain(case: Case, *, own: bool, workers: int = 0) -> Callable[[], object]:
    """Return a plain training, of our network or of one that has a module an edge."""
    architecture, task, recipe = case
    network = build_network(*case) if own else plain_network(architecture, recipe, classes=task.classes)
    return lambda: plain_epochs(network, task, recipe, workers=workers)


def ours(case: Case) -> Callable[[], object]:
    """Return our training, without measuring what it reached."""
    architecture, task, recipe = case
    unmeasured = ImageTask("unmeasured", {Split.TRAIN: task.train}, task.classes, task.mean, task.std)
    return lambda: train(architecture, unmeasured, recipe, seed=1)


WAYS: dict[str, Callable[[Case], Callable[[], object]]] = {
    "plain loop, plain network": partial(plain, own=False),
    "plain loop, plain network, 1 worker": partial(plain, own=False, workers=1),
    "plain loop, our network": partial(plain, own=True),
    "ours": ours,
}


def timed_alone(way: str, case: Case) -> tuple[float, float]:
    """Return the seconds that a way takes with one thread, after an epoch of one batch has loaded what it needs."""
    torch.set_num_threads(1)
    architecture, task, recipe = case
    WAYS[way]((architecture, gpu.few(task, recipe.batch_size), replace(recipe, epochs=1)))()
    return timed(WAYS[way](case))


def on_cpu(cifar: ImageTask | None, *, repeats: int) -> Iterator[dict[str, Any]]:
    """Yield images a second of plain loops and of ours, in turn: all meet the same machine.

    Each training has a process of its own, for ours changes how its process allocates memory.
    """
    cases: dict[str, Case] = {"digits": (NB201.parse(BAR_CELL), digits(), configuration.load("recipe", "digits"))}
    if cifar is not None:
        cases["cifar10"] = (NB201.parse(SMALL_CELL), cifar, Recipe(epochs=1, channels=4, cells_per_stage=1))
    for name, case in cases.items():
        seen: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
        for _ in range(repeats):
            for way in WAYS:
                with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
                    seen[way].append(process.submit(timed_alone, way, case).result())
        _, task, recipe = case
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


def first_losses(cifar: ImageTask | None, *, repeats: int) -> Iterator[dict[str, Any]]:
    """Yield how far the first losses are from those of plain loops on the CPU, for as many seeds as repeats."""
    torch.set_num_threads(1)
    cell = NB201.parse(BAR_CELL)
    cases = {"digits": (digits(), configuration.load("recipe", "digits"), 100)}
    if cifar is not None:
        cases["cifar10"] = (cifar, Recipe(cells_per_stage=1), 10)
    for name, (task, recipe, steps) in cases.items():
        for seed in range(repeats):
            for record in differences(cell, task, recipe, device="cpu", seed=seed, steps=steps):
                yield {"question": "first losses", "case": name, **record}


def machine() -> dict[str, Any]:
    """Return what the numbers were measured on."""
    load = os.getloadavg() if hasattr(os, "getloadavg") else ()
    processor = platform.processor() or platform.machine()
    return {
        "device": processor,
        "cores": os.cpu_count(),
        "load": load,
        "torch": torch.__version__,
        "date": time.ctime(),
    }


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("cpu", "losses", "gpu"))
    parser.add_argument("--cifar10", help="the official archive, its folder, or a Keras-style npz")
    parser.add_argument("--images", type=int, help="train on the first of them only")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    if sys.argv[1:2] == ["gpu"]:
        gpu.main(sys.argv[2:])
        return
    options = parser.parse_args()
    real = cifar10(options.cifar10) if options.cifar10 else None
    options.out.mkdir(parents=True, exist_ok=True)
    measure = on_cpu if options.what == "cpu" else first_losses
    with (options.out / f"{options.what}.jsonl").open("w") as file:
        file.write(json.dumps(machine()) + "\n")
        for record in measure(real and gpu.few(real, options.images), repeats=options.repeats):
            print(json.dumps(record), flush=True)
            file.write(json.dumps(record) + "\n")
            file.flush()  # a run that is cut off leaves what it has measured


if __name__ == "__main__":
    main()
