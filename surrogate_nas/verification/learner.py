"""A network that learns, step by step, on the device that holds its images."""

from __future__ import annotations

import importlib.util
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from enum import StrEnum
from typing import Any, Protocol

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from surrogate_nas.errors import SettingError, expected
from surrogate_nas.verification.optimiser import descent
from surrogate_nas.verification.recipe import Recipe
from surrogate_nas.verification.resident import layout

WARM_UP = 3  # steps before a CUDA graph is recorded, as PyTorch's notes on CUDA graphs advise
PROGRAMS = 10_000  # that PyTorch may compile in one process; it gives up silently after eight by default
LEAST_STEPS = 10_000  # of a training whose kernels are worth a minute of fusing; 200 epochs of CIFAR-10 are 39,200
log = logging.getLogger(__name__)


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
    """Let CUDA round multiplications to ten bits only where tf32 is asked for; PyTorch lets convolutions by default.

    Its convolutions are also tried out, once for each size, and the fastest one is taken.
    """
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = cudnn.allow_tf32, matmul.allow_tf32, cudnn.benchmark
    cudnn.allow_tf32 = matmul.allow_tf32 = precision is Precision.TF32
    cudnn.benchmark = True
    try:
        yield
    finally:
        cudnn.allow_tf32, matmul.allow_tf32, cudnn.benchmark = before


def worth_compiling(device: str, steps: int) -> bool:
    """Return whether torch.compile is to fuse the kernels of a training of so many steps.

    It needs a GPU, the Triton that comes with PyTorch's builds for GPUs, and a C compiler, which small images lack.
    """
    return (
        torch.device(device).type == "cuda"
        and steps >= LEAST_STEPS
        and importlib.util.find_spec("triton") is not None
        and any(map(shutil.which, filter(None, (os.environ.get("CC"), "cc", "gcc", "clang"))))
    )


class Examples(Protocol):
    """Images on a device; see ``ResidentImages``."""

    @property
    def device(self) -> torch.device:
        """Where they lie."""
        ...

    def __len__(self) -> int: ...

    def draw_epoch(self, recipe: Recipe, *, seed: int) -> Tensor:
        """Return what one epoch draws at random, a row an example, on the CPU."""
        ...

    def batch(self, draws: Tensor) -> tuple[Tensor, Tensor]:
        """Return the images and labels that some rows of it stand for."""
        ...


Replay = Callable[[], None]


