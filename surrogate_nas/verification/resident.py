"""Images that lie on the device for a whole training, and what an epoch draws at random from them.

An epoch's random numbers are drawn at once, on the CPU, so that every device draws the same; they reach the device in
one copy, and nothing is read back before the epoch ends.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from surrogate_nas.verification.data import Images, ImageTask
from surrogate_nas.verification.recipe import Recipe


def layout(device: torch.device) -> torch.memory_format:
    """Return how images and weights lie on a device.

    On a GPU in channels_last, which is faster; on a CPU as PyTorch has them by default, so that sums are taken in the
    order of a plain loop, and a training is the same to the last bit.
    """
    return torch.channels_last if device.type == "cuda" else torch.contiguous_format


@dataclass(frozen=True)
class ResidentImages:
    """Labelled images on a device.

    Attributes:
        pixels: (n, height + 2 padding, width + 2 padding, channels) uint8, raw and padded with zeros.
        labels: (n,) int64.
        mean, std: (channels, 1, 1) float32, as fractions of 255.
        padding: pixels around each image.
    """

    pixels: Tensor
    labels: Tensor
    mean: Tensor
    std: Tensor
    padding: int

    def __len__(self) -> int:
        return len(self.labels)

    @classmethod
    def of(cls, images: Images, task: ImageTask, *, device: str, padding: int = 0) -> ResidentImages:
        """Return the images of a split, padded before they are normalised, as NAS-Bench-201 pads."""
        pixels = torch.from_numpy(images.pixels).to(device).contiguous()
        if padding:
            pixels = functional.pad(pixels, [0, 0, padding, padding, padding, padding])
        mean, std = (torch.from_numpy(value).to(device)[:, None, None] for value in (task.mean, task.std))
        return cls(pixels, torch.from_numpy(images.labels).to(device), mean, std, padding)

    def normalised(self, pixels: Tensor) -> Tensor:
        """Return (b, channels, height, width) float32, in ``layout``, of raw (b, height, width, channels)."""
        images = pixels.permute(0, 3, 1, 2).contiguous(memory_format=layout(pixels.device))
        return images.float().div_(255).sub_(self.mean).div_(self.std)

    def batch(self, draws: Tensor) -> tuple[Tensor, Tensor]:
        """Return the images and labels that draws (b, 1) or (b, 4) stand for.

        Shapes:
            images (b, channels, height, width) float32, labels (b,) int64
        """
        image = draws[:, 0]
        if draws.shape[1] == 1:
            return self.normalised(self.pixels[image]), self.labels[image]
        height, width = (size - 2 * self.padding for size in self.pixels.shape[1:3])
        top, left, mirrored = draws[:, 1:].split(1, dim=1)  # (b, 1) each
        rows = top + torch.arange(height, device=draws.device)  # (b, height)
        columns = left + torch.arange(width, device=draws.device)  # (b, width)
        columns = torch.where(mirrored.bool(), columns.flip(1), columns)
        within = (image[:, None] * self.pixels.shape[1] + rows)[:, :, None] * self.pixels.shape[2] + columns[:, None, :]
        chosen = self.pixels.view(-1, self.pixels.shape[3]).index_select(0, within.flatten())
        return self.normalised(chosen.view(len(draws), height, width, -1)), self.labels[image]

    @property
    def device(self) -> torch.device:
        """Where the images lie."""
        return self.labels.device

    def draw_epoch(self, recipe: Recipe, *, seed: int) -> Tensor:
        """Return what an epoch draws; see ``draw_epoch``."""
        return draw_epoch(len(self), recipe, seed=seed)


def draw_epoch(n: int, recipe: Recipe, *, seed: int) -> Tensor:
    """Return what an epoch over n images draws, a row for each image in the order of training, on the CPU.

    Returns:
        (n, 4) int64: position of the image, top and left corner of the crop, whether it is mirrored; where the recipe
        neither flips nor crops, (n, 1) of positions.
    """
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(n, generator=generator)
    if not recipe.flip and not recipe.crop_padding:
        return order[:, None]
    parts = []
    for batch in order.split(recipe.batch_size):  # batch by batch, as the tables of this package were trained
        top, left = torch.randint(2 * recipe.crop_padding + 1, (2, len(batch), 1), generator=generator)
        mirrored = torch.zeros_like(top)
        if recipe.flip:
            mirrored = (torch.rand((len(batch), 1), generator=generator) < 0.5).long()
        parts.append(torch.cat([batch[:, None], top, left, mirrored], dim=1))
    return torch.cat(parts)
