"""What more training images do to an accuracy: the larger a network, the more it gains from them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from surrogate_nas.encoding.costs import flops
from surrogate_nas.predictor.base import Prediction
from surrogate_nas.space import Population, SearchSpace

EXPONENT = 0.04  # by which each doubling lets the error fall faster with FLOPs; benchmarks/predictor tells whence


def grown(prediction: Prediction, population: Population, *, growth: float) -> Prediction:
    """Return what to expect of n architectures that are trained on ``growth`` times the images.

    The error, 100 - accuracy, is multiplied by (F / F0) ** (-EXPONENT * log2(growth)), where F are the FLOPs of what
    the architecture computes, and F0 the least of the space. That one gains nothing, and twice the FLOPs always gain
    the same factor. What all gain alike is not known: the order is told, and the level in part. Deviations shrink as
    errors do. That larger networks gain more is long known (Rosenfeld et al., "A Constructive Prediction of the
    Generalization Error Across Scales", ICLR 2020).

    Args:
        prediction: of n accuracies in percent.
        population: the n architectures.
        growth: positive; 1 changes nothing.
    """
    if growth == 1:
        return prediction
    operations = flops(population.space.represent(population)) / _least(population.space)  # (n,) times F0
    factor = operations ** (-EXPONENT * np.log2(growth))
    return Prediction(100 - (100 - prediction.mean) * factor, prediction.std * factor)


@lru_cache
def _least(space: SearchSpace) -> int:
    """Return the least FLOPs of a space, in which no decision makes another one cheaper."""
    smallest = np.zeros(len(space.decisions), dtype=np.int8)
    for place, decision in enumerate(space.decisions):
        choices = np.tile(smallest, (len(decision.options), 1))
        choices[:, place] = np.arange(len(decision.options))
        smallest = choices[flops(Population(space, choices)).argmin()]
    return int(flops(Population(space, smallest[None])).item())
