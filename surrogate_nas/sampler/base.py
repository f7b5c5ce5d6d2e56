"""What a sampler is: measurements in, the next architectures out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.predictor.targets import TargetScale
from surrogate_nas.settings import integer
from surrogate_nas.space import Population, SearchSpace, concatenate


@dataclass(frozen=True, eq=False)
class History:
    """All that a sampler knows: what may be proposed, and what was measured so far.

    Attributes:
        candidates: the architectures that can be measured.
        population: the n measured ones, in the order of measurement, no two alike.
        values: (n,) measurements, higher is better; NaN where a measurement failed.
        costs: (n, m) further objectives of the measured ones, lower is better.
        known_costs: (c, m) the same of all candidates; None where only a measurement tells them.
    """

    candidates: Population
    population: Population
    values: NDArray[np.float64]
    costs: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)))
    known_costs: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.population)

    @property
    def space(self) -> SearchSpace:
        """The search space of all architectures."""
        return self.candidates.space

    @property
    def several(self) -> bool:
        """Whether there are several objectives."""
        return bool(self.costs.shape[1] > 0)

    @cached_property
    def unmeasured(self) -> Population:
        """The candidates that were not measured yet."""
        return self.candidates[~self.candidates.isin(self.population)]

    @cached_property
    def succeeded(self) -> NDArray[np.int64]:
        """Positions of the measurements that did not fail."""
        return np.flatnonzero(np.isfinite(self.values))

    @cached_property
    def scale(self) -> TargetScale:
        """The scale that predictors of the measurements learn on; they are accuracies if all lie in 0 to 100."""
        known = self.values[self.succeeded]
        return TargetScale.fit(known, "accuracy" if known.min() >= 0 and known.max() <= 100 else "value")

    @property
    def best(self) -> float:
        """The highest measurement; minus infinity before the first."""
        return float(self.values[self.succeeded].max(initial=-np.inf))


class Sampler(ABC):
    """Chooses what to measure next.

    A sampler has no memory: the same history and the same state of ``rng`` give the same proposals, so resuming is
    replaying. A constructor only stores its arguments.

    Attributes:
        batch: how many architectures it likes to propose at a time.
        several: whether it serves several objectives.
        lengths: whether it proposes how long to train, too.
        counts: the names of its settings that are whole numbers from 1 on, beside ``batch``.
    """

    batch: int = 1
    several: bool = False
    lengths: bool = False
    counts: ClassVar[tuple[str, ...]] = ()

    def check(self) -> None:
        """Raise if a setting is outside what is allowed.

        Raises:
            SettingError: a count is none, or below 1.
        """
        for name in ("batch", *self.counts):
            integer(f"{type(self).__name__}: {name}", getattr(self, name), least=1)

    @abstractmethod
    def propose(self, n: int, history: History, *, rng: np.random.Generator) -> Population:
        """Return up to n different unmeasured candidates, of which there are more than n."""

    def ask(self, n: int, history: History, *, rng: np.random.Generator) -> Population:
        """Return n different candidates that were not measured yet, or all that are left when they are fewer.

        What ``propose`` leaves open is drawn at random.

        Raises:
            SettingError: a setting is outside what is allowed.
        """
        self.check()
        unmeasured = history.unmeasured
        if len(unmeasured) <= n:
            return unmeasured
        proposals = self.propose(n, history, rng=rng)
        if len(proposals) < n:
            rest = unmeasured[~unmeasured.isin(proposals)]
            proposals = concatenate([proposals, draw(rest, n - len(proposals), rng)])
        return proposals


def draw(population: Population, n: int, rng: np.random.Generator) -> Population:
    """Return up to n different architectures of a population, all equally likely."""
    return population[rng.choice(len(population), size=min(n, len(population)), replace=False)]
