"""Every configuration makes the object that it names."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

import surrogate_nas
from surrogate_nas.configuration import load, load_predictor, names, settings_of
from surrogate_nas.errors import SettingError, UnknownMethodError
from surrogate_nas.predictor.base import Predictor
from surrogate_nas.sampler.base import Sampler


@pytest.mark.parametrize(
    ("group", "name"),
    [(group, name) for group in ("sampler", "predictor", "recipe", "executor") for name in names(group)]
    + [("data", "digits")],
)
def test_every_configuration_can_be_made(group: str, name: str) -> None:
    assert load(group, name) is not None


def test_samplers_and_predictors_are_loaded_by_name_with_overrides() -> None:
    sampler = surrogate_nas.load_sampler("evolution", population_size=7)
    assert isinstance(sampler, Sampler)
    assert sampler.population_size == 7
    predictor = surrogate_nas.load_predictor("boosted", trees=5)
    assert isinstance(predictor, Predictor)
    assert predictor.trees == 5
    assert isinstance(surrogate_nas.load_sampler("tpe"), functools.partial)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [({"population": 7}, "unexpected keyword argument"), ({"population_size": "7"}, "must be of type int, got '7'")],
)
def test_arguments_that_do_not_exist_or_do_not_fit_are_refused(overrides: dict[str, object], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        surrogate_nas.load_sampler("evolution", **overrides)


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownMethodError, match="Did you mean 'boosted'"):
        surrogate_nas.load_predictor("bosted")


def test_a_predictor_that_is_neither_known_nor_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownMethodError, match=r"nb201-digits.* Nor is there such a file"):
        load_predictor(tmp_path / "absent.safetensors")


def test_transfer_has_the_ensemble_as_its_base() -> None:
    assert settings_of("predictor", "transfer")["base"] == settings_of("predictor", "ensemble")