def cuda_graph(step: Replay) -> Replay:
    """Record what a step asks of the GPU, without doing it; what is returned does it again, in one call."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):  # other threads may use the GPU meanwhile
        step()
    return graph.replay


class Learner:
    """A network with its optimiser, its images and the loss of the running epoch.

    On a GPU a step is recorded once for each size of a batch and then replayed, so that the CPU costs no time. What
    cannot be compiled or recorded there runs without, after a warning.

    Args:
        network: what learns; moved to the images' device. Its method ``loss`` takes images and labels to a scalar, and
            parameters that it names in ``undecayed`` do not decay.
        images: what it learns from.
        recipe: how it learns.
        precision: in what numbers it computes.
        compiled: let torch.compile fuse the kernels of whole batches; the last one of an epoch is not worth it.
        record: turns a step into its replay; None for ``cuda_graph`` on a GPU, and no recording elsewhere.
    """

    def __init__(
        self,
        network: nn.Module,
        images: Examples,
        recipe: Recipe,
        *,
        precision: Precision,
        compiled: bool,
        record: Callable[[Replay], Replay] | None = None,
    ) -> None:
        self.device = images.device
        network.to(self.device)
        network.to(memory_format=layout(self.device))  # type: ignore[call-overload]  # absent from PyTorch's stubs
        self.network, self.images, self.precision = network, images, precision
        loss: Callable[[Tensor, Tensor], Tensor] = network.loss  # type: ignore[assignment]  # any module's attribute
        self._loss = self._fused_loss = loss
        self._whole = recipe.batch_size
        if compiled:
            torch._dynamo.config.recompile_limit = PROGRAMS
            torch._dynamo.config.accumulated_recompile_limit = PROGRAMS
            self._fused_loss = torch.compile(loss, dynamic=False)
        on_gpu = self.device.type == "cuda"
        # A recorded step cannot read a number of Python's again, but it can read the device's memory.
        self._rate = torch.tensor(recipe.learning_rate, device=self.device) if on_gpu else recipe.learning_rate
        self.optimiser, self._momenta = descent(network, recipe, self._rate)
        self._total = torch.zeros((), device=self.device)
        self._record = record or (cuda_graph if on_gpu else None)
        self._prepared: dict[int, tuple[Tensor, Replay]] = {}

    def begin_epoch(self, learning_rate: float, *, resumed: bool = False) -> None:
        """Set the learning rate, and forget the last epoch's loss unless the middle of an epoch is resumed."""
        self.network.train()
        if isinstance(self._rate, Tensor):
            self._rate.fill_(learning_rate)
        else:
            for group in self.optimiser.param_groups:
                group["lr"] = learning_rate
        if not resumed:
            self._total.zero_()

    def step(self, draws: Tensor) -> None:
        """Learn from the images that some rows of ``images.draw_epoch`` stand for."""
        if self._record is None and self._fused_loss is self._loss:
            self._learn(draws)
            return
        if len(draws) not in self._prepared:
            self._prepared[len(draws)] = self._prepare(draws)
        place, replay = self._prepared[len(draws)]
        place.copy_(draws)
        replay()

    def epoch_loss(self) -> float:
        """Return the mean loss of the images of this epoch; waits for the device."""
        return float(self._total) / len(self.images)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return copies of all that changes while learning."""
        return {name: value.detach().cpu().numpy().copy() for name, value in self._state().items()}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Put back what ``state`` returned."""
        self._put_back({name: torch.from_numpy(array) for name, array in arrays.items()})

    def _learn(self, draws: Tensor) -> None:
        pixels, labels = self.images.batch(draws)
        with self.precision.autocast(self.device.type):
            loss = (self._fused_loss if len(draws) == self._whole else self._loss)(pixels, labels)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        self._total += loss.detach() * len(draws)

    def _state(self) -> dict[str, Tensor]:
        weights = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        momenta = {f"momentum.{name}": value for name, value in self._momenta.items()}
        return weights | momenta | {"total": self._total}

    @torch.no_grad()
    def _put_back(self, values: Mapping[str, Tensor]) -> None:
        for name, value in self._state().items():
            value.copy_(values[name])

    def _prepare(self, draws: Tensor) -> tuple[Tensor, Replay]:
        """Return the place where a step of this size reads its draws, and what does it; the state stays as it is."""
        place = draws.clone()
        before = {name: value.clone() for name, value in self._state().items()}

        def learn() -> None:
            self._learn(place)

        try:
            self._warm_up(learn)
        except (RuntimeError, OSError, ImportError) as error:
            if self._fused_loss is self._loss or isinstance(error, torch.OutOfMemoryError):
                raise
            log.warning("torch.compile failed (%s); the training goes on without, slower.", _in_short(error))
            self._fused_loss = self._loss
            self._warm_up(learn)
        self._put_back(before)
        if self._record is None:
            return place, learn
        try:
            return place, self._record(learn)
        except RuntimeError as error:
            log.warning("no CUDA graph could be recorded (%s); the training goes on without, slower.", _in_short(error))
            return place, learn

    def _warm_up(self, learn: Replay) -> None:
        """Let kernels be compiled and chosen, on a stream of its own: a recording must find none to be done."""
        with _beside(self.device):
            for _ in range(WARM_UP):
                learn()


def _in_short(error: Exception) -> str:
    """Return the first line of an error, which may bring a whole program along."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


@contextmanager
def _beside(device: torch.device) -> Iterator[None]:
    """Run on a stream of its own, where there are streams: what precedes a recording must not use the default one."""
    if device.type != "cuda":
        yield
        return
    stream = torch.cuda.Stream(device)
    stream.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(stream):
        yield
    torch.cuda.current_stream(device).wait_stream(stream)
