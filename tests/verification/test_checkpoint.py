"""Checkpoints: a training that was interrupted at any moment ends with the same weights, bit for bit."""

from __future__ import annotations

import errno
import json
import os
import resource
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from surrogate_nas.errors import CheckpointError, ExhaustedError, StoppedError, StorageError
from surrogate_nas.space import NB201
from surrogate_nas.verification import checkpoint as checkpoints
from surrogate_nas.verification import memory
from surrogate_nas.verification.checkpoint import Checkpoint, Progress
from surrogate_nas.verification.data import digits
from surrogate_nas.verification.recipe import Recipe
from surrogate_nas.verification.trainer import train
from tests.verification import killed

CELL = NB201.parse("|nor_conv_1x1~0|+|none~0|skip_connect~1|+|none~0|none~1|avg_pool_3x3~2|")
TINY = Recipe(epochs=3, batch_size=64, learning_rate=0.05, channels=4, cells_per_stage=1)
TASK = digits(train=200, views=1)  # four steps an epoch
trained = partial(train, CELL, TASK, TINY, seed=5)


def stop_after(steps: int):
    asked = iter(range(1, 1000))
    return lambda: next(asked) >= steps


@pytest.mark.parametrize("steps", [1, 4, 6, 11])
def test_a_stopped_training_goes_on_to_the_same_result(steps: int, tmp_path: Path) -> None:
    undisturbed = trained(checkpoint=Checkpoint(tmp_path / "whole.npz"))
    path = tmp_path / "stopped.npz"
    with pytest.raises(StoppedError, match=r"seed 5 was stopped in epoch \d of 3; its state is in .*stopped.npz"):
        trained(checkpoint=Checkpoint(path), stop=stop_after(steps))
    resumed = trained(checkpoint=Checkpoint(path))
    assert replace(resumed, seconds=0) == replace(undisturbed, seconds=0)
    assert killed.weights(path) == killed.weights(tmp_path / "whole.npz")


def test_an_ended_training_is_not_repeated(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "c.npz")
    first = trained(checkpoint=checkpoint)
    steps: list[int] = []
    again = trained(checkpoint=checkpoint, on_epoch=lambda epoch, loss: steps.append(epoch))
    assert steps == []
    assert replace(again, seconds=first.seconds) == first


def test_checkpoints_are_written_every_so_many_epochs_and_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    save = checkpoints.save
    monkeypatch.setattr(checkpoints, "save", lambda path, identity, progress, arrays: written.append(progress.epoch))
    trained(checkpoint=Checkpoint(tmp_path / "c.npz", every=2))
    assert written == [2, 3]
    assert save is not checkpoints.save


def test_a_checkpoint_changes_no_number(tmp_path: Path) -> None:
    with_, without = trained(checkpoint=Checkpoint(tmp_path / "c.npz")), trained()
    assert replace(with_, seconds=0) == replace(without, seconds=0)


def test_killed_at_twenty_random_moments_it_resumes_to_the_same_weights(tmp_path: Path) -> None:
    script = [sys.executable, "-m", "tests.verification.killed", str(tmp_path), "20"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(script, check=True, capture_output=True, text=True, env=environment, timeout=300)
    kills = [json.loads(line) for line in done.stdout.splitlines()]
    assert [kill["same"] for kill in kills] == [True] * 20
    assert len({kill["held"] for kill in kills}) > 3  # the moments were spread over the training
    assert not list(tmp_path.glob("*.part")) or any(kill["signal"] == "SIGKILL" for kill in kills)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 6}, "belongs to another run: seed is 5 there and 6 here"),
        ({"recipe": replace(TINY, epochs=4)}, "belongs to another run: recipe is .* Delete it"),
        ({"task": digits(train=201, views=1)}, "belongs to another run: images is"),
        ({"precision": "bf16"}, "belongs to another run: precision is 'fp32' there and 'bf16' here"),
        ({"architecture": NB201.at(np.array([0]))}, "belongs to another run: architecture is"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(change: dict[str, object], message: str, tmp_path: Path) -> None:
    run: dict[str, object] = {"architecture": CELL, "task": TASK, "recipe": TINY, "seed": 5}
    checkpoint = Checkpoint(tmp_path / "c.npz")
    train(**run, checkpoint=checkpoint)  # type: ignore[arg-type]
    with pytest.raises(CheckpointError, match=message):
        train(**(run | change), checkpoint=checkpoint)  # type: ignore[arg-type]


def test_a_checkpoint_of_another_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, here = tmp_path / "c.npz", checkpoints.versions()
    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "versions", lambda: {**here, "surrogate_nas": "0.0.1"})
        checkpoints.save(path, {}, Progress(), {})
    with pytest.raises(CheckpointError, match=r"was written by another version: surrogate_nas is '0.0.1' there"):
        checkpoints.load(path, {})


@pytest.mark.parametrize("damage", [b"", b"not a checkpoint", None])
def test_a_damaged_checkpoint_is_refused(damage: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "c.npz"
    checkpoints.save(path, {"seed": 1}, Progress(), {"weight": np.zeros(1000)})
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    with pytest.raises(CheckpointError, match=r"c.npz is no whole checkpoint .* Delete it to train from the start"):
        checkpoints.load(path, {"seed": 1})


def test_a_flipped_bit_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "c.npz"
    checkpoints.save(path, {}, Progress(), {"weight": np.zeros(1000)})
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="no whole checkpoint"):
        checkpoints.load(path, {})


def test_a_disk_without_room_is_told_and_keeps_the_last_checkpoint(tmp_path: Path) -> None:
    """A limit on the size of files stands in for a full disk: the system refuses the write in the same place."""
    path = tmp_path / "c.npz"
    checkpoints.save(path, {}, Progress(epoch=1), {})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
    try:
        with pytest.raises(StorageError, match=f"cannot write the checkpoint .*: {os.strerror(errno.EFBIG)}"):
            checkpoints.save(path, {}, Progress(epoch=2), {"weight": np.zeros(1000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [entry.name for entry in tmp_path.iterdir()] == ["c.npz"]
    found = checkpoints.load(path, {})
    assert found is not None
    assert found[0].epoch == 1


def test_exhausted_memory_is_told_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda device: None)  # so that it is found out by trying
    with pytest.raises(ExhaustedError, match=r"memory was exhausted by the training of .* with seed 5. Train fewer"):
        train(CELL, TASK, replace(TINY, channels=1_000_000), seed=5)
