"""Other tasks as a first guess: they help where they agree with the labels, and are left out where they do not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from surrogate_nas.errors import InvalidArchitectureError, NotFittedError, SettingError
from surrogate_nas.metrics import spearman
from surrogate_nas.predictor import Predictor, load_saved_predictor
from surrogate_nas.predictor.additive import Additive
from surrogate_nas.predictor.distilled import Distilled
from surrogate_nas.predictor.gaussian_process import GaussianProcess
from surrogate_nas.predictor.multitask import MultiTask
from surrogate_nas.predictor.transfer import Transfer
from surrogate_nas.space import NATS_SIZE, NB201, Population

MEASURED = NB201.sample(60, rng=np.random.default_rng(0))
OTHERS = NB201.sample(300, rng=np.random.default_rng(1))
KNOWN = NB201.sample(400, rng=np.random.default_rng(2))


def truth(population: Population, *, convolution: float = 4.0) -> np.ndarray:
    """An invented accuracy: of the cell as it computes, convolutions near the input and the output count most."""
    live = population.space.represent(population).decisions
    share = np.array([3.0, 1.0, 2.0, 1.0, 2.0, 3.0])
    return 50.0 + (live == 3) @ share * convolution / 2 + (live == 2) @ share - 2.0 * (live == 4) @ share


def source(labels: np.ndarray, name: str = "other") -> Predictor:
    return Distilled(GaussianProcess(), [{"dataset": name}]).fit(KNOWN, labels, rng=np.random.default_rng(0))


def quality(predictor: Predictor, n: int) -> float:
    predictor.fit(MEASURED[:n], truth(MEASURED[:n]), rng=np.random.default_rng(0))
    return spearman(predictor.predict(OTHERS).mean, truth(OTHERS))


def related() -> Predictor:
    return source(truth(KNOWN, convolution=3.0) * 0.8)


def permuted() -> Predictor:
    return source(np.random.default_rng(3).permutation(truth(KNOWN)))


def test_a_related_task_helps_the_first_labels() -> None:
    transfer = Transfer(GaussianProcess(), [related()])
    assert quality(transfer, 8) > quality(GaussianProcess(), 8) + 0.1
    assert transfer.trust_ > 0.9
    assert transfer.slopes_[0] > 0.3


@pytest.mark.parametrize("n", [5, 10, 20, 60])
def test_permuted_labels_of_a_source_do_not_hurt(n: int) -> None:
    assert quality(Transfer(GaussianProcess(), [permuted()]), n) > quality(GaussianProcess(), n) - 0.01


def test_a_source_that_ranks_the_wrong_way_is_left_out() -> None:
    transfer = Transfer(GaussianProcess(), [source(120.0 - truth(KNOWN))])
    assert quality(transfer, 20) > quality(GaussianProcess(), 20) - 0.01
    assert transfer.slopes_.tolist() == [0.0]


def test_of_several_sources_the_one_that_tells_is_found() -> None:
    transfer = Transfer(GaussianProcess(), [permuted(), related(), source(120.0 - truth(KNOWN))])
    assert quality(transfer, 10) > 0.9 * quality(Transfer(GaussianProcess(), [related()]), 10)
    assert transfer.slopes_.argmax() == 1


def test_one_label_and_two_are_enough() -> None:
    for n in (1, 2):
        prediction = (
            Transfer(GaussianProcess(), [related()])
            .fit(MEASURED[:n], truth(MEASURED[:n]), rng=np.random.default_rng(0))
            .predict(OTHERS)
        )
        assert np.isfinite(prediction.mean).all()
        assert np.isfinite(prediction.std).all()


def test_a_source_that_is_the_task_itself_leaves_nothing_to_learn() -> None:
    assert quality(Transfer(GaussianProcess(), [source(truth(KNOWN))]), 20) > 0.95


def test_architectures_of_a_device_are_told_apart_although_they_compute_the_same() -> None:
    def milliseconds(population: Population, base: float) -> np.ndarray:
        return base + (population.decisions == 3).sum(axis=1) * 2.0 + (population.decisions == 4).sum(axis=1)

    everything = NB201.enumerate()
    devices = [
        Additive().fit(everything[::50], milliseconds(everything[::50], base), rng=np.random.default_rng(0))
        for base in (5.0, 8.0)
    ]
    transfer = Transfer(Additive(), devices).fit(
        MEASURED[:10], milliseconds(MEASURED[:10], 20.0), rng=np.random.default_rng(0)
    )
    dead, live = NB201.parse(
        [
            "|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|",
            "|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|",
        ]
    )
    assert dead.key == live.key
    assert transfer.predict(dead).mean > transfer.predict(live).mean
    assert spearman(transfer.predict(OTHERS).mean, milliseconds(OTHERS, 20.0)) > 0.95


def test_it_is_saved_with_its_sources(tmp_path: Path) -> None:
    transfer = Transfer(GaussianProcess(), [related(), "nb201-digits"])
    transfer.fit(MEASURED, truth(MEASURED), rng=np.random.default_rng(0)).save(tmp_path / "transfer")
    loaded = load_saved_predictor(tmp_path / "transfer")
    np.testing.assert_array_equal(loaded.predict(OTHERS).mean, transfer.predict(OTHERS).mean)
    assert loaded.seen == {"other", "digits"}


@pytest.mark.parametrize(
    ("sources", "error", "message"),
    [
        ([], SettingError, "at least one"),
        ("nb201-digits", SettingError, "list"),
        (["nb201-digit"], SettingError, "Did you mean 'nb201-digits'"),
        ([GaussianProcess()], NotFittedError, "not fitted"),
    ],
)
def test_sources_that_tell_nothing_are_refused(
    sources: list[Predictor | str], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        Transfer(GaussianProcess(), sources).fit(MEASURED, truth(MEASURED), rng=np.random.default_rng(0))


def test_a_source_of_several_tasks_is_refused() -> None:
    tasks = np.stack([truth(MEASURED), truth(MEASURED, convolution=1.0)], axis=1)
    several = MultiTask(members=1, layers=1, width=4, steps=2).fit(MEASURED, tasks, rng=np.random.default_rng(0))
    with pytest.raises(SettingError, match="one task, got 'multitask' of 2"):
        Transfer(GaussianProcess(), [several]).fit(MEASURED, truth(MEASURED), rng=np.random.default_rng(0))


def test_deviations_hold_what_is_not_known_of_the_slope() -> None:
    transfer = Transfer(GaussianProcess(), [related()])
    transfer.fit(MEASURED[:8], truth(MEASURED[:8]), rng=np.random.default_rng(0))
    before = transfer.predict(OTHERS)
    transfer.unsure_ = transfer.unsure_ * 100
    after = transfer.predict(OTHERS)
    assert np.array_equal(before.mean, after.mean)
    assert (after.std > before.std).all()


def test_a_source_that_tells_nothing_leaves_what_the_labels_alone_tell() -> None:
    labels = np.where(truth(MEASURED) <= np.quantile(truth(MEASURED), 0.15), 10.0, truth(MEASURED))  # some failed
    told = [source(120.0 - truth(KNOWN))]
    together = Transfer(GaussianProcess(), told).fit(MEASURED, labels, rng=np.random.default_rng(0)).predict(OTHERS)
    alone = GaussianProcess().fit(MEASURED, labels, rng=np.random.default_rng(0)).predict(OTHERS)
    np.testing.assert_allclose(together.mean, alone.mean, atol=1e-3)  # of an optimiser's end, in percent


def test_the_more_labels_the_more_they_tell_alone() -> None:
    transfer = Transfer(GaussianProcess(), [source(truth(KNOWN, convolution=0.0))])
    shares = []
    for n in (8, 60):
        transfer.fit(MEASURED[:n], truth(MEASURED[:n]), rng=np.random.default_rng(0))
        assert transfer.shares_.sum() == pytest.approx(1)
        shares.append(transfer.shares_[0])
    assert 0 < shares[0] < shares[1]


def test_without_labels_left_out_sources_and_base_speak_together() -> None:
    transfer = Transfer(GaussianProcess(searching=True), [related()])
    transfer.fit(MEASURED[:8], truth(MEASURED[:8]), rng=np.random.default_rng(0))
    assert transfer.shares_.tolist() == [0.0, 1.0]


def test_failures_do_not_widen_the_intervals_of_the_others() -> None:
    labels = truth(MEASURED)
    failed = labels <= np.quantile(labels, 0.15)
    known = truth(KNOWN)
    told = source(np.where(known <= np.quantile(known, 0.15), 10.0, known))
    transfer = Transfer(GaussianProcess(), [told])
    transfer.fit(MEASURED, np.where(failed, 10.0, labels), rng=np.random.default_rng(0))
    assert transfer.widening_ < 3


def test_a_source_of_another_space_is_refused() -> None:
    chains = NATS_SIZE.sample(20, rng=np.random.default_rng(0))
    other = GaussianProcess().fit(chains, np.linspace(50, 60, 20), rng=np.random.default_rng(0))
    with pytest.raises(InvalidArchitectureError, match="nats-size"):
        Transfer(GaussianProcess(), [other]).fit(MEASURED, truth(MEASURED), rng=np.random.default_rng(0))
