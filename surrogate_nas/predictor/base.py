"""What a predictor is: numbers in, ``Prediction(mean, std)`` out, saved without pickle."""

from __future__ import annotations

import hashlib
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surrogate_nas.errors import InvalidArchitectureError, NotFittedError, SavedPredictorError, TargetError
from surrogate_nas.predictor.calibration import widening
from surrogate_nas.predictor.targets import TargetKind
from surrogate_nas.space import Population, SearchSpace, get_space

SAVE_VERSION = 6
Arrays = dict[str, NDArray[Any]]
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Prediction:
    """What a predictor says of n architectures.

    Attributes:
        mean: (n,) expected measurement, in the unit of the targets; (n, tasks) after a fit to several tasks.
        std: (n,) or (n, tasks) standard deviation, in the same unit, of a new measurement around the mean: what the
            predictor does not know, and the noise of the measurement. It is calibrated on labels that parts of the
            predictor did not see; the job ``fit`` measures how well (``coverage_90``).
    """

    mean: NDArray[np.float64]
    std: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.mean)


class Predictor(ABC):
    """Learns from measured architectures how others will do.

    A constructor only stores its arguments; what fitting finds ends in an underscore.

    Attributes:
        target: what is predicted: "accuracy" (percent); a "cost" (positive, such as milliseconds), which is one of the
            architecture as it is written, since what computes nothing may cost time; or any other "value".
        space_: the space of the architectures that were fitted to.
        held_out_: what was said of the architectures fitted to by parts that did not see their labels; NaN where
            every part did. Not saved.
        widening_: the factor of the deviations that these labels ask for, one for each task.
    """

    name: ClassVar[str]
    target: TargetKind = "accuracy"
    space_: SearchSpace
    held_out_: Prediction
    widening_: float | Values

    @abstractmethod
    def _fit(self, population: Population, targets: Values, weights: Values, rng: np.random.Generator) -> Prediction:
        """Fit to n architectures, (n,) targets and (n,) weights of mean one; return predictions made without each."""

    @abstractmethod
    def _predict(self, population: Population) -> Prediction:
        """Predict for architectures of the space that was fitted to; the deviations are not calibrated yet."""

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """Return the constructor's arguments as JSON values."""

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        """Return an unfitted predictor with the settings of a saved one."""
        return cls(**settings)

    @property
    def seen(self) -> frozenset[str]:
        """The data sets whose labels it knows beside those that ``fit`` is given; see ``leakage.check_unseen``."""
        return frozenset()

    @abstractmethod
    def _state(self) -> Arrays:
        """Return what fitting found, as named arrays."""

    @abstractmethod
    def _restore(self, state: Arrays) -> None:
        """Take back what ``_state`` returned."""

    def fit(
        self, population: Population, targets: ArrayLike, *, weights: ArrayLike | None = None, rng: np.random.Generator
    ) -> Self:
        """Fit to measured architectures and return the predictor.

        Args:
            population: n architectures.
            targets: (n,) measurements.
            weights: (n,) importance of each; None for all alike.
            rng: the only source of randomness.

        Raises:
            TargetError: targets or weights are missing, of another length, not finite, or negative weights; three
                targets or more that are all equal; different targets of one architecture.
        """
        values = self._targets(targets, population)
        held_out = self._fit(population, values, self._weights(weights, values, population), rng)
        self.widening_ = widening(held_out.mean, held_out.std, values)
        self.held_out_ = Prediction(held_out.mean, held_out.std * self.widening_)
        self.space_ = population.space
        return self

    def _targets(self, targets: ArrayLike, population: Population) -> Values:
        """Return the targets as an array, after checking them."""
        values = _checked("targets", targets, population)
        check_informative(values, population)
        return values

    def _weights(self, weights: ArrayLike | None, values: Values, population: Population) -> Values:
        """Return weights of mean one in the shape of the targets, after checking them."""
        importance = np.ones(len(population)) if weights is None else _checked("weights", weights, population)
        if (importance < 0).any() or importance.sum() == 0:
            raise TargetError("weights must not be negative, nor all zero.")
        return np.asarray(importance / importance.mean())

    def predict(self, population: Population) -> Prediction:
        """Return what to expect of each architecture; but for costs, the same for all that compute the same function.

        Raises:
            NotFittedError: ``fit`` was not called.
            InvalidArchitectureError: the architectures are of another space than those of ``fit``.
        """
        self._check_fitted()
        self.space_.check(population)
        if len(population) == 0:
            return Prediction(np.empty(0), np.empty(0))
        if self.target == "cost":
            each = self._predict(population)
            return Prediction(each.mean, each.std * self.widening_)
        classes, member = _classes(population)
        once = self._predict(classes)
        return Prediction(once.mean[member], once.std[member] * self.widening_)

    def save(self, path: str | Path) -> None:
        """Write the fitted predictor to one safetensors file, at once or not at all.

        Raises:
            NotFittedError: ``fit`` was not called.
        """
        from safetensors.numpy import save

        self._check_fitted()
        # safetensors writes memory as it lies, whatever the order of the axes.
        state = {name: np.ascontiguousarray(array) for name, array in self.state().items()}
        settings = self.settings()
        header = {"version": SAVE_VERSION, "predictor": self.name, "space": self.space_.name, "settings": settings}
        header["sha256"] = _digest(header, state)
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.{os.getpid()}.part")
        aside.write_bytes(save(state, {"surrogate_nas": json.dumps(header)}))
        os.replace(aside, path)

    def state(self) -> Arrays:
        """Return all that fitting found and predictions need, as named arrays."""
        return {**self._state(), "widening": np.array(self.widening_)}

    def restore(self, space: SearchSpace, state: Arrays) -> None:
        """Take back what ``state`` returned of a predictor of this space."""
        self.space_ = space
        self.widening_ = state["widening"][()]
        self._restore(state)

    def _check_fitted(self) -> None:
        if not hasattr(self, "space_"):
            raise NotFittedError(f"predictor {self.name!r} is not fitted; call fit(population, targets, rng=...).")


