"""The ensemble of feedforward networks of BANANAS, its members fitted side by side."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

MEMBERS, LAYERS, UNITS = 5, 10, 20  # White et al., AAAI 2021, section 3.2
EPOCHS, BATCH, RATE = 150, 32, 0.01  # of the authors' code
DECAYS, FLOOR = (0.9, 0.999), 1e-8  # Kingma and Ba, "Adam", ICLR 2015, algorithm 1

Array = NDArray[np.float32]


def ensemble_errors(
    x: Array, errors: NDArray[np.float64], candidates: Array, *, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return (members, m) errors that each network predicts for (m, f) candidates, fitted to (n, f) and (n,) errors.

    The loss is the mean absolute percentage error, whose global lower bound is an error of 0 here: the paper's section
    3.2 gives the bound a value that needs knowledge of the data set. The members differ by their initial weights and
    the order of their batches.
    """
    scale = float(errors.mean()) or 1.0
    targets = (errors / scale).clip(min=1e-3).astype(np.float32)
    networks = Networks(x.shape[1], rng=rng)
    for _ in range(EPOCHS):
        order = rng.permuted(np.tile(np.arange(len(x)), (MEMBERS, 1)), axis=1)
        for start in range(0, len(x), BATCH):
            rows = order[:, start : start + BATCH]
            networks.step(x[rows], targets[rows])
    found = networks.forward(np.broadcast_to(candidates, (MEMBERS, *candidates.shape)))[-1]
    return found.astype(np.float64) * scale


class Networks:
    """Networks of equal shape, trained with Adam: thousands of steps so small that calls of a library would cost more.

    Attributes:
        layers: of each the (members, inputs, outputs) weights and (members, 1, outputs) offsets, views of one vector.
    """

    def __init__(self, inputs: int, *, rng: np.random.Generator) -> None:
        shapes = list(pairwise([inputs, *[UNITS] * LAYERS, 1]))
        count = MEMBERS * sum(fan_in * fan_out + fan_out for fan_in, fan_out in shapes)
        self._weights, self._slope, self._mean, self._square = np.zeros((4, count), dtype=np.float32)
        self.layers, self.slopes = _parts(self._weights, shapes), _parts(self._slope, shapes)
        for (weight, _), (fan_in, fan_out) in zip(self.layers, shapes, strict=True):
            bound = (6 / (fan_in + fan_out)) ** 0.5  # Glorot and Bengio, 2010: the default of the authors' library
            weight[:] = rng.uniform(-bound, bound, size=weight.shape)
        self._steps = 0

    def forward(self, batch: Array) -> list[Array]:
        """Return what each layer makes of a (members, b, f) batch; last, (members, b) errors in units of their mean."""
        values = [batch]
        for weight, offset in self.layers[:-1]:
            values.append(np.maximum(values[-1] @ weight + offset, 0))
        weight, offset = self.layers[-1]
        return [*values, 1 + (values[-1] @ weight + offset)[:, :, 0]]

    def step(self, batch: Array, targets: Array) -> None:
        """Take one step of Adam down the loss of a (members, b, f) batch with (members, b) targets."""
        self.set_slopes(batch, targets)
        self._steps += 1
        first, second = DECAYS
        self._mean += (1 - first) * (self._slope - self._mean)
        self._square += (1 - second) * (self._slope**2 - self._square)
        spread = np.sqrt(self._square / (1 - second**self._steps)) + FLOOR
        self._weights -= RATE / (1 - first**self._steps) * self._mean / spread

    def set_slopes(self, batch: Array, targets: Array) -> None:
        """Set the gradient of the sum of the members' losses, backwards through the layers."""
        *values, found = self.forward(batch)
        back = (np.sign(found - targets) / targets / targets.shape[1])[:, :, None]  # (members, b, outputs)
        for at in reversed(range(len(self.layers))):
            weight, offset = self.slopes[at]
            np.matmul(values[at].swapaxes(1, 2), back, out=weight)
            np.sum(back, axis=1, keepdims=True, out=offset)
            back = back @ self.layers[at][0].swapaxes(1, 2) * (values[at] > 0)


def _parts(vector: Array, shapes: list[tuple[int, int]]) -> list[tuple[Array, Array]]:
    """Return the weights and offsets of each layer as views of one vector."""
    parts, start = [], 0
    for fan_in, fan_out in shapes:
        middle = start + MEMBERS * fan_in * fan_out
        end = middle + MEMBERS * fan_out
        parts.append(
            (vector[start:middle].reshape(MEMBERS, fan_in, fan_out), vector[middle:end].reshape(MEMBERS, 1, fan_out))
        )
        start = end
    return parts
