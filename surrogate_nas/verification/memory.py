"""Whether trainings fit into memory, asked before they begin, and memory that a process keeps for its next tensors.

What cannot fit is refused in one sentence instead of being killed midway.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from surrogate_nas.errors import ExhaustedError
from surrogate_nas.space.cell import KERNEL_SIZES
from surrogate_nas.space.population import Population
from surrogate_nas.verification.data import ImageTask
from surrogate_nas.verification.network import cell_space
from surrogate_nas.verification.recipe import Recipe

FLOAT = 4  # bytes of a float32
PROCESS = 140 * 2**20  # bytes of its own that a process holds once it has imported PyTorch 2.13: /proc/PID/smaps_rollup
MUCH = 32 * 2**20  # bytes of a training for which keeping memory pays: benchmarks/verification
# Settings of glibc's malloc, by their numbers in malloc.h, in bytes: M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD.
REUSED = {-1: 2**31 - 1, -2: 64 * 2**20, -3: 32 * 2**20}
KEPT = 3  # values that a convolution keeps for each of its outputs: rectified input, its own output, the normalised one


def bytes_needed(architectures: Sequence[Population], task: ImageTask, recipe: Recipe) -> int:
    """Return about how many bytes trainings at the same time need: images once, activations of a batch for each.

    An estimate from below: work space of the convolutions and PyTorch itself come on top.
    """
    _, height, width, channels = task.train.pixels.shape
    padded = (height + 2 * recipe.crop_padding) * (width + 2 * recipe.crop_padding) * channels
    stages = [recipe.channels * 2**stage * -(-height // 2**stage) * -(-width // 2**stage) for stage in range(3)]
    total = len(task.train) * padded
    for architecture in architectures:
        edges = cell_space(architecture).labelled_edges(architecture)
        convolutions = sum(operation in KERNEL_SIZES for _, _, operation in edges)
        values = sum(stages) * recipe.cells_per_stage * (1 + KEPT * convolutions)
        total += values * min(recipe.batch_size, len(task.train)) * FLOAT
    return int(total)


def check_memory(architectures: Sequence[Population], task: ImageTask, recipe: Recipe, device: str) -> None:
    """Refuse what cannot fit.

    Raises:
        ExhaustedError: trainings at the same time need more memory than the device has free.
    """
    needed, free = bytes_needed(architectures, task, recipe), free_bytes(device)
    if free is not None and needed > free:
        raise ExhaustedError(
            f"{len(architectures)} trainings at the same time need at least {needed / 1e9:.1f} GB of memory, "
            f"{device} has {free / 1e9:.1f} GB free. Train fewer at the same time, or with a smaller batch_size."
        )


def reuse_memory(needed: int) -> None:
    """Let this process keep the memory of freed tensors, where glibc allocates it and a training needs much.

    By default it goes back to the system and is asked for again, page after page, several times a step. Where little
    is needed it stays in the process by itself, and nearer to the processor.

    Args:
        needed: bytes, as ``bytes_needed`` tells them.
    """
    if needed < MUCH or sys.platform != "linux":
        return
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):  # other C libraries than glibc have none
        for setting, value in REUSED.items():
            library.mallopt(setting, value)


def check_processes(count: int) -> None:
    """Refuse more processes than fit.

    Raises:
        ExhaustedError: they need more memory than this machine has free, before any has an image.
    """
    needed, free = count * PROCESS, free_bytes("cpu")
    if free is not None and needed > free:
        raise ExhaustedError(
            f"{count} processes need at least {needed / 1e9:.1f} GB of memory, this machine has {free / 1e9:.1f} GB "
            "free. Train fewer at the same time (workers)."
        )


def free_bytes(device: str) -> int | None:
    """Return how many bytes a device has free, None where nobody tells."""
    if torch.device(device).type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    told = Path("/proc/meminfo")  # Linux; other systems are not asked
    if torch.device(device).type != "cpu" or not told.is_file():
        return None
    fields = dict(line.split(":", 1) for line in told.read_text(encoding="ascii").splitlines())
    return 1024 * int(fields["MemAvailable"].split()[0])
