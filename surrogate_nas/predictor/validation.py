"""Predictions of measured architectures by fits that did not see them."""

from __future__ import annotations

import copy

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.predictor.base import Prediction, Predictor
from surrogate_nas.space import Population

FOLDS = 5


def cross_predict(
    predictor: Predictor, population: Population, targets: NDArray[np.float64], *, rng: np.random.Generator
) -> Prediction:
    """Return for each measured architecture the prediction of a fit to the other folds.

    All architectures of one function lie in one fold, so that none is predicted from the label of an equal one.

    Args:
        predictor: fitted anew, as a copy, for each of five folds.
        population: n architectures of at least five different functions.
        targets: (n,) measurements.
        rng: of the division and the fits.
    """
    _, function = np.unique(population.key, return_inverse=True)
    fold = rng.permutation(np.arange(function.max() + 1) % FOLDS)[function]
    mean, std = np.empty(len(population)), np.empty(len(population))
    for held in range(FOLDS):
        rest, inside = fold != held, fold == held
        if np.ptp(targets[rest]) == 0:  # nothing is learned from equal ones, and they are what is expected
            mean[inside], std[inside] = targets[rest][0], 0.0
            continue
        prediction = copy.deepcopy(predictor).fit(population[rest], targets[rest], rng=rng).predict(population[inside])
        mean[inside], std[inside] = prediction.mean, prediction.std
    return Prediction(mean, std)
