"""The optimiser of a recipe: one fused operation a step.

On a CPU, PyTorch's fused operation rounds otherwise where a parameter ends amid a vector register, and is called once a
parameter. There the parameters become parts of one vector, so that the weights are, to the last bit, those that an
unfused optimiser gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import torch
from torch import Tensor, nn

from surrogate_nas.verification.recipe import Recipe

REGISTER = 64  # a multiple of the numbers that any processor's vector register holds
Named = Mapping[str, Tensor]


def descent(network: nn.Module, recipe: Recipe, rate: Tensor | float) -> tuple[torch.optim.SGD, Named]:
    """Return the recipe's optimiser, and by its name the momentum of each parameter, zero at first.

    On a CPU the parameters are moved, and a step takes away the gradients that they have, zero where there is none.

    Args:
        network: what learns; parameters that it names in ``undecayed`` do not decay.
        recipe: momentum and weight decay.
        rate: the learning rate; a tensor where it changes within a recorded step.
    """
    named = dict(network.named_parameters())
    free = {name: named.pop(name) for name in getattr(network, "undecayed", ())}
    groups = [(own, decay) for own, decay in ((named, recipe.weight_decay), (free, 0.0)) if own]
    on_cpu = next(network.parameters()).device.type == "cpu"
    learned = [[_vector(own)] if on_cpu else list(own.values()) for own, _ in groups]
    optimiser = torch.optim.SGD(
        [{"params": own, "weight_decay": decay} for own, (_, decay) in zip(learned, groups, strict=True)],
        lr=rate,
        momentum=recipe.momentum,
        nesterov=recipe.momentum > 0,
        fused=True,
    )
    momenta: dict[str, Tensor] = {}
    for parameters, (own, _) in zip(learned, groups, strict=True):
        if on_cpu:
            optimiser.register_step_pre_hook(partial(_gather, own, parameters[0]))
        if recipe.momentum:
            buffers = [torch.zeros_like(parameter) for parameter in parameters]
            for parameter, buffer in zip(parameters, buffers, strict=True):
                optimiser.state[parameter]["momentum_buffer"] = buffer
            momenta |= _parts(buffers[0], own) if on_cpu else dict(zip(own, buffers, strict=True))
    return optimiser, momenta


def _vector(parameters: Named) -> nn.Parameter:
    """Return a vector of which these parameters are parts from now on."""
    size, kind = sum(own.numel() for own in parameters.values()), next(iter(parameters.values())).dtype
    vector = nn.Parameter(torch.zeros(-(-size // REGISTER) * REGISTER, dtype=kind))
    for name, part in _parts(vector.detach(), parameters).items():
        part.copy_(parameters[name].detach())
        parameters[name].data = part
    return vector


def _parts(vector: Tensor, parameters: Named) -> dict[str, Tensor]:
    """Return the part of a vector that belongs to each parameter, in its shape."""
    sizes = [own.numel() for own in parameters.values()]
    parts = vector[: sum(sizes)].split(sizes)
    return {name: part.view(own.shape) for (name, own), part in zip(parameters.items(), parts, strict=True)}


def _gather(parameters: Named, vector: nn.Parameter, *_: object) -> None:
    """Move the gradients of the parameters into that of their vector."""
    gradients = [own.new_zeros(own.numel()) if own.grad is None else own.grad.view(-1) for own in parameters.values()]
    beyond = vector.new_zeros(len(vector) - sum(map(len, gradients)))
    vector.grad = torch.cat([*gradients, beyond])
    for own in parameters.values():
        own.grad = None