@lru_cache(maxsize=4)  # a search predicts for the same candidates again and again
def _classes(population: Population) -> tuple[Population, NDArray[np.int64]]:
    """Return one representative of each function among n architectures, and the (n,) position of each one's."""
    space = population.space
    distinct, member = np.unique(space.represent(population).index, return_inverse=True)
    return space.at(distinct), member


def load_saved(path: Path, class_of: Callable[[str], type[Predictor]]) -> Predictor:
    """Return a predictor that ``save`` wrote; nothing in the file is executed.

    Raises:
        SavedPredictorError: the file is incomplete, altered, or of another version.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            header = json.loads((file.metadata() or {})["surrogate_nas"])
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        if header["version"] != SAVE_VERSION:
            raise SavedPredictorError(
                f"{path} was saved in version {header['version']} of the format, this package reads "
                f"{SAVE_VERSION}; fit again."
            )
        if header.pop("sha256") != _digest(header, state):
            raise SavedPredictorError(f"{path} was altered after it was saved; fit and save the predictor again.")
        predictor = class_of(header["predictor"]).from_settings(header["settings"])
        predictor.restore(get_space(header["space"]), state)
    except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
        if isinstance(error, SavedPredictorError):
            raise
        raise SavedPredictorError(
            f"{path} holds no predictor of this package ({error}); fit and save it again."
        ) from error
    return predictor


def _digest(header: Mapping[str, Any], state: Arrays) -> str:
    """Return the sha256 of what a saved predictor says, its settings and all its numbers."""
    summary = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for name, array in sorted(state.items()):
        summary.update(f"{name} {array.dtype} {array.shape}".encode())
        summary.update(array.tobytes())
    return summary.hexdigest()


def as_numbers(what: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return targets or weights as an array.

    Raises:
        TargetError: they are no numbers, or rows of different length.
    """
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TargetError(f"{what} must be numbers, one for each architecture; {error}.") from error


def _checked(what: str, values: ArrayLike, population: Population) -> NDArray[np.float64]:
    array = as_numbers(what, values)
    if len(population) == 0:
        raise InvalidArchitectureError("a predictor needs at least one measured architecture, got none.")
    if array.shape != (len(population),):
        raise TargetError(
            f"{what} must be one number for each of {len(population)} architectures, got shape {array.shape}."
        )
    if not np.isfinite(array).all():
        raise TargetError(f"{what} must be finite, got {array[~np.isfinite(array)][0]}; leave failed measurements out.")
    return array


def check_informative(targets: Values, population: Population, of: str = "") -> None:
    """Raise if nothing can be learned from (n,) finite targets, or if they contradict each other.

    One or two equal ones are no contradiction: a search begins with them.

    Args:
        targets: (n,) measurements.
        population: n architectures.
        of: which task they are of, for the message.

    Raises:
        TargetError: three or more that are all equal, or different targets of one architecture.
    """
    if len(targets) > 2 and np.ptp(targets) == 0:
        raise TargetError(
            f"all {len(targets)} targets{of} are {targets[0]:g}, so that nothing can be ranked; add architectures that "
            "measured otherwise."
        )
    _, first, member = np.unique(population.index, return_index=True, return_inverse=True)
    differing = np.flatnonzero(targets != targets[first][member])
    if len(differing):
        at = differing[0]
        raise TargetError(
            f"{population[int(at)].text} has the targets{of} {targets[first[member[at]]]:g} and {targets[at]:g}; give "
            "each architecture once, with the mean of its measurements and their number as its weight."
        )
