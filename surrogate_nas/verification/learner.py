"""A network that learns, step by step, on the device that holds its images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from enum import StrEnum
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from surrogate_nas.errors import SettingError, expected
from surrogate_nas.verification.network import CellNetwork
from surrogate_nas.verification.recipe import Recipe
from surrogate_nas.verification.resident import ResidentImages


class Precision(StrEnum):
    """In what numbers a network computes; weights, momenta and losses are float32 in all of them."""

    FP32 = "fp32"
    TF32 = "tf32"
    BF16 = "bf16"

    @classmethod
    def of(cls, name: str, device: str) -> Precision:
        """Return the precision of this name.

        Raises:
            SettingError: there is none, or the device cannot compute in it.
        """
        if name not in list(cls):
            raise SettingError(expected("precision", name, cls))
        if name == cls.TF32 and torch.device(device).type != "cuda":
            raise SettingError(f"precision tf32 needs a CUDA device, got {device!r}; take fp32 or bf16.")
        return cls(name)

    def autocast(self, device: str) -> AbstractContextManager[Any]:
        """Return the context in which the network runs on a type of device."""
        return torch.autocast(device, dtype=torch.bfloat16, enabled=self is Precision.BF16)


@contextmanager
def arithmetic(precision: Precision) -> Iterator[None]:
    """Let CUDA round multiplications to ten bits only where tf32 is asked for; PyTorch lets convolutions by default."""
    wanted = precision is Precision.TF32
    before = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = wanted
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = before


class Learner:
    """A network with its optimiser, its images and the loss of the running epoch.

    Args:
        network: what learns; moved to the images' device.
        images: what it learns from.
        recipe: how it learns.
        precision: in what numbers it computes.
        compiled: let torch.compile fuse its kernels.
    """

    def __init__(
        self, network: CellNetwork, images: ResidentImages, recipe: Recipe, *, precision: Precision, compiled: bool
    ) -> None:
        device = images.labels.device
        network.to(device)
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # absent from PyTorch's stubs
        self.network, self.images, self.precision = network, images, precision
        self._forward = torch.compile(network) if compiled else network
        self.optimiser = torch.optim.SGD(
            network.parameters(),
            lr=recipe.learning_rate,
            momentum=recipe.momentum,
            weight_decay=recipe.weight_decay,
            nesterov=recipe.momentum > 0,
            fused=True,
        )
        self._total = torch.zeros((), device=device)

    def begin_epoch(self, learning_rate: float, *, resumed: bool = False) -> None:
        """Set the learning rate, and forget the last epoch's loss unless the middle of an epoch is resumed."""
        self.network.train()
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate
        if not resumed:
            self._total.zero_()

    def step(self, draws: Tensor) -> None:
        """Learn from the images that draws (b, 1) or (b, 4) stand for."""
        pixels, labels = self.images.batch(draws)
        with self.precision.autocast(labels.device.type):
            loss = functional.cross_entropy(self._forward(pixels), labels)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        self._total += loss.detach() * len(draws)

    def epoch_loss(self) -> float:
        """Return the mean loss of the images of this epoch; waits for the device."""
        return float(self._total) / len(self.images)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return copies of all that changes while learning."""
        momenta = {
            f"momentum.{name}": self.optimiser.state[parameter]["momentum_buffer"]
            for name, parameter in self.network.named_parameters()
            if self.optimiser.state[parameter].get("momentum_buffer") is not None
        }
        weights = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        return {
            name: value.detach().cpu().numpy() for name, value in (weights | momenta | {"total": self._total}).items()
        }

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Put back what ``state`` returned."""
        values = {name: torch.from_numpy(array) for name, array in arrays.items()}
        self.network.load_state_dict({name: values[f"network.{name}"] for name in self.network.state_dict()})
        for name, parameter in self.network.named_parameters():
            if f"momentum.{name}" in values:
                buffer = torch.empty_like(parameter, memory_format=torch.preserve_format)
                self.optimiser.state[parameter]["momentum_buffer"] = buffer.copy_(values[f"momentum.{name}"])
        self._total.copy_(values["total"])
