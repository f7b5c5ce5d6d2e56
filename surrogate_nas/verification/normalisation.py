"""Batch normalisation in training, also of so few channels that PyTorch's takes three times as long as it need.

In channels_last PyTorch vectorises batch normalisation over the channels, and fewer of them than a vector register
holds are done one by one on a CPU. Such images are seen here as rows of ``height * width * channels`` values, over
which every sum and product is vectorised. The formulas are those of Ioffe and Szegedy, "Batch normalization" (2015),
section 3, with the variance taken around the mean; only the order of the additions is another one.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

FEW = 8  # float32 values of an AVX2 register


class Normalisation(nn.BatchNorm2d):
    """A batch normalisation that does not count its batches: there are a hundred layers, and nobody reads the number.

    Shapes:
        input and output (batch, channels, height, width)
    """

    def forward(self, input: Tensor) -> Tensor:  # PyTorch's name
        """Return the normalised input, and take its statistics into the running ones while training."""
        momentum = self.momentum or 0.0
        if not (self.training and _is_narrow(input)):
            mean, variance = self.running_mean, self.running_var
            return functional.batch_norm(
                input, mean, variance, self.weight, self.bias, self.training, momentum, self.eps
            )
        result, mean, variance = _Narrow.apply(input, self.weight, self.bias, self.eps)
        n = input.numel() // input.shape[1]
        with torch.no_grad():
            self.running_mean.lerp_(mean, momentum)  # type: ignore[union-attr]  # a layer that trains has both
            self.running_var.lerp_(variance * (n / (n - 1)), momentum)  # type: ignore[union-attr]
        return result  # type: ignore[no-any-return]


def _is_narrow(x: Tensor) -> bool:
    return (
        x.shape[1] < FEW
        and x.device.type == "cpu"
        and x.dtype in (torch.float32, torch.float64)
        and x.is_contiguous(memory_format=torch.channels_last)
        and not x.is_contiguous()
    )


class _Narrow(torch.autograd.Function):
    """The normalisation of few channels, with the mean and the variance (of the batch, divided by n) that it used."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
        rows, channels = _rows(x), x.shape[1]
        n = x.numel() // channels
        mean = _sums(rows, channels) / n
        centred = rows - _repeated(mean, rows)
        variance = _sums(centred.square(), channels) / n
        scale = (variance + eps).rsqrt()
        ctx.save_for_backward(x, weight, mean, scale)
        result = centred.mul_(_repeated(scale * weight, rows)).add_(_repeated(bias, rows))
        ctx.mark_non_differentiable(mean, variance)
        return _images(result, x), mean, variance

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        x, weight, mean, scale = ctx.saved_tensors
        rows, channels = _rows(x), x.shape[1]
        n = x.numel() // channels
        above = _rows(gradients[0].contiguous(memory_format=torch.channels_last))
        centred = rows - _repeated(mean, rows)
        at_bias = _sums(above, channels)
        at_weight = _sums(above * centred, channels) * scale
        slope = weight * scale
        below = centred.mul_(_repeated(-slope * scale * at_weight / n, rows)).sub_(_repeated(slope * at_bias / n, rows))
        below.addcmul_(above, _repeated(slope, rows))
        return _images(below, x), at_weight, at_bias, None


def _rows(x: Tensor) -> Tensor:
    """Return images in channels_last as a row each, without a copy."""
    return x.permute(0, 2, 3, 1).reshape(len(x), -1)


def _images(rows: Tensor, like: Tensor) -> Tensor:
    """Return rows as images in channels_last again."""
    batch, channels, height, width = like.shape
    return rows.view(batch, height, width, channels).permute(0, 3, 1, 2)


def _sums(rows: Tensor, channels: int) -> Tensor:
    """Return the (channels,) sums over all images and pixels."""
    return rows.sum(dim=0).view(-1, channels).sum(dim=0)


def _repeated(values: Tensor, rows: Tensor) -> Tensor:
    """Return (channels,) values once for each pixel of a row."""
    return values.repeat(rows.shape[1] // len(values))
