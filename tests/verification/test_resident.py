"""Images on the device: normalisation, crops and flips, and the random numbers of an epoch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from surrogate_nas.split import Split
from surrogate_nas.verification.data import Images, ImageTask
from surrogate_nas.verification.recipe import Recipe
from surrogate_nas.verification.resident import ResidentImages, draw_epoch, layout

PIXELS = np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3)
TASK = ImageTask.of("two", {Split.TRAIN: Images(PIXELS, np.array([0, 1]))})
CIFAR10 = (np.array([125.3, 123.0, 113.9]) / 255, np.array([63.0, 62.1, 66.7]) / 255)


def resident(padding: int = 0) -> ResidentImages:
    return ResidentImages.of(TASK.train, TASK, device="cpu", padding=padding)


def test_pixels_are_normalised_as_fractions_of_255() -> None:
    mean, std = (values.astype(np.float32) for values in CIFAR10)
    task = ImageTask("two", TASK.splits, classes=2, mean=mean, std=std)
    images, labels = ResidentImages.of(task.train, task, device="cpu").batch(torch.tensor([[1], [0]]))
    assert labels.tolist() == [1, 0]
    expected = (PIXELS[[1, 0]] / 255 - CIFAR10[0]) / CIFAR10[1]
    assert np.allclose(images.permute(0, 2, 3, 1).numpy(), expected, atol=1e-6)  # float32


def test_images_lie_in_pytorchs_default_order_on_a_cpu_and_in_channels_last_on_a_gpu() -> None:
    images, _ = resident().batch(torch.tensor([[1], [0]]))
    assert images.is_contiguous()
    assert layout(torch.device("cuda")) is torch.channels_last


def test_padding_is_added_to_the_raw_pixels_before_normalisation() -> None:
    """The corner of a crop at (0, 0) is a raw zero, which normalisation makes -mean / std."""
    images, _ = resident(padding=1).batch(torch.tensor([[0, 0, 0, 0]]))
    assert images[0, :, 0, 0].numpy() == pytest.approx(-TASK.mean / TASK.std)


def test_an_image_is_flipped_and_then_cropped() -> None:
    """As torchvision composes RandomHorizontalFlip and RandomCrop; here a place counts in the image as it was.

    What is cut out at one place and mirrored is what the mirrored place of the mirrored image shows, and as likely.
    """
    images = resident(padding=1)
    padded = torch.nn.functional.pad(images.normalised(torch.from_numpy(PIXELS)), [1] * 4, value=float("nan"))
    for top in range(3):
        for left in range(3):
            (plain, mirrored), _ = images.batch(torch.tensor([[0, top, left, 0], [0, top, left, 1]]))
            window = padded[0, :, top : top + 4, left : left + 4]
            inside = ~window.isnan()
            assert torch.equal(plain[inside], window[inside])
            assert torch.equal(mirrored, plain.flip(-1))


def test_an_epoch_shows_every_image_once_in_another_order_each_time() -> None:
    recipe = Recipe(batch_size=3)
    one, same, other = (draw_epoch(10, recipe, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert sorted(one[:, 0].tolist()) == list(range(10))
    assert one[:, 0].tolist() != other[:, 0].tolist()


def test_crops_and_flips_are_uniform() -> None:
    draws = draw_epoch(9000, Recipe(), seed=3)
    for column, values in ((1, 9), (2, 9), (3, 2)):  # a padding of 4 gives corners 0 to 8
        counts = torch.bincount(draws[:, column], minlength=values)
        assert len(counts) == values
        # Pearson's statistic exceeds 26.1 with probability 0.001 at 8 degrees of freedom, and less often at 1.
        assert ((counts - 9000 / values) ** 2 / (9000 / values)).sum() < 26.1


def test_a_recipe_without_flip_and_crop_draws_an_order_only() -> None:
    assert draw_epoch(10, Recipe(flip=False, crop_padding=0), seed=1).shape == (10, 1)
    assert (draw_epoch(10, Recipe(flip=False), seed=1)[:, 3] == 0).all()
    assert (draw_epoch(10, Recipe(crop_padding=0), seed=1)[:, 1:3] == 0).all()
