"""One network for several tasks: fair sampling, balanced losses, and each task beside its own training."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from surrogate_nas.errors import DataError, SettingError, StoppedError
from surrogate_nas.space import NB201
from surrogate_nas.split import Split
from surrogate_nas.verification.checkpoint import Checkpoint
from surrogate_nas.verification.data import digits, digits_parity
from surrogate_nas.verification.joint import summarise_jointly, verify_jointly
from surrogate_nas.verification.multitask import JointImages, JointNetwork, train_jointly
from surrogate_nas.verification.recipe import Recipe
from surrogate_nas.verification.resident import ResidentImages
from surrogate_nas.verification.trainer import Run
from tests.verification.killed import weights

CELL = NB201.parse("|nor_conv_3x3~0|+|none~0|skip_connect~1|+|nor_conv_1x1~0|none~1|skip_connect~2|")
TINY = Recipe(epochs=2, batch_size=64, learning_rate=0.05, channels=4, cells_per_stage=1)
few_digits, few_parity = partial(digits, train=200, views=1), partial(digits_parity, train=60, views=1)
TASKS = {"digits": few_digits(), "parity": few_parity()}
trained = partial(train_jointly, CELL, TASKS, TINY, seed=5)


def joint_images() -> JointImages:
    return JointImages(tuple(ResidentImages.of(task.train, task, device="cpu", padding=4) for task in TASKS.values()))


def network(**changes: object) -> JointNetwork:
    torch.manual_seed(0)
    settings = {"classes": (10, 2), "weights": (1.0, 1.0), "channels": 4, "cells_per_stage": 1}
    return JointNetwork(NB201.labelled_edges(CELL), **(settings | changes))  # type: ignore[arg-type]


def test_digits_and_their_parity_share_no_image_across_splits() -> None:
    """A trunk that has seen a test image of one task in training would not be tested on it by the other."""
    for split in (Split.VALID, Split.TEST):
        assert set(TASKS["digits"].splits[split].labels % 2) == set(TASKS["parity"].splits[split].labels) == {0, 1}
    assert (
        digits(views=1).splits[Split.TEST].labels % 2 == digits_parity(train=2000, views=1).splits[Split.TEST].labels
    ).all()


def test_every_step_takes_equally_many_images_of_each_task() -> None:
    images = joint_images()
    draws = images.draw_epoch(TINY, seed=1)
    assert draws.shape == (200, 2, 4)
    shown = [torch.bincount(draws[:, task, 0]) for task in (0, 1)]
    assert shown[0].tolist() == [1] * 200  # the largest task once
    assert set(shown[1].tolist()) == {3, 4}  # the other, of 60 images, over and over, each equally often
    pixels, labels = images.batch(draws[:32])
    assert pixels.shape == (64, 3, 10, 10)
    assert labels[32:].max() <= 1


def test_tasks_draw_independently() -> None:
    same = JointImages((joint_images().parts[0],) * 2)
    draws = same.draw_epoch(TINY, seed=1)
    assert not torch.equal(draws[:, 0], draws[:, 1])


def test_the_loss_is_balanced_by_learned_uncertainties_and_the_users_weights() -> None:
    """w (exp(-s) L + s / 2), by hand, with s = (0.5, -1)."""
    model = network(weights=(2.0, 3.0)).eval()
    with torch.no_grad():
        model.log_variances.copy_(torch.tensor([0.5, -1.0]))
    images, labels = joint_images().batch(joint_images().draw_epoch(TINY, seed=1)[:8])
    own = [
        torch.nn.functional.cross_entropy(model.logits(task)(images[8 * task :][:8]), labels[8 * task :][:8]).item()
        for task in (0, 1)
    ]
    expected = 2 * (math.exp(-0.5) * own[0] + 0.25) + 3 * (math.e * own[1] - 0.5)
    assert model.loss(images, labels).item() == pytest.approx(expected, rel=1e-5)  # float32
    assert model.balance() == pytest.approx([2 * math.exp(-0.5), 3 * math.e])


def test_uncertainties_are_learned_and_do_not_decay() -> None:
    result = trained()
    assert set(result.balance) == {"digits", "parity"}
    assert all(value != 1 for value in result.balance.values())
    from surrogate_nas.verification.learner import Learner, Precision

    learner = Learner(network(), joint_images(), TINY, precision=Precision.FP32, compiled=False)
    decayed, undecayed = learner.optimiser.param_groups
    assert undecayed["weight_decay"] == 0
    assert decayed["weight_decay"] == TINY.weight_decay


def test_a_joint_training_learns_both_tasks() -> None:
    tasks = {"digits": digits(train=1500, views=1), "parity": digits_parity(train=500, views=1)}
    result = train_jointly(CELL, tasks, replace(TINY, epochs=6, channels=8, flip=False, crop_padding=0), seed=1)
    assert result.losses[-1] < result.losses[0]
    assert result.accuracy["digits"][Split.VALID] > 20  # guessing gives 10 percent, with a deviation of 1.4
    assert result.accuracy["parity"][Split.VALID] > 57  # guessing gives 50 percent; its deviation is 2.4


def test_a_stopped_joint_training_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    whole, path = Checkpoint(tmp_path / "whole.npz"), Checkpoint(tmp_path / "stopped.npz")
    undisturbed = trained(run=Run(CELL, 5, whole))
    asked = iter(range(100))
    with pytest.raises(StoppedError):
        trained(run=Run(CELL, 5, path), stop=lambda: next(asked) >= 8)
    assert replace(trained(run=Run(CELL, 5, path)), seconds=0) == replace(undisturbed, seconds=0)
    assert weights(path.path) == weights(whole.path)


@pytest.mark.parametrize(
    ("tasks", "recipe", "given", "message"),
    [
        ({"digits": TASKS["digits"]}, TINY, None, "several tasks are at least two"),
        (TASKS, TINY, [1.0], "task_weights must be 2 positive numbers"),
        (TASKS, TINY, [1.0, 0.0], "task_weights must be 2 positive numbers"),
        (TASKS, replace(TINY, batch_size=3), None, "must hold two images of each of 2 tasks, got batch_size=3"),
    ],
)
def test_impossible_settings_are_refused(tasks: object, recipe: Recipe, given: list[float], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        train_jointly(CELL, tasks, recipe, seed=1, weights=given)  # type: ignore[arg-type]


def test_images_of_different_shapes_are_refused() -> None:
    tasks = {"small": TASKS["digits"], "large": digits(canvas=12, train=20, views=1)}
    with pytest.raises(DataError, match=r"images of one shape .* small \(10, 10, 3\), large \(12, 12, 3\)"):
        train_jointly(CELL, tasks, TINY, seed=1)


def test_each_task_is_reported_beside_its_own_training(tmp_path: Path) -> None:
    make = {"digits": few_digits, "parity": few_parity}
    records = verify_jointly(CELL, make, TINY, seeds=[5], folder=tmp_path, device="cpu", workers=1)
    assert [(record.task, record.seed) for record in records] == [("digits", 5), ("parity", 5)]
    joint = trained()
    assert records[0].joint.valid == joint.accuracy["digits"][Split.VALID]
    assert records[1].balance == joint.balance["parity"]
    assert all(record.alone.test is not None for record in records)
    assert (
        verify_jointly(CELL, make, TINY, seeds=[5], folder=tmp_path, device="cpu", workers=1) == records
    )  # remembered
    (digits_summary, _) = summarise_jointly(records)
    assert digits_summary.gain.valid.mean == pytest.approx(records[0].joint.valid - records[0].alone.valid)
    assert list((tmp_path / "checkpoints").iterdir()) == []
