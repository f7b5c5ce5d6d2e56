"""Optuna's distributions as decisions: a setting has a few levels, and a level stands for a range of values."""

from __future__ import annotations

import math

import numpy as np
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from surrogate_nas.space import Decision

LEVELS = 32  # of a setting that takes more values than these: steps of 3 percent of its range
Numeric = FloatDistribution | IntDistribution
Distribution = CategoricalDistribution | FloatDistribution | IntDistribution  # all that Optuna has
Value = None | bool | int | float | str


def decision(name: str, distribution: Distribution) -> Decision:
    """Return the decision that stands for a parameter; its options are the numbers of its levels."""
    return Decision(name, tuple(map(str, range(_count(distribution)))))


def is_ordered(distribution: Distribution) -> bool:
    """Return whether the levels are an order."""
    return not isinstance(distribution, CategoricalDistribution)


def level_of(distribution: Distribution, value: Value) -> int:
    """Return the level that a value belongs to; values beyond the range belong to the first or the last."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices.index(value)
    low, high = _range(distribution)
    at = math.log(float(value)) if distribution.log else float(value)  # type: ignore[arg-type]
    return int(np.clip((at - low) / (high - low) * _count(distribution), 0, _count(distribution) - 1))


def value_of(distribution: Distribution, level: int, rng: np.random.Generator) -> Value:
    """Return a value of a level: the only one, or a random one of its range."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[level]
    low, high = _range(distribution)
    value = low + (high - low) * (level + rng.random()) / _count(distribution)
    value = math.exp(value) if distribution.log else value
    if distribution.step is not None:
        value = distribution.low + distribution.step * round((value - distribution.low) / distribution.step)
    value = min(max(value, distribution.low), distribution.high)
    return int(value) if isinstance(distribution, IntDistribution) else value


def _count(distribution: Distribution) -> int:
    """Return the number of levels."""
    if isinstance(distribution, CategoricalDistribution):
        return len(distribution.choices)
    if distribution.step is None or distribution.log:
        return LEVELS
    return min(LEVELS, round((distribution.high - distribution.low) / distribution.step) + 1)


def _range(distribution: Numeric) -> tuple[float, float]:
    """Return where the first level begins and the last one ends; half a step beyond the extreme values."""
    half = (distribution.step or 0) / 2
    low, high = distribution.low - half, distribution.high + half
    return (math.log(low), math.log(high)) if distribution.log else (low, high)
