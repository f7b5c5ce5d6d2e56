"""The Gaussian process."""

from __future__ import annotations

import numpy as np
import pytest

from surrogate_nas.encoding.trend import trend
from surrogate_nas.predictor import Prediction, beyond
from surrogate_nas.predictor.gaussian_process import GaussianProcess, feature_blocks
from surrogate_nas.space import NB201

POPULATION = NB201.sample(80, rng=np.random.default_rng(0))
OTHERS = NB201.sample(500, rng=np.random.default_rng(1))


def convolutions(population) -> np.ndarray:
    """A function of the class alone: how many convolutions its simplest cell has."""
    return np.isin(NB201.represent(population).decisions, (2, 3)).sum(axis=1).astype(float)


def test_noiseless_labels_are_interpolated() -> None:
    targets = convolutions(POPULATION)
    predictor = GaussianProcess(target="value").fit(POPULATION, targets, rng=np.random.default_rng(0))
    assert predictor.predict(POPULATION).mean == pytest.approx(targets, abs=0.2)


def test_intervals_cover_as_often_as_they_say() -> None:
    rng = np.random.default_rng(2)
    targets = convolutions(POPULATION) + rng.normal(0, 0.5, len(POPULATION))
    prediction = GaussianProcess(target="value").fit(POPULATION, targets, rng=rng).predict(OTHERS)
    measured = convolutions(OTHERS) + rng.normal(0, 0.5, len(OTHERS))
    assert 0.8 < (np.abs(measured - prediction.mean) < 1.645 * prediction.std).mean() < 0.97


def test_uncertainty_is_larger_where_nothing_was_measured() -> None:
    predictor = GaussianProcess(target="value").fit(POPULATION, convolutions(POPULATION), rng=np.random.default_rng(0))
    unseen = OTHERS[~np.isin(OTHERS.key, POPULATION.key)]
    assert predictor.predict(unseen).std.mean() > 1.5 * predictor.predict(POPULATION).std.mean()


def test_many_labels_choose_the_scales_on_a_part_of_them() -> None:
    population = NB201.sample(300, rng=np.random.default_rng(3))
    predictor = GaussianProcess(target="value").fit(population, convolutions(population), rng=np.random.default_rng(0))
    assert np.corrcoef(predictor.predict(OTHERS).mean, convolutions(OTHERS))[0, 1] > 0.9


def test_the_process_of_a_search_learns_as_well() -> None:
    targets = 60 + 5 * convolutions(POPULATION)
    process = GaussianProcess(searching=True).fit(POPULATION, targets, rng=np.random.default_rng(0))
    error = process.predict(OTHERS).mean - (60 + 5 * convolutions(OTHERS))
    assert np.abs(error).mean() < 2  # points; the targets' own mean deviation is 5


def test_what_goes_on_is_believed_beyond_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    small, large = POPULATION[trend(POPULATION) < 0], OTHERS[trend(OTHERS) > 1]

    def predicted() -> Prediction:
        process = GaussianProcess(target="value").fit(small, 3 * trend(small), rng=np.random.default_rng(0))
        return process.predict(large)

    told = predicted()
    monkeypatch.setattr(beyond, "SLOPE", 0.0)
    monkeypatch.setattr(beyond, "NETWORK", 0.0)
    untold = predicted()
    assert (told.mean > untold.mean).all()
    assert np.abs(told.mean - 3 * trend(large)).mean() < 0.8 * np.abs(untold.mean - 3 * trend(large)).mean()


def test_in_a_search_nothing_goes_on() -> None:
    targets = 60 + 5 * convolutions(POPULATION)
    predictor = GaussianProcess(searching=True).fit(POPULATION, targets, rng=np.random.default_rng(0))
    assert predictor.inputs_.shape == (80, 0)
    covariance = predictor.factor_ @ predictor.factor_.T
    assert covariance.diagonal() == pytest.approx(predictor.covariance_.signal + predictor.covariance_.noise)


def test_far_off_the_deviation_holds_what_goes_on() -> None:
    predictor = GaussianProcess(target="value").fit(POPULATION, convolutions(POPULATION), rng=np.random.default_rng(0))
    prior = predictor.covariance_.signal + beyond.variance(predictor.inputs_) + predictor.covariance_.noise
    assert (predictor.factor_ @ predictor.factor_.T).diagonal() == pytest.approx(prior, rel=1e-5)  # single precision


def test_by_kind_every_kernel_sees_one_kind_of_feature() -> None:
    predictor = GaussianProcess(target="value", by_kind=True)
    predictor.fit(POPULATION, convolutions(POPULATION), rng=np.random.default_rng(0))
    # Edges, counts, paths, sets of operations, depths, nodes, sizes, and what untrained networks tell.
    assert predictor.covariance_.parts == tuple((block,) for block in range(8))
    together = feature_blocks(POPULATION)
    assert sum(block.shape[1] for block in predictor.blocks_[:7]) == together[0].shape[1]
    assert np.array_equal(predictor.blocks_[7], together[1])


def test_by_kind_what_the_counts_tell_is_learned_as_well() -> None:
    predictor = GaussianProcess(target="value", by_kind=True)
    predictor.fit(POPULATION, convolutions(POPULATION), rng=np.random.default_rng(0))
    assert np.corrcoef(predictor.predict(OTHERS).mean, convolutions(OTHERS))[0, 1] > 0.9


def test_held_out_predictions_are_those_of_the_process_without_each() -> None:
    targets = convolutions(POPULATION)
    predictor = GaussianProcess(target="value").fit(POPULATION, targets, rng=np.random.default_rng(0))
    covariance, score = predictor.factor_ @ predictor.factor_.T, predictor.scale_.score(targets)
    weights = np.linalg.solve(covariance[1:, 1:], covariance[1:, 0])
    mean, variance = weights @ score[1:], covariance[0, 0] - weights @ covariance[1:, 0]
    assert predictor.held_out_.mean[0] == pytest.approx(predictor.scale_.target(mean))
    deviation = predictor.scale_.deviation(mean, np.sqrt(variance))
    assert predictor.held_out_.std[0] == pytest.approx(deviation * predictor.widening_)
