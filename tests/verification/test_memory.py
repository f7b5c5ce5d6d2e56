"""Trainings that cannot fit into memory are refused before they begin."""

from __future__ import annotations

import platform
import subprocess
import sys
from dataclasses import replace

import pytest

from surrogate_nas.errors import ExhaustedError
from surrogate_nas.space import NB201
from surrogate_nas.verification import memory
from surrogate_nas.verification.data import digits
from surrogate_nas.verification.executor import Job, Work
from surrogate_nas.verification.local import LocalExecutor
from surrogate_nas.verification.recipe import Recipe
from surrogate_nas.verification.trainer import Run, train, train_together

CELL = NB201.parse("|nor_conv_1x1~0|+|none~0|skip_connect~1|+|none~0|none~1|avg_pool_3x3~2|")
TINY = Recipe(epochs=1, batch_size=64, channels=4, cells_per_stage=1)
TASK = digits(train=200, views=1)


def test_the_estimate_by_hand() -> None:
    """One convolution keeps three values of an output beside its cell's input; stages of 10, 5 and 3 pixels a side."""
    stages = 4 * 10 * 10 + 8 * 5 * 5 + 16 * 3 * 3
    images = 200 * 18 * 18 * 3
    assert memory.bytes_needed([CELL], TASK, TINY) == images + stages * (1 + 3) * 64 * 4
    assert memory.bytes_needed([CELL] * 3, TASK, TINY) == images + 3 * stages * (1 + 3) * 64 * 4
    assert memory.bytes_needed([CELL], TASK, replace(TINY, batch_size=4096)) == images + stages * (1 + 3) * 200 * 4


def test_more_seeds_than_memory_are_refused_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda device: memory.bytes_needed([CELL] * 2, TASK, TINY))
    train_together([Run(CELL, seed) for seed in (1, 2)], TASK, TINY)
    with pytest.raises(ExhaustedError, match=r"3 trainings at the same time need at least .* GB of memory, cpu has"):
        train_together([Run(CELL, seed) for seed in (1, 2, 3)], TASK, TINY)


def test_one_training_that_cannot_fit_is_refused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda device: 1000)
    with pytest.raises(ExhaustedError, match="Train fewer at the same time, or with a smaller batch_size"):
        train(CELL, TASK, TINY, seed=1)


def test_where_nobody_tells_how_much_is_free_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda device: None)
    train(CELL, TASK, TINY, seed=1)


def test_more_processes_than_memory_are_refused_before_any_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda device: 10 * memory.PROCESS)
    jobs = [Job(CELL, seed) for seed in range(11)]
    with pytest.raises(ExhaustedError, match=r"11 processes need at least 1.6 GB of memory.* \(workers\)"):
        next(LocalExecutor().run(jobs, Work(digits, TINY), workers=1000))
    memory.check_processes(10)


FAULTS = """
import resource, torch
from surrogate_nas.verification.memory import MUCH, reuse_memory
reuse_memory(MUCH)
def filled():
    tensors = [torch.empty(2**20).fill_(1) for _ in range(10)]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
filled()
before = filled()
print([filled() for _ in range(10)][-1] - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told to keep what is freed")
def test_freed_memory_is_kept_for_the_next_tensors() -> None:
    """Ten times 40 MB are 102,400 pages of 4 kB; glibc's default gives them back each time (102,080 counted)."""
    result = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True)
    assert int(result.stdout) < 10_000
