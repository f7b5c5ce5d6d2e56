"""Architectures together with further settings, such as a learning rate: one space to search both."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.errors import InvalidArchitectureError, SettingError
from surrogate_nas.space.base import Decision, Graphs, SearchSpace
from surrogate_nas.space.population import Population

GOLDEN = 0x9E3779B97F4A7C15  # 2^64 divided by the golden ratio: its multiples keep their distance


@dataclass(frozen=True)
class JointSpace(SearchSpace):
    """Every pair of an architecture and levels of some settings.

    Attributes:
        inner: the space of the architectures.
        settings: a decision for each setting; its options are its levels.
        ordered: whether the levels of each setting are an order, as of numbers, and not mere names.

    Raises:
        SettingError: there are more pairs than can be counted.
    """

    inner: SearchSpace
    settings: tuple[Decision, ...]
    ordered: tuple[bool, ...]

    def __post_init__(self) -> None:
        if float(np.prod([float(len(decision.options)) for decision in self.decisions])) >= 2.0**62:
            raise SettingError(f"{len(self.settings)} settings beside an architecture are too many to search together.")

    @property
    def name(self) -> str:  # type: ignore[override]
        """The names of the inner space and of the settings."""
        return "+".join([self.inner.name, *(setting.name for setting in self.settings)])

    @cached_property
    def decisions(self) -> tuple[Decision, ...]:  # type: ignore[override]
        """Those of the inner space, and one for each setting."""
        return (*self.inner.decisions, *self.settings)

    def architectures(self, population: Population) -> Population:
        """Return the (n) architectures without their settings."""
        self.check(population)
        return Population(self.inner, population.decisions[:, : len(self.inner.decisions)])

    def levels(self, population: Population) -> NDArray[np.int8]:
        """Return the (n, settings) levels."""
        self.check(population)
        return population.decisions[:, len(self.inner.decisions) :]

    def parse_one(self, text: str) -> list[int]:
        """Return the options of ``ARCHITECTURE; setting=level; ...``."""
        architecture, *parts = text.split("; ") if isinstance(text, str) else [""]
        names = [f"{setting.name}=" for setting in self.settings]
        if len(parts) == len(names) and all(part.startswith(name) for part, name in zip(parts, names, strict=True)):
            levels = [part.removeprefix(name) for part, name in zip(parts, names, strict=True)]
            if all(level in setting.options for level, setting in zip(levels, self.settings, strict=True)):
                options = [setting.options.index(level) for level, setting in zip(levels, self.settings, strict=True)]
                return [*self.inner.parse_one(architecture), *options]
        form = "; ".join(["ARCHITECTURE", *(f"{name}LEVEL" for name in names)])
        raise InvalidArchitectureError(f"{text!r} is no architecture of space {self.name!r}. Expected {form}.")

    def format(self, population: Population) -> list[str]:
        """Return ``ARCHITECTURE; setting=level; ...`` for each pair."""
        levels = self.levels(population).tolist()
        return [
            "; ".join([text, *(f"{s.name}={s.options[at]}" for s, at in zip(self.settings, row, strict=True))])
            for text, row in zip(self.architectures(population).texts, levels, strict=True)
        ]

    def key(self, population: Population) -> NDArray[np.int64]:
        """Return (n,) keys, equal for equal functions at equal levels."""
        inner = self.architectures(population).key.astype(np.uint64)
        return (inner * np.uint64(GOLDEN) + self._level_index(population).astype(np.uint64)).view(np.int64)

    def represent(self, population: Population) -> Population:
        """Return for each pair the architecture that represents its class, at the same levels."""
        architectures = self.inner.represent(self.architectures(population))
        return self.join(architectures, self.levels(population))

    def join(self, architectures: Population, levels: NDArray[np.int8]) -> Population:
        """Return n architectures of the inner space with their (n, settings) levels."""
        return Population(self, np.hstack([architectures.decisions, levels]))

    def graphs(self, population: Population) -> Graphs:
        """Return the graphs of the architectures: settings change no graph."""
        return self.inner.graphs(self.architectures(population))

    @property
    def simplicity(self) -> NDArray[np.int64]:
        """(size,) of each pair, that of its architecture."""
        return np.repeat(self.inner.simplicity, self.size // self.inner.size)

    def _level_index(self, population: Population) -> NDArray[np.int64]:
        return np.asarray(self.levels(population) @ self._strides[len(self.inner.decisions) :])
