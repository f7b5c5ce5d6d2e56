"""Samplers and predictors as users bring them, some of them bad; processes of a comparison import them."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np

from surrogate_nas.predictor.base import Prediction, Predictor
from surrogate_nas.sampler.base import History, Sampler, draw
from surrogate_nas.space import NB201, Population


class Uniform(Sampler):
    """Random search under another name, with other random numbers than the package's own."""

    def __init__(self, *, stream: int = 1) -> None:
        self.stream = stream

    def propose(self, n: int, history: History, *, rng: np.random.Generator) -> Population:
        return draw(history.unmeasured, n, np.random.default_rng([self.stream, int(rng.integers(2**32))]))


class Crashes(Sampler):
    """Raises in about every second search."""

    def propose(self, n: int, history: History, *, rng: np.random.Generator) -> Population:
        if len(history) == 0 and rng.random() < 0.5:
            raise RuntimeError("no <luck> today")
        return draw(history.unmeasured, n, rng)


class Hangs(Sampler):
    """Never answers."""

    def propose(self, n: int, history: History, *, rng: np.random.Generator) -> Population:
        time.sleep(600)
        raise AssertionError


class Dies(Sampler):
    """Takes its process with it."""

    def propose(self, n: int, history: History, *, rng: np.random.Generator) -> Population:
        os._exit(9)


class Exits(Sampler):
    """Ends the program, as scripts do."""

    def propose(self, n: int, history: History, *, rng: np.random.Generator) -> Population:
        raise SystemExit("no more\nthan this")


class Silent(Sampler):
    """Proposes nothing."""

    def ask(self, n: int, history: History, *, rng: np.random.Generator) -> Population:
        return self.propose(n, history, rng=rng)

    def propose(self, n: int, history: History, *, rng: np.random.Generator) -> Population:
        return history.population[:0]


class Repeats(Sampler):
    """Proposes what it has seen."""

    def propose(self, n: int, history: History, *, rng: np.random.Generator) -> Population:
        return history.population[:1] if len(history) else draw(history.unmeasured, n, rng)


class Cheats(Sampler):
    """Proposes what is not in the table."""

    def propose(self, n: int, history: History, *, rng: np.random.Generator) -> Population:
        everything = NB201.enumerate()
        return draw(everything[~everything.isin(history.candidates)], n, rng)


class Dice(Predictor):
    """Predicts random numbers."""

    name = "dice"

    def _fit(self, population: Population, targets: Any, weights: Any, rng: np.random.Generator) -> Prediction:
        self.rng_ = rng
        return self._predict(population)

    def _predict(self, population: Population) -> Prediction:
        return Prediction(self.rng_.random(len(population)), np.ones(len(population)))

    def settings(self) -> dict[str, Any]:
        return {}

    def _state(self) -> dict[str, Any]:
        return {}

    def _restore(self, state: Any) -> None:
        self.rng_ = np.random.default_rng(0)
