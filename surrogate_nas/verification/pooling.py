"""Average pooling of two by two pixels on a CPU, in less than half of PyTorch's time and with the same bits."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional


class Halving(nn.Module):
    """The mean of each two by two pixels; of those that there are, where a side is odd.

    Shapes:
        input (batch, channels, height, width), output (batch, channels, ceil(height / 2), ceil(width / 2))
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return the means."""
        if x.device.type == "cpu" and x.shape[2] % 2 == x.shape[3] % 2 == 0:
            return _Halved.apply(x)  # type: ignore[no-any-return]  # of PyTorch's untyped function
        return functional.avg_pool2d(x, 2, stride=2, ceil_mode=True)


class _Halved(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        upper, lower = x[..., 0::2, :], x[..., 1::2, :]
        total = upper[..., 0::2] + upper[..., 1::2]  # in PyTorch's order: line by line
        return total.add_(lower[..., 0::2]).add_(lower[..., 1::2]).div_(4)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        rows = (gradient / 4).repeat_interleave(2, dim=3)  # each value twice
        return torch.stack([rows, rows], dim=3).flatten(2, 3)
