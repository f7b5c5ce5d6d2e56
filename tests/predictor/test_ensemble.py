"""Several predictors as one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from surrogate_nas.errors import SettingError
from surrogate_nas.predictor import Prediction, Predictor
from surrogate_nas.predictor.base import Arrays, Values
from surrogate_nas.predictor.ensemble import Ensemble
from surrogate_nas.predictor.gaussian_process import GaussianProcess
from surrogate_nas.space import NB201, Population


class Constant(Predictor):
    """Predicts one number with one deviation, and keeps what its generator drew."""

    name = "constant"
    target = "value"

    def __init__(self, mean: float, std: float) -> None:
        self.mean = mean
        self.std = std

    def settings(self) -> dict[str, Any]:
        return {"mean": self.mean, "std": self.std}

    def _fit(self, population: Population, targets: Values, weights: Values, rng: np.random.Generator) -> Prediction:
        self.drawn_, self.weights_ = rng.random(), weights
        return self._predict(population)

    def _predict(self, population: Population) -> Prediction:
        return Prediction(np.full(len(population), self.mean), np.full(len(population), self.std))

    def _state(self) -> Arrays:
        return {}

    def _restore(self, state: Arrays) -> None:
        pass


POPULATION = NB201.sample(4, rng=np.random.default_rng(0))


def fitted(*members: Predictor, targets: np.ndarray) -> Ensemble:
    return Ensemble(members).fit(POPULATION, targets, rng=np.random.default_rng(0))


def test_moments_are_those_of_a_mixture() -> None:
    one, other = members = Constant(10.0, 1.0), Constant(14.0, 3.0)
    ensemble = fitted(*members, targets=np.array([10.0, 14.0, 14.0, 10.0]))
    prediction = ensemble.predict(POPULATION[:1])
    assert prediction.mean == pytest.approx([12])
    variance = (one.widening_**2 + 9 * other.widening_**2) / 2 + 4
    assert prediction.std == pytest.approx(np.sqrt(variance) * ensemble.widening_)


def test_what_predicts_held_out_labels_better_gets_a_greater_share() -> None:
    ensemble = fitted(Constant(10.0, 1.0), Constant(20.0, 1.0), targets=np.array([11.0, 10.0, 9.0, 11.0]))
    assert ensemble.shares_.sum() == pytest.approx(1)
    assert ensemble.shares_[0] > 0.6


def test_few_labels_move_the_shares_less_than_many() -> None:
    many = NB201.sample(400, rng=np.random.default_rng(0))
    few = fitted(Constant(10.0, 1.0), Constant(20.0, 1.0), targets=np.array([10.0, 11.0, 9.0, 10.0]))
    sure = Ensemble([Constant(10.0, 1.0), Constant(20.0, 1.0)])
    sure.fit(many, np.tile([10.0, 11.0, 9.0, 10.0], 100), rng=np.random.default_rng(0))
    assert sure.shares_[0] > few.shares_[0]


def test_members_of_different_targets_are_refused() -> None:
    with pytest.raises(SettingError, match="same target"):
        fitted(GaussianProcess(), GaussianProcess(target="value"), targets=np.arange(4.0))


def test_members_draw_differently_and_share_the_weights() -> None:
    one, other = members = [Constant(1.0, 0.0), Constant(1.0, 0.0)]
    Ensemble(members).fit(POPULATION, np.arange(4.0), weights=[1, 2, 3, 2], rng=np.random.default_rng(0))
    assert one.drawn_ != other.drawn_
    assert one.weights_.tolist() == other.weights_.tolist() == [0.5, 1, 1.5, 1]


def test_an_ensemble_of_none_is_refused() -> None:
    with pytest.raises(SettingError, match="at least one predictor"):
        Ensemble([]).fit(POPULATION, np.arange(4.0), rng=np.random.default_rng(0))
