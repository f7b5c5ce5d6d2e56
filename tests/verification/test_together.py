"""Several trainings that share a device, and steps that are recorded and replayed: all give what one alone gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from surrogate_nas.errors import DivergedError, SettingError, StoppedError
from surrogate_nas.space import NATS_SIZE, NB201
from surrogate_nas.verification import learner as learners
from surrogate_nas.verification.checkpoint import Checkpoint
from surrogate_nas.verification.data import digits
from surrogate_nas.verification.learner import Learner, Precision, Replay, worth_compiling
from surrogate_nas.verification.recipe import Recipe
from surrogate_nas.verification.resident import ResidentImages
from surrogate_nas.verification.trainer import Run, Training, build_network, train, train_together
from tests.verification.killed import weights

CELLS = NB201.parse(
    [
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|skip_connect~1|+|nor_conv_1x1~0|none~1|avg_pool_3x3~2|",
        "|nor_conv_1x1~0|+|none~0|skip_connect~1|+|none~0|none~1|avg_pool_3x3~2|",
    ]
)
TINY = Recipe(epochs=2, batch_size=64, learning_rate=0.05, channels=4, cells_per_stage=1)
TASK = digits(train=200, views=1)  # four steps an epoch, the last of eight images


def test_trainings_that_take_turns_give_what_each_gives_alone() -> None:
    runs = [Run(cell, seed) for cell in CELLS for seed in (1, 2)]
    for run, together in zip(runs, train_together(runs, TASK, TINY), strict=True):
        assert isinstance(together, Training)
        assert replace(together, seconds=0) == replace(train(run.architecture, TASK, TINY, seed=run.seed), seconds=0)


def test_the_time_of_trainings_that_take_turns_is_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(10_000))
    monkeypatch.setattr("time.perf_counter", lambda: float(next(ticks)))
    runs = [Run(CELLS[0], seed) for seed in (1, 2)]
    one, other = train_together(runs, TASK, TINY)
    assert isinstance(one, Training)
    assert isinstance(other, Training)
    assert one.seconds + other.seconds < next(ticks)  # the sum is at most what passed


def test_one_that_fails_does_not_end_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    loss = Learner.epoch_loss
    monkeypatch.setattr(
        Learner, "epoch_loss", lambda self: float("nan") if self.network.poisoned else loss(self), raising=True
    )
    build = build_network
    made: list[torch.nn.Module] = []

    def poisoned_second(*arguments: object) -> torch.nn.Module:
        made.append(build(*arguments))  # type: ignore[arg-type]
        made[-1].poisoned = len(made) == 2
        return made[-1]

    monkeypatch.setattr("surrogate_nas.verification.trainer.build_network", poisoned_second)
    first, second, third = train_together([Run(CELLS[0], seed) for seed in (1, 2, 3)], TASK, TINY)
    assert isinstance(second, DivergedError)
    assert isinstance(first, Training)
    assert isinstance(third, Training)


def test_all_of_them_stop_and_go_on(tmp_path: Path) -> None:
    runs = [Run(CELLS[0], seed, Checkpoint(tmp_path / f"{seed}.npz")) for seed in (1, 2)]
    asked = iter(range(1000))
    with pytest.raises(StoppedError):
        train_together(runs, TASK, TINY, stop=lambda: next(asked) >= 6)  # in the fourth turn of each
    assert sorted(file.name for file in tmp_path.iterdir()) == ["1.npz", "2.npz"]
    train_together(runs, TASK, TINY)
    for run in runs:
        alone = Checkpoint(tmp_path / f"alone{run.seed}.npz")
        train(run.architecture, TASK, TINY, seed=run.seed, checkpoint=alone)
        assert run.checkpoint is not None
        assert weights(run.checkpoint.path) == weights(alone.path)


def test_only_cells_are_trained() -> None:
    with pytest.raises(SettingError, match="only cells can be trained, got an architecture of space 'nats-size'"):
        train(NATS_SIZE.at(np.array([0])), TASK, TINY, seed=1)


def learned(
    record: Callable[[Replay], Replay] | None, *, compiled: bool = False
) -> tuple[list[float], dict[str, bytes]]:
    """Return the losses and final state of two epochs."""
    torch.manual_seed(0)
    images = ResidentImages.of(TASK.train, TASK, device="cpu", padding=TINY.crop_padding)
    built = Learner(
        build_network(CELLS[0], TASK, TINY), images, TINY, precision=Precision.FP32, compiled=compiled, record=record
    )
    losses = []
    for epoch in range(2):
        built.begin_epoch(TINY.learning_rate_at(epoch))
        for draws in images.draw_epoch(TINY, seed=epoch).split(TINY.batch_size):
            built.step(draws)
        losses.append(built.epoch_loss())
    return losses, {name: array.tobytes() for name, array in built.state().items()}


def test_recorded_steps_learn_the_same() -> None:
    """A CUDA graph cannot be recorded here; all around it can: warming up, putting the state back, fixed places."""
    recorded: list[Replay] = []
    assert learned(lambda step: recorded.append(step) or step) == learned(None)
    assert len(recorded) == 2  # one for the whole batches, one for the last


def test_a_recording_that_fails_costs_time_and_not_the_result(caplog: pytest.LogCaptureFixture) -> None:
    def fails(step: Replay) -> Replay:
        raise RuntimeError("operation not permitted when stream is capturing")

    assert learned(fails) == learned(None)
    assert "no CUDA graph could be recorded (operation not permitted" in caplog.text


def test_a_compilation_that_fails_costs_time_and_not_the_result(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("no C compiler was found\nand a program of a hundred lines")

    monkeypatch.setattr(torch, "compile", lambda loss, **settings: fails)
    assert learned(None, compiled=True) == learned(None)
    assert learned(lambda step: step, compiled=True) == learned(None)
    assert [record.message for record in caplog.records] == [
        "torch.compile failed (no C compiler was found); the training goes on without, slower."
    ] * 2


def test_only_whole_batches_are_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    monkeypatch.setattr(
        torch,
        "compile",
        lambda loss, **settings: lambda images, labels: (sizes.append(len(labels)), loss(images, labels))[1],
    )
    assert learned(None, compiled=True) == learned(None)
    assert set(sizes) == {TINY.batch_size}


@pytest.mark.parametrize(("device", "steps"), [("cpu", 10**6), ("cuda", 100)])
def test_compilation_pays_on_a_gpu_and_in_long_trainings_only(device: str, steps: int) -> None:
    assert not worth_compiling(device, steps)


@pytest.mark.parametrize(("name", "message"), [("fp16", "unknown precision 'fp16'"), ("tf32", "needs a CUDA device")])
def test_precisions_that_cannot_be_had_are_refused(name: str, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        train(CELLS[0], TASK, TINY, seed=1, precision=name)


def test_bfloat16_learns_about_the_same_with_weights_in_float32() -> None:
    exact, rounded = (train(CELLS[0], TASK, TINY, seed=1, precision=name) for name in ("fp32", "bf16"))
    assert exact.losses != rounded.losses
    # bfloat16 has eight significant bits, a rounding of 0.4 %; two epochs amplify it by an order of magnitude at most.
    assert rounded.losses == pytest.approx(exact.losses, rel=0.05)


def test_tf32_is_allowed_only_where_it_is_asked_for() -> None:
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = cudnn.allow_tf32, matmul.allow_tf32, cudnn.benchmark
    for precision in Precision:
        with learners.arithmetic(precision):
            assert cudnn.allow_tf32 is (precision is Precision.TF32)
            assert matmul.allow_tf32 is (precision is Precision.TF32)
    assert (cudnn.allow_tf32, matmul.allow_tf32, cudnn.benchmark) == before
