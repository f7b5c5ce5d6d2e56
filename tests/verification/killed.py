"""Kill trainings at random moments and resume them: ``python killed.py FOLDER KILLS``; used by test_checkpoint.py.

Each training is a fork of this process, so that PyTorch is imported once. Prints a JSON line for each kill: the signal,
how many epochs the checkpoint held, and whether the resumed training ended with the weights of an undisturbed one.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import torch

from surrogate_nas.space import NB201
from surrogate_nas.verification.checkpoint import Checkpoint
from surrogate_nas.verification.data import digits
from surrogate_nas.verification.recipe import Recipe
from surrogate_nas.verification.trainer import train

CELL = NB201.parse("|nor_conv_3x3~0|+|none~0|skip_connect~1|+|nor_conv_1x1~0|none~1|avg_pool_3x3~2|")
RECIPE = Recipe(epochs=8, batch_size=64, learning_rate=0.05, channels=4, cells_per_stage=1)
TASK = digits(train=200, views=1)
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


def run(path: Path) -> None:
    """Train in a way that stops at the next step after SIGTERM or Ctrl-C, as a worker does."""
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda got, _: asked.append(got))
    train(CELL, TASK, RECIPE, seed=1, checkpoint=Checkpoint(path), stop=partial(bool, asked))


def forked(path: Path) -> int:
    """Start a training in a process of its own and return its number."""
    child = os.fork()
    if child:
        return child
    try:
        run(path)
    finally:
        os._exit(0)


def weights(path: Path) -> dict[str, bytes]:
    """Return the final weights, statistics and momenta of a training."""
    with np.load(path) as file:
        return {name: file[name].tobytes() for name in file.files if name != "header"}


def main(folder: Path, kills: int) -> None:
    """Kill and resume."""
    torch.set_num_threads(1)
    train(CELL, TASK, RECIPE, seed=1)  # so that PyTorch prepares its kernels once, and not in each fork
    undisturbed = folder / "undisturbed.npz"
    start = time.perf_counter()
    os.waitpid(forked(undisturbed), 0)
    seconds = time.perf_counter() - start
    expected = weights(undisturbed)
    rng = random.Random(0)
    for kill in range(kills):
        path, number = folder / f"{kill}.npz", SIGNALS[kill % len(SIGNALS)]
        child = forked(path)
        time.sleep(rng.uniform(0, seconds))
        os.kill(child, number)
        os.waitpid(child, 0)
        held = json.loads(str(np.load(path)["header"]))["progress"]["epoch"] if path.exists() else 0
        os.waitpid(forked(path), 0)
        print(json.dumps({"signal": number.name, "held": held, "same": weights(path) == expected}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
