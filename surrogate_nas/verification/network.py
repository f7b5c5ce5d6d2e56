"""The NAS-Bench-201 macro skeleton around any cell.

Dong and Yang, "NAS-Bench-201" (ICLR 2020), section 2.1: a stem, three stages of ``cells_per_stage`` cells at C, 2C and
4C channels with a residual reduction block between stages, and a linear head on the globally averaged features.

A cell is computed source node by source node. All edges of one kernel size that leave a node are one convolution with
their output channels side by side, and one batch normalisation; a node is pooled once however many edges pool it.
Fan-in, and with it PyTorch's default initialisation, is that of the separate convolutions, so this is the paper's
network, with fewer and larger kernels.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from surrogate_nas.errors import SettingError
from surrogate_nas.space.cell import KERNEL_SIZES, CellSpace
from surrogate_nas.space.population import Population
from surrogate_nas.verification.normalisation import Normalisation
from surrogate_nas.verification.pooling import Halving

LabelledEdge = tuple[int, int, str]  # source node, target node, operation


def cell_space(architecture: Population) -> CellSpace:
    """Return the space of an architecture that can be trained.

    Raises:
        SettingError: it is no space of cells.
    """
    space = architecture.space
    if not isinstance(space, CellSpace):
        raise SettingError(f"only cells can be trained, got an architecture of space {space.name!r}.")
    return space


class NormalisedConvolution(nn.Module):
    """ReLU, convolution without bias, batch normalisation."""

    def __init__(self, inputs: int, outputs: int, kernel_size: int, *, stride: int = 1) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, kernel_size, stride=stride, padding=kernel_size // 2, bias=False)
        self.normalisation = Normalisation(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised convolution of the positive part of x."""
        weight, stride, padding = self.convolution.weight, self.convolution.stride, self.convolution.padding
        y: Tensor = self.normalisation(functional.conv2d(functional.relu(x), weight, None, stride, padding))
        return y


class Cell(nn.Module):
    """A cell: node 0 is the input, the last node the output, every node the sum of its incoming edges.

    Shapes:
        input and output (batch, channels, height, width)
    """

    def __init__(self, edges: Sequence[LabelledEdge], channels: int) -> None:
        super().__init__()
        self.nodes = 1 + max(target for _, target, _ in edges)
        self.targets: dict[tuple[int, str], list[int]] = {}
        for source, target, operation in edges:
            if operation != "none":
                self.targets.setdefault((source, operation), []).append(target)
        self.convolutions = nn.ModuleDict(
            {
                f"{source}_{operation}": NormalisedConvolution(
                    channels, channels * len(targets), KERNEL_SIZES[operation]
                )
                for (source, operation), targets in self.targets.items()
                if operation in KERNEL_SIZES
            }
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the value of the last node."""
        sums: list[Tensor | None] = [x] + [None] * (self.nodes - 1)
        for source in range(self.nodes - 1):
            value = sums[source]
            for target, term in self._terms(source, torch.zeros_like(x) if value is None else value):
                known = sums[target]
                sums[target] = term if known is None else known + term
        output = sums[-1]
        return torch.zeros_like(x) if output is None else output

    def _terms(self, source: int, value: Tensor) -> list[tuple[int, Tensor]]:
        """Return what the edges that leave ``source`` add to which nodes."""
        terms = []
        for (node, operation), targets in self.targets.items():
            if node != source:
                continue
            if operation == "skip_connect":
                outputs: Sequence[Tensor] = [value] * len(targets)
            elif operation == "avg_pool_3x3":
                pooled = functional.avg_pool2d(value, 3, stride=1, padding=1, count_include_pad=False)
                outputs = [pooled] * len(targets)
            else:
                joint = self.convolutions[f"{source}_{operation}"](value)
                outputs = joint.chunk(len(targets), dim=1) if len(targets) > 1 else [joint]
            terms += list(zip(targets, outputs, strict=True))
        return terms


class ReductionBlock(nn.Module):
    """A residual block that halves the resolution and doubles the channels.

    Shapes:
        input (batch, inputs, height, width), output (batch, 2 * inputs, ceil(height / 2), ceil(width / 2))
    """

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.first = NormalisedConvolution(inputs, 2 * inputs, 3, stride=2)
        self.second = NormalisedConvolution(2 * inputs, 2 * inputs, 3)
        self.shortcut = nn.Sequential(Halving(), nn.Conv2d(inputs, 2 * inputs, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum of both paths."""
        y: Tensor = self.shortcut(x) + self.second(self.first(x))
        return y


class Trunk(nn.Module):
    """The macro skeleton around one cell, up to the features that a linear head reads.

    Args:
        edges: the cell's (source node, target node, operation) triples.
        image_channels: channels of the input images.
        channels: channels C of the first stage; 16 in NAS-Bench-201.
        cells_per_stage: cells N in each of the three stages; 5 in NAS-Bench-201.
    """

    def __init__(
        self, edges: Sequence[LabelledEdge], *, image_channels: int = 3, channels: int = 16, cells_per_stage: int = 5
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(image_channels, channels, 3, padding=1, bias=False), Normalisation(channels)
        )
        stages: list[nn.Module] = []
        for stage in range(3):
            if stage:
                stages.append(ReductionBlock(channels))
                channels *= 2
            stages += [Cell(edges, channels) for _ in range(cells_per_stage)]
        self.stages = nn.Sequential(*stages)
        self.normalisation = Normalisation(channels)
        self.width = channels

    def features(self, images: Tensor) -> Tensor:
        """Return (batch, width) features of images (batch, image_channels, height, width)."""
        features = self.stages(self.stem(images))
        pooled: Tensor = functional.relu(self.normalisation(features)).mean(dim=(2, 3))
        return pooled


class CellNetwork(Trunk):
    """A trunk with one linear head: the network of NAS-Bench-201.

    Args:
        edges: the cell's (source node, target node, operation) triples.
        classes: number of classes of the task.
        image_channels, channels, cells_per_stage: as for ``Trunk``.

    Shapes:
        input (batch, image_channels, height, width), output logits (batch, classes)
    """

    def __init__(self, edges: Sequence[LabelledEdge], *, classes: int, **sizes: int) -> None:
        super().__init__(edges, **sizes)
        self.classifier = nn.Linear(self.width, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of the images."""
        logits: Tensor = self.classifier(self.features(images))
        return logits

    def loss(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return the mean cross-entropy of labels (batch,)."""
        return functional.cross_entropy(self(images), labels)
