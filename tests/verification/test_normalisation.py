"""Batch normalisation of few channels: the same as PyTorch's."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from surrogate_nas.verification import normalisation
from surrogate_nas.verification.normalisation import Normalisation


def images(channels: int, dtype: torch.dtype = torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(channels)
    drawn = 3 + 2 * torch.randn((6, channels, 5, 4), generator=generator, dtype=torch.float64)
    return drawn.to(dtype).contiguous(memory_format=torch.channels_last).requires_grad_()


def layer(channels: int, dtype: torch.dtype = torch.float64) -> Normalisation:
    made = Normalisation(channels, dtype=dtype)
    with torch.no_grad():
        made.weight.copy_(torch.linspace(0.5, 2, channels))
        made.bias.copy_(torch.linspace(-1, 1, channels))
    return made


def pytorchs(channels: int, dtype: torch.dtype = torch.float64) -> nn.BatchNorm2d:
    """The same layer as PyTorch has it."""
    made = nn.BatchNorm2d(channels, dtype=dtype)
    made.load_state_dict(layer(channels, dtype).state_dict())
    return made


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of channels of each call that does not take PyTorch's own way."""
    seen: list[int] = []
    kept = normalisation._Narrow.apply
    monkeypatch.setattr(normalisation._Narrow, "apply", lambda x, *rest: (seen.append(x.shape[1]), kept(x, *rest))[1])
    return seen


@pytest.mark.parametrize("channels", [2, 4, 7])
def test_values_statistics_and_gradients_are_those_of_pytorch(channels: int, taken: list[int]) -> None:
    x, ours, theirs = images(channels), layer(channels), pytorchs(channels)
    y, z = ours(x), theirs(x)
    torch.testing.assert_close(y, z)
    assert y.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(ours.running_mean, theirs.running_mean)
    torch.testing.assert_close(ours.running_var, theirs.running_var)
    above = torch.linspace(-1, 1, x.numel(), dtype=x.dtype).view(x.shape)
    below = [torch.autograd.grad(out, [x, by.weight, by.bias], above) for out, by in ((y, ours), (z, theirs))]
    torch.testing.assert_close(*below)
    assert taken == [channels]


def test_float32_is_near_to_the_truth(taken: list[int]) -> None:
    found = layer(4, torch.float32)(images(4, torch.float32))
    torch.testing.assert_close(found.double(), pytorchs(4)(images(4)), rtol=1e-6, atol=1e-6)
    assert taken == [4]


@pytest.mark.parametrize(
    "x",
    [images(8), images(4).contiguous(), images(4, torch.bfloat16)],
    ids=["a vector register full", "in the default layout", "in bfloat16"],
)
def test_the_rest_is_left_to_pytorch(x: Tensor, taken: list[int]) -> None:
    assert torch.equal(layer(x.shape[1], x.dtype)(x), pytorchs(x.shape[1], x.dtype)(x))
    assert taken == []


def test_what_is_measured_is_left_to_pytorch(taken: list[int]) -> None:
    layer(4).eval()(images(4))
    assert taken == []
