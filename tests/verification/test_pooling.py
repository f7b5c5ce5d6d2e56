"""Pooling two by two pixels: PyTorch's values and gradients, to the last bit."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from surrogate_nas.verification.pooling import Halving


@pytest.mark.parametrize("sides", [(8, 8), (6, 10), (5, 5), (4, 3), (1, 2)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_values_and_gradients_are_those_of_pytorch(sides: tuple[int, int], dtype: torch.dtype) -> None:
    x = torch.randn((3, 4, *sides), generator=torch.Generator().manual_seed(0)).to(dtype).requires_grad_()
    ours, theirs = Halving()(x), functional.avg_pool2d(x, 2, stride=2, ceil_mode=True)
    above = torch.randn(theirs.shape, generator=torch.Generator().manual_seed(1)).to(dtype)
    gradients = [torch.autograd.grad(y, x, above)[0] for y in (ours, theirs)]
    assert torch.equal(ours, theirs)
    assert torch.equal(*gradients)


def test_the_mean_by_hand() -> None:
    assert Halving()(torch.tensor([[[[1.0, 2.0, 5.0, 5.0], [3.0, 6.0, 5.0, 9.0]]]])).tolist() == [[[[3.0, 6.0]]]]
