"""The fused optimiser takes the steps of a plain one, to the last bit on a CPU."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from surrogate_nas.verification.optimiser import descent
from surrogate_nas.verification.recipe import Recipe


class Odd(nn.Module):
    """Parameters none of which ends where a vector register does; one does not decay, one has no gradient."""

    undecayed = ("free",)

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.kernel, self.bias = nn.Parameter(torch.randn(5, 3, 3, 3)), nn.Parameter(torch.randn(13))
        self.free, self.dead = nn.Parameter(torch.randn(7)), nn.Parameter(torch.randn(3))


def gradient(like: Tensor, step: int) -> Tensor:
    return torch.randn(like.shape, generator=torch.Generator().manual_seed(100 * step + like.numel()))


def test_weights_and_momenta_are_those_of_an_unfused_optimiser_to_the_last_bit() -> None:
    ours, plain, recipe = Odd(), Odd(), Recipe(weight_decay=0.1)
    optimiser, momenta = descent(ours, recipe, 0.3)
    decayed = [plain.kernel, plain.bias, plain.dead]
    reference = torch.optim.SGD(
        [{"params": decayed, "weight_decay": 0.1}, {"params": [plain.free]}],
        lr=0.3,
        momentum=0.9,
        nesterov=True,
        foreach=False,
    )
    for step in range(20):
        for network in (ours, plain):
            for name, parameter in network.named_parameters():
                parameter.grad = gradient(parameter, step) if name != "dead" else None
        plain.dead.grad = torch.zeros(3)  # as a module that does not reach the loss has in a plain network
        optimiser.step()
        reference.step()
    for name, parameter in plain.named_parameters():
        assert torch.equal(parameter, ours.get_parameter(name))
        assert torch.equal(reference.state[parameter]["momentum_buffer"], momenta[name])


def test_momenta_can_be_put_back() -> None:
    network = Odd()
    optimiser, momenta = descent(network, Recipe(weight_decay=0), 1.0)
    momenta["bias"].fill_(2)
    before = network.bias.detach().clone()
    optimiser.step()  # no parameter has a gradient: what moves is the momentum, 0.9 of it twice by Nesterov
    assert torch.allclose(before - network.bias, torch.full((13,), 0.9 * 0.9 * 2))


def test_without_momentum_there_are_none() -> None:
    network = Odd()
    optimiser, momenta = descent(network, Recipe(momentum=0, weight_decay=0), 1.0)
    before = network.kernel.detach().clone()
    network.kernel.grad = torch.ones_like(network.kernel)
    optimiser.step()
    assert momenta == {}
    assert torch.equal(before - 1, network.kernel)
    assert network.kernel.grad is None
