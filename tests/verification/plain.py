"""NAS-Bench-201's network and training written down as plainly as they go: what every faster path is compared with.

One module an edge, contiguous (batch, channels, height, width) images, an unfused optimiser, one loss read a step.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from surrogate_nas.space.population import Population
from surrogate_nas.verification.data import ImageTask
from surrogate_nas.verification.network import CellNetwork
from surrogate_nas.verification.recipe import Recipe

KERNELS = {"nor_conv_1x1": 1, "nor_conv_3x3": 3}


def relu_conv_bn(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False)
    return nn.Sequential(nn.ReLU(), convolution, nn.BatchNorm2d(outputs))


class Zero(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * 0.0


def operation(name: str, channels: int) -> nn.Module:
    if name in KERNELS:
        return relu_conv_bn(channels, channels, KERNELS[name])
    if name == "avg_pool_3x3":
        return nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)
    return {"skip_connect": nn.Identity, "none": Zero}[name]()


class PlainCell(nn.Module):
    def __init__(self, edges: tuple[tuple[int, int, str], ...], channels: int) -> None:
        super().__init__()
        self.edges = edges
        self.operations = nn.ModuleList(operation(name, channels) for _, _, name in edges)

    def forward(self, x: Tensor) -> Tensor:
        nodes = {0: x}
        for (source, target, _), apply in zip(self.edges, self.operations, strict=True):
            nodes[target] = nodes.get(target, 0) + apply(nodes[source])
        return nodes[max(nodes)]


class PlainReduction(nn.Module):
    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.main = nn.Sequential(relu_conv_bn(inputs, 2 * inputs, 3, 2), relu_conv_bn(2 * inputs, 2 * inputs, 3))
        self.shortcut = nn.Sequential(nn.AvgPool2d(2, 2, ceil_mode=True), nn.Conv2d(inputs, 2 * inputs, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        return self.shortcut(x) + self.main(x)


def plain_network(architecture: Population, recipe: Recipe, *, classes: int) -> nn.Sequential:
    edges, c, n = architecture.space.labelled_edges(architecture), recipe.channels, recipe.cells_per_stage
    stages: list[nn.Module] = []
    for stage in range(3):
        stages += [PlainReduction(c * 2 ** (stage - 1))] if stage else []
        stages += [PlainCell(edges, c * 2**stage) for _ in range(n)]
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(3, c, 3, padding=1, bias=False), nn.BatchNorm2d(c)),
        nn.Sequential(*stages),
        nn.Sequential(nn.BatchNorm2d(4 * c), nn.ReLU()),
        nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4 * c, classes)),
    )


@torch.no_grad()
def copy_weights(network: CellNetwork, plain: nn.Sequential) -> None:
    """Give the plain network the weights and statistics of the joint convolutions, edge by edge."""
    plain[0].load_state_dict(network.stem.state_dict())
    plain[2][0].load_state_dict(network.normalisation.state_dict())
    plain[3][2].load_state_dict(network.classifier.state_dict())
    for ours, theirs in zip(network.stages, plain[1], strict=True):
        if isinstance(theirs, PlainReduction):
            theirs.shortcut.load_state_dict(ours.shortcut.state_dict())
            for block, sequence in ((ours.first, theirs.main[0]), (ours.second, theirs.main[1])):
                sequence[1].load_state_dict(block.convolution.state_dict())
                sequence[2].load_state_dict(block.normalisation.state_dict())
            continue
        for (source, target, name), apply in zip(theirs.edges, theirs.operations, strict=True):
            if name in KERNELS:
                block, targets = ours.convolutions[f"{source}_{name}"], ours.targets[source, name]
                at = targets.index(target)
                apply[1].weight.copy_(block.convolution.weight.chunk(len(targets))[at])
                for kind, values in block.normalisation.state_dict().items():
                    if values.ndim:  # not the number of batches
                        getattr(apply[2], kind).copy_(values.chunk(len(targets))[at])


def plain_batch(task: ImageTask, draws: Tensor, padding: int) -> tuple[Tensor, Tensor]:
    """Return the images and labels of some draws, flipped, cropped and normalised one by one."""
    images = []
    for at, top, left, mirrored in draws.tolist():
        pixels = torch.from_numpy(task.train.pixels[at]).permute(2, 0, 1)
        height, width = pixels.shape[1:]
        left = 2 * padding - left if mirrored else left  # a draw's place counts in the image as it was
        pixels = nn.functional.pad(pixels.flip(2) if mirrored else pixels, [padding] * 4)
        pixels = pixels[:, top : top + height, left : left + width]
        mean, std = (torch.from_numpy(value)[:, None, None] for value in (task.mean, task.std))
        images.append((pixels.float() / 255 - mean) / std)
    return torch.stack(images), torch.from_numpy(task.train.labels)[draws[:, 0]]


def plain_losses(plain: nn.Module, batches: list[tuple[Tensor, Tensor]], rates: list[float]) -> list[float]:
    """Return the loss of each step, at the learning rate of each step."""
    optimiser = torch.optim.SGD(
        plain.parameters(), lr=rates[0], momentum=0.9, weight_decay=5e-4, nesterov=True, foreach=False
    )
    plain.train()
    losses = []
    for (images, labels), rate in zip(batches, rates, strict=True):
        optimiser.param_groups[0]["lr"] = rate
        loss = nn.functional.cross_entropy(plain(images.contiguous()), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses
