"""Exact parameters and FLOPs of networks, without building them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.encoding.chains import chain_costs
from surrogate_nas.errors import SettingError
from surrogate_nas.space.cell import KERNEL_SIZES, CellSpace
from surrogate_nas.space.joint import JointSpace
from surrogate_nas.space.population import Population
from surrogate_nas.space.widths import WidthSpace


def parameters(
    population: Population, *, channels: int = 16, cells_per_stage: int = 5, classes: int = 10, image_channels: int = 3
) -> NDArray[np.int64]:
    """Return the (n,) trainable parameters of each network; the defaults are NAS-Bench-201's on CIFAR-10.

    Every edge that is not zero counts, also one that cannot influence the output, as NAS-Bench-201 counts. Chains say
    themselves how wide and how long they are; see ``chain_costs``.
    """
    if isinstance(population.space, WidthSpace):
        return chain_costs(population, population.space, classes=classes, image_channels=image_channels, image_size=1)[
            0
        ]
    widths = [channels, 2 * channels, 4 * channels]
    stem = 9 * image_channels * channels + 2 * channels
    reductions = sum(9 * (a * b + b * b) + 4 * b + a * b for a, b in pairwise(widths))
    head = 2 * widths[-1] + widths[-1] * classes + classes
    kernels = _kernels(population)
    cells = sum(((kernels**2 * width + 2) * width * (kernels > 0)).sum(axis=1) for width in widths)
    return np.asarray(stem + reductions + head + cells_per_stage * cells)


def flops(
    population: Population,
    *,
    channels: int = 16,
    cells_per_stage: int = 5,
    classes: int = 10,
    image_channels: int = 3,
    image_size: int = 32,
) -> NDArray[np.int64]:
    """Return the (n,) multiply-accumulates of convolutions and classifier for one image: NAS-Bench-201's FLOPs."""
    if isinstance(population.space, WidthSpace):
        return chain_costs(
            population, population.space, classes=classes, image_channels=image_channels, image_size=image_size
        )[1]
    widths = [channels, 2 * channels, 4 * channels]
    half, quarter = -(-image_size // 2), -(-image_size // 4)
    pixels = [image_size**2, half**2, quarter**2]
    stem = 9 * image_channels * channels * pixels[0]
    steps = zip(pairwise(widths), pixels[1:], strict=True)
    reductions = sum((9 * (a * b + b * b) + a * b) * area for (a, b), area in steps)
    head = widths[-1] * classes + classes
    kernel_area = (_kernels(population) ** 2).sum(axis=1)
    cells = kernel_area * sum(width**2 * area for width, area in zip(widths, pixels, strict=True))
    return np.asarray(stem + reductions + head + cells_per_stage * cells)


def size(population: Population) -> NDArray[np.int64]:
    """Return the (n,) parameters of architectures of any space; of a joint space, those of its architectures."""
    space = population.space
    return parameters(space.architectures(population) if isinstance(space, JointSpace) else population)


def _kernels(population: Population) -> NDArray[np.int64]:
    """Return (n, k) the kernel size of the convolution that an edge carries, 0 where it carries none."""
    space = population.space
    if isinstance(space, JointSpace):
        return _kernels(space.architectures(population))
    if not isinstance(space, CellSpace):
        raise SettingError(f"costs are defined for cells and chains, got architectures of space {space.name!r}.")
    return np.array([KERNEL_SIZES.get(name, 0) for name in space.operations])[population.decisions]
