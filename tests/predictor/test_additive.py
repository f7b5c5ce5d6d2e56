"""Costs that add up."""

from __future__ import annotations

import numpy as np
import pytest

from surrogate_nas.errors import TargetError
from surrogate_nas.metrics import coverage, spearman
from surrogate_nas.predictor.additive import Additive
from surrogate_nas.space import NATS_SIZE, NB201, Population

MEASURED = NB201.sample(200, rng=np.random.default_rng(0))
OTHERS = NB201.sample(500, rng=np.random.default_rng(1))
EACH = np.array([0.0, 0.1, 0.5, 1.0, 0.7])  # milliseconds of an operation


def milliseconds(population: Population, *, noise: float = 0.0) -> np.ndarray:
    clean = 3.0 + EACH[population.decisions].sum(axis=1)
    return clean * np.exp(noise * np.random.default_rng(len(population)).standard_normal(len(population)))


def test_ten_measurements_rank_a_sum() -> None:
    predictor = Additive().fit(MEASURED[:10], milliseconds(MEASURED[:10]), rng=np.random.default_rng(0))
    assert spearman(predictor.predict(OTHERS).mean, milliseconds(OTHERS)) > 0.9


def test_many_measurements_are_nearly_exact() -> None:
    predictor = Additive().fit(MEASURED, milliseconds(MEASURED), rng=np.random.default_rng(0))
    np.testing.assert_allclose(predictor.predict(OTHERS).mean, milliseconds(OTHERS), rtol=0.1)


def test_intervals_hold_what_they_promise() -> None:
    predictor = Additive().fit(MEASURED, milliseconds(MEASURED, noise=0.1), rng=np.random.default_rng(0))
    told = predictor.predict(OTHERS)
    assert 0.84 < coverage(told.mean, told.std, milliseconds(OTHERS, noise=0.1), 0.9) < 0.96


def test_what_was_left_out_is_what_a_fit_without_it_says() -> None:
    labels = milliseconds(MEASURED[:40], noise=0.1)
    whole = Additive().fit(MEASURED[:40], labels, rng=np.random.default_rng(0))
    rest = np.arange(40) != 7
    without = Additive().fit(MEASURED[:40][rest], labels[rest], rng=np.random.default_rng(0))
    assert whole.held_out_.mean[7] == pytest.approx(without.predict(MEASURED[7]).mean[0], rel=0.05)


def test_chains_have_costs_too() -> None:
    chains = NATS_SIZE.sample(100, rng=np.random.default_rng(0))
    cost = 1.0 + chains.decisions.sum(axis=1)
    predictor = Additive().fit(chains, cost, rng=np.random.default_rng(0))
    assert spearman(predictor.predict(chains).mean, cost) > 0.9


@pytest.mark.parametrize("wrong", [0.0, -1.0])
def test_costs_are_positive(wrong: float) -> None:
    labels = milliseconds(MEASURED)
    labels[3] = wrong
    with pytest.raises(TargetError, match="costs are positive"):
        Additive().fit(MEASURED, labels, rng=np.random.default_rng(0))
