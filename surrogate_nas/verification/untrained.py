"""What networks tell before any training: statistics of random weights on random images, without a label.

Signals and gradients that die or explode, inputs that a network cannot tell apart, and images whose gradients are all
alike foretell a low accuracy. The statistics follow Mellor et al., "Neural Architecture Search without Training" (ICML
2021: likeness of input gradients and of the patterns of active units), Lee et al., "SNIP" (ICLR 2019, equation 4) and
Schoenholz et al., "Deep Information Propagation" (ICLR 2017: how like two images become on their way).

The package ships them for every class of NAS-Bench-201 cells, means over several seeds, since a network alone tells
little that another one would repeat. On one core they are computed again in five minutes a seed by

    python -m surrogate_nas.verification.untrained FILE.npy

and ``python -m surrogate_nas.encoding.untrained FILE.npy FINISHED.npy`` makes of them what predictors are told.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from surrogate_nas.space import NB201
from surrogate_nas.verification.network import CellNetwork, LabelledEdge, NormalisedConvolution, ReductionBlock

# A small skeleton: what it tells of a cell is nearly what NAS-Bench-201's own tells, for a fiftieth of the time.
IMAGES, PIXELS, CLASSES, CHANNELS, CELLS_PER_STAGE = 16, 16, 10, 8, 3
BLUR = 7  # pixels; smooth random images tell more than white noise
SEEDS = (0, 1, 2)  # of the shipped statistics, which are their means
LEAST = 1e-30  # keeps the logarithm of a signal that does not arrive finite
SPECTRUM_FLOOR = 1e-3  # of eigenvalues of correlations, whose mean is one

_PLACES = ("second_stage", "third_stage", "end")
STATISTICS = (
    *(f"{what}_{how}" for what in ("jacobian", "feature", "gradient") for how in ("entropy", "volume", "likeness")),
    *(f"pattern_{how}" for how in ("volume", "likeness")),
    *(f"{place}_{how}" for place in _PLACES for how in ("signal", "gradient", "likeness")),
    "image_gradient",
    *(f"weight_{how}" for how in ("gradient", "gradient_norms", "saliency")),
)


def statistics(edges: Sequence[LabelledEdge], *, seed: int) -> NDArray[np.float32]:
    """Return the (s,) statistics, named in ``STATISTICS``, of a network around a cell with random weights.

    Args:
        edges: the cell's (source node, target node, operation) triples.
        seed: of the weights and the images.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        images = _images().requires_grad_()
        network = CellNetwork(edges, classes=CLASSES, channels=CHANNELS, cells_per_stage=CELLS_PER_STAGE)
    inputs: list[Tensor] = []
    for module in network.modules():
        if isinstance(module, NormalisedConvolution):
            module.register_forward_pre_hook(lambda _, arguments: inputs.append(arguments[0].detach()))
    value, places = network.stem(images), []
    for block in network.stages:
        value = block(value)
        if not value.requires_grad:  # a cell without a path
            value = value.requires_grad_()
        if isinstance(block, ReductionBlock):
            places.append(value)
    places.append(value)
    features = functional.relu(network.normalisation(value)).mean(dim=(2, 3))
    logits = network.classifier(features)
    loss = functional.cross_entropy(logits, torch.arange(IMAGES) % CLASSES)
    weights = [parameter for parameter in network.parameters() if parameter.ndim == 4]
    jacobian = _gradients(logits.sum(), [images], retain=True)[0]
    gradients = _gradients(loss, [images, *places, *weights])
    at_image, at_places, at_weights = gradients[0], gradients[1 : len(places) + 1], gradients[len(places) + 1 :]
    numbers = [number for what in (jacobian, features, at_image) for number in _spectrum(_correlation(what))]
    numbers += _patterns(inputs)
    for signal, gradient in zip(places, at_places, strict=True):
        numbers += [_log(signal.square().mean()), _log(gradient.square().mean()), _likeness(_correlation(signal))]
    squares = torch.stack([gradient.square().sum() for gradient in at_weights])
    saliency = sum((gradient * weight).abs().sum() for gradient, weight in zip(at_weights, weights, strict=True))
    numbers += [
        _log(at_image.square().mean()),
        _log(squares.sum()),
        _log(squares.sqrt().sum()),
        _log(torch.as_tensor(saliency)),
    ]
    return np.array(numbers, dtype=np.float32)


def _images() -> Tensor:
    """Return random images whose pixels resemble their neighbours."""
    noise = functional.pad(torch.randn(IMAGES, 3, PIXELS, PIXELS), [BLUR // 2] * 4, mode="circular")
    return functional.avg_pool2d(noise, BLUR, stride=1) * BLUR  # variance one


def _gradients(of: Tensor, at: list[Tensor], *, retain: bool = False) -> list[Tensor]:
    """Return the gradients at these tensors, zero where one does not reach the result."""
    found = torch.autograd.grad(of, at, retain_graph=retain, allow_unused=True)
    return [torch.zeros_like(x) if gradient is None else gradient for x, gradient in zip(at, found, strict=True)]


def _correlation(x: Tensor) -> Tensor:
    """Return (images, images) correlations between the values that belong to each image."""
    rows = x.detach().flatten(1).double()
    rows = rows - rows.mean(dim=1, keepdim=True)
    rows = functional.normalize(rows, dim=1, eps=LEAST)
    return torch.mm(rows, rows.T)


def _spectrum(correlation: Tensor) -> list[float]:
    """Return the entropy of the eigenvalues, the mean of their logarithms, and the likeness of two images."""
    values = torch.linalg.eigvalsh(correlation).clamp(min=0)
    shares = values / values.sum().clamp(min=LEAST)
    entropy = -torch.special.xlogy(shares, shares).sum()
    return [float(entropy), float((values + SPECTRUM_FLOOR).log().mean()), _likeness(correlation)]


def _likeness(correlation: Tensor) -> float:
    """Return the mean correlation, whatever its sign, of two different images."""
    count = len(correlation)
    return float((correlation.abs().sum() - correlation.diagonal().abs().sum()) / (count * (count - 1)))


def _patterns(inputs: list[Tensor]) -> list[float]:
    """Return log-determinant and mean of the shares of units that are both active, or both not, for two images."""
    agreed, units = torch.zeros(IMAGES, IMAGES), 0
    for x in inputs:
        active = (x > 0).flatten(1).float()
        agreed += active @ active.T + (1 - active) @ (1 - active).T
        units += active.shape[1]
    agreed = (agreed / units).double()
    volume = torch.linalg.slogdet(agreed + 1e-6 * torch.eye(IMAGES)).logabsdet
    return [float(volume), _likeness(agreed)]


def _log(x: Tensor) -> float:
    return float(x.detach().clamp(min=LEAST).log())


def main(path: str) -> None:
    """Write the (classes, s) statistics of the representatives of NAS-Bench-201's classes of equal function."""
    torch.set_num_threads(1)  # the networks are small, and sums are taken in one order
    cells = [NB201.labelled_edges(cell) for cell in NB201.representatives()]
    rows = [np.mean([statistics(edges, seed=seed) for seed in SEEDS], axis=0) for edges in tqdm(cells)]
    np.save(Path(path), np.stack(rows))


if __name__ == "__main__":
    main(sys.argv[1])
