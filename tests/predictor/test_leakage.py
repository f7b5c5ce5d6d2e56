"""Labels seen and not counted are refused."""

from __future__ import annotations

import pytest

from surrogate_nas.errors import LeakageError
from surrogate_nas.predictor.boosted import Boosted
from surrogate_nas.predictor.distilled import Distilled
from surrogate_nas.predictor.ensemble import Ensemble
from surrogate_nas.predictor.gaussian_process import GaussianProcess
from surrogate_nas.predictor.leakage import check_unseen, images_of, unseen

KNOWS_DIGITS = Distilled(GaussianProcess(), [{"dataset": "digits"}])


@pytest.mark.parametrize(
    ("dataset", "images"),
    [("cifar10", "cifar10"), ("cifar10-25k", "cifar10"), ("digits-parity", "digits"), ("ImageNet16-120", "imagenet16")],
)
def test_data_sets_of_the_same_images(dataset: str, images: str) -> None:
    assert images_of(dataset) == images


@pytest.mark.parametrize("dataset", ["digits", "digits-parity", "Digits"])
def test_images_that_were_learned_from_are_refused(dataset: str) -> None:
    assert not unseen(KNOWS_DIGITS, dataset)
    with pytest.raises(LeakageError, match="learned from labels of digits"):
        check_unseen(KNOWS_DIGITS, dataset)


def test_other_images_are_welcome() -> None:
    check_unseen(KNOWS_DIGITS, "cifar10")
    check_unseen(Boosted(), "digits")


def test_a_mixture_knows_what_its_members_know() -> None:
    with pytest.raises(LeakageError, match="ensemble"):
        check_unseen(Ensemble([Boosted(), KNOWS_DIGITS]), "digits")
