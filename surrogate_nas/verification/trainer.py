"""Train one architecture for real.

Data and augmentation live on the device, nothing leaves it inside an epoch, and everything random is a function of the
seed and the epoch: on a CPU the same seed gives the same weights, whatever else runs beside it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from surrogate_nas.errors import DivergedError, SettingError
from surrogate_nas.space.cell import CellSpace
from surrogate_nas.space.population import Population
from surrogate_nas.split import Split
from surrogate_nas.verification.data import Images, ImageTask
from surrogate_nas.verification.network import CellNetwork
from surrogate_nas.verification.recipe import Recipe

EVALUATION_BATCH = 512


@dataclass(frozen=True)
class Training:
    """What one training gave.

    Attributes:
        architecture: text of the architecture.
        seed: of initialisation, order and augmentation.
        epochs: length of the training.
        accuracy: percent on each measured split, after the last epoch.
        losses: mean training loss of each epoch.
        seconds: wall time of the training, without the measuring.
    """

    architecture: str
    seed: int
    epochs: int
    accuracy: dict[Split, float]
    losses: tuple[float, ...]
    seconds: float


def build_network(architecture: Population, task: ImageTask, recipe: Recipe) -> CellNetwork:
    """Return the untrained network of one architecture, initialised from PyTorch's global generator."""
    space = architecture.space
    if not isinstance(space, CellSpace):
        raise SettingError(f"only cells can be trained, got an architecture of space {space.name!r}.")
    return CellNetwork(
        space.labelled_edges(architecture),
        classes=task.classes,
        image_channels=task.train.pixels.shape[-1],
        channels=recipe.channels,
        cells_per_stage=recipe.cells_per_stage,
    )


def train(
    architecture: Population,
    task: ImageTask,
    recipe: Recipe,
    *,
    seed: int,
    device: str = "cpu",
    on_epoch: Callable[[int, float], None] | None = None,
) -> Training:
    """Train one architecture from scratch and measure it after the last epoch.

    Args:
        architecture: a Population of one.
        task: what to train and measure on.
        recipe: how to train.
        seed: of everything random.
        device: a torch device.
        on_epoch: called after each epoch with its number and mean training loss.

    Raises:
        DivergedError: the loss of an epoch is not finite.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_derived(seed))
        network = build_network(architecture, task, recipe)
    network.to(device)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # absent from PyTorch's stubs
    pixels, labels = _on_device(task.train, task, recipe.crop_padding, device)
    optimiser = torch.optim.SGD(
        network.parameters(),
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=recipe.momentum > 0,
        fused=True,
    )
    start, losses = time.perf_counter(), []
    for epoch in range(recipe.epochs):
        for group in optimiser.param_groups:
            group["lr"] = recipe.learning_rate_at(epoch)
        loss = _train_epoch(network, optimiser, pixels, labels, recipe, _derived(seed, epoch))
        if not np.isfinite(loss):
            raise DivergedError(
                f"the training of {architecture.text} with seed {seed} diverged: loss {loss} in epoch {epoch + 1} of "
                f"{recipe.epochs}. Lower learning_rate ({recipe.learning_rate})."
            )
        losses.append(loss)
        if on_epoch is not None:
            on_epoch(epoch, loss)
    seconds = time.perf_counter() - start
    accuracy: dict[Split, float] = {
        split: _accuracy(network, *_on_device(images, task, 0, device))
        for split, images in task.splits.items()
        if split is not Split.TRAIN
    }
    return Training(architecture.text, seed, recipe.epochs, accuracy, tuple(losses), seconds)


def _derived(*seeds: int) -> int:
    """Return one seed, as good as independent of those of any other sequence."""
    return int(np.random.SeedSequence(seeds).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _on_device(images: Images, task: ImageTask, padding: int, device: str) -> tuple[Tensor, Tensor]:
    """Return normalised pixels (n, channels, height + 2 padding, width + 2 padding), channels last, and labels (n,)."""
    pixels = torch.from_numpy(images.pixels).to(device).permute(0, 3, 1, 2).float() / 255
    pixels = functional.pad(pixels, [padding] * 4)  # raw zeros, before normalisation, as NAS-Bench-201 pads
    mean, std = (torch.from_numpy(value).to(device)[:, None, None] for value in (task.mean, task.std))
    return ((pixels - mean) / std).contiguous(memory_format=torch.channels_last), torch.from_numpy(images.labels).to(
        device
    )


def _train_epoch(
    network: CellNetwork, optimiser: torch.optim.Optimizer, pixels: Tensor, labels: Tensor, recipe: Recipe, seed: int
) -> float:
    """Take one step for each batch of one random order, and return the mean loss of the epoch."""
    network.train()
    generator = torch.Generator().manual_seed(seed)  # on the CPU, so that every device draws the same
    total = torch.zeros((), device=labels.device)
    for batch in torch.randperm(len(labels), generator=generator).split(recipe.batch_size):
        images = _augment(pixels, batch, recipe, generator)
        loss = functional.cross_entropy(network(images), labels[batch.to(labels.device)])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        total += loss.detach() * len(batch)
    return float(total) / len(labels)


def _augment(pixels: Tensor, batch: Tensor, recipe: Recipe, generator: torch.Generator) -> Tensor:
    """Return the batch's images, each flipped with probability one half and cropped at a random place if asked for.

    Shapes:
        pixels (n, channels, height + 2 padding, width + 2 padding), batch (b,), result (b, channels, height, width)
    """
    device = pixels.device
    if not recipe.flip and not recipe.crop_padding:
        return pixels[batch.to(device)]
    b, room = len(batch), 2 * recipe.crop_padding
    height, width = pixels.shape[2] - room, pixels.shape[3] - room
    top, left = torch.randint(room + 1, (2, b, 1), generator=generator)
    rows, columns = top + torch.arange(height), left + torch.arange(width)  # (b, height), (b, width)
    if recipe.flip:
        mirrored = torch.rand((b, 1), generator=generator) < 0.5
        columns = torch.where(mirrored, columns.flip(1), columns)
    index = (batch[:, None, None], rows[:, :, None], columns[:, None, :])
    chosen = pixels.permute(0, 2, 3, 1)[tuple(part.to(device) for part in index)]  # (b, height, width, channels)
    return chosen.permute(0, 3, 1, 2)


@torch.no_grad()
def _accuracy(network: CellNetwork, pixels: Tensor, labels: Tensor) -> float:
    """Return the percentage of images whose highest logit is their label's."""
    network.eval()
    correct = sum(
        (network(images).argmax(dim=1) == truth).sum()
        for images, truth in zip(pixels.split(EVALUATION_BATCH), labels.split(EVALUATION_BATCH), strict=True)
    )
    return 100 * float(correct) / len(labels)
