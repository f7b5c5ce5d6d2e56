"""Several predictors as one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from surrogate_nas.errors import SettingError
from surrogate_nas.predictor import Prediction, Predictor
from surrogate_nas.predictor.base import Arrays, Values
from surrogate_nas.predictor.ensemble import Ensemble
from surrogate_nas.space import NB201, Population


class Constant(Predictor):
    """Predicts one number with one deviation, and keeps what its generator drew."""

    name = "constant"

    def __init__(self, mean: float, std: float) -> None:
        self.mean = mean
        self.std = std

    def settings(self) -> dict[str, Any]:
        return {"mean": self.mean, "std": self.std}

    def _fit(self, population: Population, targets: Values, weights: Values, rng: np.random.Generator) -> None:
        self.drawn_, self.weights_ = rng.random(), weights

    def _predict(self, population: Population) -> Prediction:
        return Prediction(np.full(len(population), self.mean), np.full(len(population), self.std))

    def _state(self) -> Arrays:
        return {}

    def _restore(self, state: Arrays) -> None:
        pass


POPULATION = NB201.sample(4, rng=np.random.default_rng(0))


def test_moments_are_those_of_a_mixture() -> None:
    ensemble = Ensemble([Constant(10.0, 1.0), Constant(14.0, 3.0)])
    prediction = ensemble.fit(POPULATION, np.zeros(4), rng=np.random.default_rng(0)).predict(POPULATION[:1])
    assert prediction.mean.tolist() == [12]
    assert prediction.std == pytest.approx([np.sqrt((1 + 9) / 2 + 4)])


def test_members_draw_differently_and_share_the_weights() -> None:
    one, other = members = [Constant(1.0, 0.0), Constant(1.0, 0.0)]
    Ensemble(members).fit(POPULATION, np.zeros(4), weights=[1, 2, 3, 2], rng=np.random.default_rng(0))
    assert one.drawn_ != other.drawn_
    assert one.weights_.tolist() == other.weights_.tolist() == [0.5, 1, 1.5, 1]


def test_an_ensemble_of_none_is_refused() -> None:
    with pytest.raises(SettingError, match="at least one predictor"):
        Ensemble([]).fit(POPULATION, np.zeros(4), rng=np.random.default_rng(0))
