"""Exact costs of chains of layers whose widths are chosen."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.space.population import Population
from surrogate_nas.space.widths import WidthSpace


def chain_costs(
    population: Population, space: WidthSpace, *, classes: int, image_channels: int, image_size: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the (n,) trainable parameters and the (n,) multiply-accumulates of NATS-Bench's networks of these widths.

    Dong et al. (TPAMI 2021, section 3.2) alternate cells with residual blocks that halve the image. The cell is the
    best of their topology space: five convolutions of 3x3, two of them from its input, and a skip connection, which
    is a convolution of 1x1 where the cell changes the width. A convolution has no bias, and is followed by a batch
    normalisation but for the one that shortcuts a block. The test compares both numbers with the published ones.
    """
    widths = np.array(space.widths, dtype=np.int64)[population.decisions].T  # (layers, n)
    first, last = widths[0], widths[-1]
    weights = 9 * image_channels * first  # of the convolutions at the present image size
    normalised = first + last  # channels that are normalised
    pixels = image_size**2
    parameters, operations = weights, weights * pixels
    for layer, (before, after) in enumerate(pairwise([first, *widths])):
        if layer % 2:
            pixels = (-(-image_size // 2 ** (layer // 2 + 1))) ** 2
            weights = 9 * before * after + 9 * after**2 + before * after
            normalised = normalised + 2 * after
        else:
            changes = before != after
            weights = 18 * before * after + 27 * after**2 + before * after * changes
            normalised = normalised + (5 + changes) * after
        parameters, operations = parameters + weights, operations + weights * pixels
    head = last * classes + classes
    return parameters + 2 * normalised + head, operations + head
