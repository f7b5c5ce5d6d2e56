"""What measures: a table or a real training; a search moves from one to the other by exchanging this argument."""

from __future__ import annotations

import copy
import logging
import math
import numbers
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.errors import MeasurementError, SettingError, SurrogateNASError
from surrogate_nas.space import CellSpace, Population, SearchSpace
from surrogate_nas.split import Split

if TYPE_CHECKING:
    from surrogate_nas.verification.data import ImageTask
    from surrogate_nas.verification.recipe import Recipe

log = logging.getLogger(__name__)


class Evaluator(Protocol):
    """What measures architectures: a table or a real training."""

    candidates: Population

    def locate(self, population: Population) -> NDArray[np.int64]:
        """Return the (n,) position of each architecture among the candidates, -1 where it cannot be measured."""

    def __call__(self, architecture: Population) -> tuple[float, float]:
        """Return the measurement of one architecture, higher is better, and the seconds it took."""


@dataclass
class TrainingEvaluator:
    """Measures by training an architecture for real, once, with one thread.

    Attributes:
        space: what can be trained; all of it are candidates.
        make_task: makes the images, before the first training; must be picklable.
        recipe: how to train.
        seed: of every training.
        split: the images that are measured.
        device: a torch device; "auto" for the GPU where there is one.
    """

    space: SearchSpace
    make_task: Callable[[], ImageTask]
    recipe: Recipe
    seed: int = 0
    split: Split = Split.VALID
    device: str = "auto"

    def __post_init__(self) -> None:
        if not isinstance(self.space, CellSpace):
            raise SettingError(f"only cells can be trained, got space {self.space.name!r}.")
        self.candidates = self.space.enumerate()
        self._task: ImageTask | None = None

    def within(self, allowed: NDArray[np.bool_]) -> TrainingEvaluator:
        """Return an evaluator of those candidates only for which the (n,) answers are true."""
        fewer = copy.copy(self)
        fewer.candidates = self.candidates[allowed]
        return fewer

    def settings(self) -> dict[str, Any]:
        """Return everything that the measurements depend on."""
        return {
            "space": self.space.name,
            "data": self.make_task,
            "recipe": self.recipe,
            "training_seed": self.seed,
            "split": str(self.split),
            "epochs": self.recipe.epochs,
        }

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_task": None}  # every process makes its own images

    def locate(self, population: Population) -> NDArray[np.int64]:
        """Return the (n,) position of each architecture among the candidates, -1 for none."""
        held, wanted = self.candidates.index, population.index  # sorted, as the space enumerates them
        at = np.searchsorted(held, wanted).clip(max=len(held) - 1)
        return np.where(held[at] == wanted, at, -1)

    def __call__(self, architecture: Population) -> tuple[float, float]:
        """Return the accuracy in percent after training the one architecture, and the seconds of the training.

        Raises:
            DivergedError: the loss is no longer finite.
            DataError, SettingError: the images, the split or the device cannot be used.
        """
        import torch

        from surrogate_nas.verification.executor import resolved_device
        from surrogate_nas.verification.trainer import train

        torch.set_num_threads(1)  # makes the result independent of the cores, and of what else this process has set
        if self._task is None:
            self._task = self.make_task()
        device = resolved_device(self.device)
        trained = train(architecture, self._task, self.recipe, seed=self.seed, device=device)
        return trained.accuracy[self.split], trained.seconds


@dataclass(frozen=True)
class Measured:
    """What one measurement gave.

    Attributes:
        value: higher is better; NaN where it failed.
        seconds: that it took; NaN where it failed.
        failure: None, or why it failed.
        unexpected: whether it failed by an error that no evaluator raises on purpose.
    """

    value: float
    seconds: float
    failure: str | None = None
    unexpected: bool = False


def measure(evaluator: Evaluator, architecture: Population) -> Measured:
    """Return what an evaluator says of one architecture, or why it says nothing; no error passes."""
    try:
        value, seconds = evaluator(architecture)
    except SurrogateNASError as error:
        return _failed(str(error))
    except Exception as error:  # noqa: BLE001  # whatever a training raises must cost neither the study nor the search
        return _failed(f"{architecture.text}: {type(error).__name__}: {error}", unexpected=True)
    if not isinstance(value, numbers.Real) or isinstance(value, bool) or not math.isfinite(value):
        return _failed(f"{architecture.text} was measured as {value!r}; a measurement is a finite number.")
    return Measured(float(value), float(seconds))


def _failed(reason: str, *, unexpected: bool = False) -> Measured:
    log.warning("a measurement failed: %s", reason)
    return Measured(float("nan"), float("nan"), reason, unexpected)


class Patience:
    """Ends a search whose measurements keep failing in a way that nobody foresaw: that is no property of a cell."""

    LIMIT = 5  # unexpected failures in a row

    def __init__(self) -> None:
        self._failures = 0

    def see(self, measured: Measured) -> None:
        """Count a measurement.

        Raises:
            MeasurementError: it was one unexpected failure in a row too many.
        """
        self._failures = self._failures + 1 if measured.unexpected else 0
        if self._failures == self.LIMIT:
            raise MeasurementError(
                f"{self.LIMIT} measurements in a row failed, the last one with: {measured.failure}. Mend what "
                "measures; the study is intact, and the same command goes on with other architectures."
            )
