"""Batch normalisation that does not count its batches."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class Normalisation(nn.BatchNorm2d):
    """A batch normalisation that does not count its batches: there are a hundred layers, and nobody reads the number.

    Shapes:
        input and output (batch, channels, height, width)
    """

    def forward(self, input: Tensor) -> Tensor:  # PyTorch's name
        """Return the normalised input, and take its statistics into the running ones while training."""
        mean, variance = self.running_mean, self.running_var
        momentum = self.momentum or 0.0
        return functional.batch_norm(input, mean, variance, self.weight, self.bias, self.training, momentum, self.eps)
