"""Architectures worth a prediction, where a space is too large to predict all of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.space import Population, SearchSpace, concatenate, distinct

ENUMERABLE = 100_000  # architectures; a larger space is not enumerated
PARENTS = 10  # best measurements, from which others are bred
BRED = 1000  # by crossover
RANDOM = 1000  # drawn uniformly


def candidate_pool(
    space: SearchSpace, measured: Population, values: NDArray[np.float64], *, rng: np.random.Generator
) -> Population:
    """Return every architecture of a space, or of a large one those that may be proposed.

    These are what was measured, all neighbours of the best measured ones, crosses of two of these with one mutation,
    and random architectures.

    Args:
        space: what may be chosen.
        measured: n architectures.
        values: (n,) their measurements, higher is better; NaN where one failed.
        rng: the only source of randomness.
    """
    if space.size <= ENUMERABLE:
        return space.enumerate()
    best = np.argsort(-np.nan_to_num(values, nan=-np.inf), kind="stable")[:PARENTS]
    parents = measured[best]
    drawn = space.at(rng.integers(space.size, size=RANDOM))
    if len(parents) == 0:
        return distinct(drawn)
    crossed = mutated(crosses(parents, BRED, rng), rng)
    return distinct(concatenate([measured, space.neighbours(parents), crossed, drawn]))


def crosses(parents: Population, n: int, rng: np.random.Generator) -> Population:
    """Return n architectures that take each decision from one of two parents (uniform crossover: Syswerda, 1989)."""
    pairs = parents.decisions[rng.integers(len(parents), size=(2, n))]  # (2, n, k)
    return Population(parents.space, np.where(rng.random(pairs.shape[1:]) < 0.5, pairs[0], pairs[1]))


def mutated(population: Population, rng: np.random.Generator) -> Population:
    """Return each architecture with one decision changed."""
    options = population.space.options
    rows, column = np.arange(len(population)), rng.integers(len(options), size=len(population))
    step = rng.integers(1, options[column])
    decisions = population.decisions.copy()
    decisions[rows, column] = (decisions[rows, column] + step) % options[column]
    return Population(population.space, decisions)


def mutants(parents: Population, n: int, rng: np.random.Generator) -> Population:
    """Return up to n different architectures, each a parent with one decision changed."""
    return distinct(mutated(parents[np.arange(n) % len(parents)], rng))
