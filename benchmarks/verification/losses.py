"""How far the first losses of our training are from those of plain loops, and those of a plain loop from its own.

    python -m benchmarks.verification.run losses --cifar10 FILE.npz

The plain loops are contiguous, unfused and without a graph; one trains the same network, one a network that has a
module an edge. The latter also trains from weights of which one is the next float32 above what it was: what rounds
otherwise cannot be nearer than that.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

from surrogate_nas.space.population import Population
from surrogate_nas.verification.data import ImageTask
from surrogate_nas.verification.learner import Learner, Precision, arithmetic
from surrogate_nas.verification.recipe import Recipe
from surrogate_nas.verification.resident import ResidentImages
from surrogate_nas.verification.trainer import build_network
from tests.verification.plain import copy_weights, plain_losses, plain_network

STEPS = (1, 4, 10, 30, 100)  # after which the greatest difference so far is told


def differences(
    architecture: Population, task: ImageTask, recipe: Recipe, *, device: str, seed: int, steps: int
) -> Iterator[dict[str, Any]]:
    """Yield the greatest relative differences, in fp32, within the first steps, at the first learning rate.

    Args:
        architecture: one.
        task, recipe: what is learned, and how.
        device: where.
        seed: of the weights and of what an epoch draws.
        steps: how many.
    """
    with arithmetic(Precision.FP32):
        images = ResidentImages.of(task.train, task, device=device, padding=recipe.crop_padding)
        torch.manual_seed(seed)
        network = build_network(architecture, task, recipe)
        by_edge = plain_network(architecture, recipe, classes=task.classes)
        copy_weights(network, by_edge)
        plain = {"same network": copy.deepcopy(network), "a module an edge": by_edge}
        learner = Learner(network, images, recipe, precision=Precision.FP32, compiled=False)
        ours, batches = [], []
        epochs = (images.draw_epoch(recipe, seed=seed + epoch).split(recipe.batch_size) for epoch in itertools.count())
        for draws in itertools.islice(itertools.chain.from_iterable(epochs), steps):
            learner.begin_epoch(recipe.learning_rate)  # also forgets the loss of the last step
            learner.step(draws.to(device))
            ours.append(learner.epoch_loss() * len(images) / len(draws))
            batches.append(images.batch(draws.to(device)))

        def curve(of: nn.Module) -> list[float]:
            return plain_losses(of.to(device), batches, [recipe.learning_rate] * steps)

        moved = _one_weight_moved(by_edge)
        curves = {name: curve(other) for name, other in plain.items()}
        pairs = {name: (ours, theirs) for name, theirs in curves.items()}
        pairs["itself, one weight moved"] = (curve(moved), curves["a module an edge"])
    for name, (one, other) in pairs.items():
        difference = np.abs(np.subtract(one, other)) / np.abs(other)
        greatest = {at: float(difference[:at].max()) for at in STEPS if at <= steps}
        yield {"against": name, "seed": seed, "greatest_relative_difference": greatest}


@torch.no_grad()
def _one_weight_moved(network: nn.Sequential) -> nn.Sequential:
    """Return a copy whose very first weight is the next float32 above what it was."""
    moved = copy.deepcopy(network)
    first = next(moved.parameters()).view(-1)
    first[0] = torch.nextafter(first[0], first[0].new_tensor(torch.inf))
    return moved
