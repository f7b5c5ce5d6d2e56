"""The ensemble of feedforward networks of BANANAS, its members fitted side by side."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

MEMBERS, LAYERS, UNITS = 5, 10, 20  # White et al., AAAI 2021, section 3.2
EPOCHS, BATCH, RATE = 150, 32, 0.01  # of the authors' code


def ensemble_errors(
    x: NDArray[np.float32], errors: NDArray[np.float64], candidates: NDArray[np.float32], *, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return (members, m) errors that each network predicts for (m, f) candidates, fitted to (n, f) and (n,) errors.

    The loss is the mean absolute percentage error, whose global lower bound is an error of 0 here: the paper's section
    3.2 gives the bound a value that needs knowledge of the data set. The members differ by their initial weights and
    the order of their batches.
    """
    import torch

    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    widths = [x.shape[1], *[UNITS] * LAYERS, 1]
    weights = []
    for fan_in, fan_out in pairwise(widths):
        bound = (6 / (fan_in + fan_out)) ** 0.5  # Glorot and Bengio, 2010: the default of the authors' library
        start = (2 * torch.rand(MEMBERS, fan_in, fan_out, generator=generator) - 1) * bound
        weights += [start.requires_grad_(), torch.zeros(MEMBERS, 1, fan_out, requires_grad=True)]

    def forward(batch: torch.Tensor) -> torch.Tensor:  # (members, b, f) -> (members, b), in units of the mean error
        for at in range(0, len(weights) - 2, 2):
            batch = torch.baddbmm(weights[at + 1], batch, weights[at]).relu()
        return 1 + torch.baddbmm(weights[-1], batch, weights[-2])[:, :, 0]

    scale = float(errors.mean()) or 1.0
    inputs = torch.from_numpy(x)
    targets = torch.from_numpy((errors / scale).clip(min=1e-3).astype(np.float32))
    optimiser = torch.optim.Adam(weights, lr=RATE)
    for _ in range(EPOCHS):
        order = torch.stack([torch.randperm(len(x), generator=generator) for _ in range(MEMBERS)])  # (members, n)
        for rows in torch.split(order, BATCH, dim=1):
            optimiser.zero_grad()
            loss = (forward(inputs[rows]) / targets[rows] - 1).abs().mean(dim=1).sum()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    with torch.no_grad():
        found = forward(torch.from_numpy(candidates).expand(MEMBERS, -1, -1))
    return np.asarray(found.numpy().astype(np.float64) * scale)
