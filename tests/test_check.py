"""Checking a built table: the same trainings give the same accuracies, and other ones are found out."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from surrogate_nas.build import build_table, plan, provenance
from surrogate_nas.check import LEVEL, Check, check_table
from surrogate_nas.errors import SettingError
from surrogate_nas.space import NB201
from surrogate_nas.table import Table, load_table
from surrogate_nas.verification.data import digits
from surrogate_nas.verification.recipe import Recipe

TINY = Recipe(epochs=1, batch_size=64, learning_rate=0.05, channels=4, cells_per_stage=1, flip=False, crop_padding=0)
few_digits = partial(digits, train=100, views=1)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Table:
    return build_table(
        tmp_path_factory.mktemp("built") / "t.parquet",
        plan(NB201, classes=3, seeds=[1, 2]),
        few_digits,
        TINY,
        name="t",
        dataset="digits",
        provenance=provenance("digits", few_digits, "custom", TINY),
        workers=1,
    )


def check(recorded: list[float], repeated: list[float], deviation: float) -> Check:
    n = len(recorded)
    return Check(("a",) * n, np.ones(n), np.array(recorded), np.array(repeated), np.full(n, deviation))


def test_a_training_repeated_on_the_same_machine_is_the_same_to_the_last_bit(built: Table) -> None:
    result = check_table(built, 6, seed=0, workers=1)
    assert result.equal == 6
    assert result.p_value == 1
    assert len(set(zip(result.architectures, result.seeds, strict=True))) == 6


def test_another_recipe_than_the_recorded_one_shows(built: Table) -> None:
    training = built.provenance["training"]
    other = {**training, "recipe_settings": {**training["recipe_settings"], "learning_rate": 0.0001}}
    assert check_table(replace(built, provenance={"training": other}), 6, seed=0, workers=1).equal < 6


def test_differences_are_judged_by_the_noise_between_seeds() -> None:
    # Two differences of two points, deviation 1: 4 / 2 + 4 / 2 = 4, and the chi-squared tail at 4 with 2 is exp(-2).
    assert check([50, 60, 70], [52, 58, 70], 1.0).p_value == pytest.approx(np.exp(-2))
    assert check([50, 60], [60, 50], 1.0).p_value < LEVEL
    assert np.isnan(check([50], [51], np.nan).p_value)


def test_the_choice_of_entries_follows_the_seed(built: Table) -> None:
    first, again = (check_table(built, 2, seed=3, workers=1) for _ in range(2))
    assert (first.architectures, first.seeds.tolist()) == (again.architectures, again.seeds.tolist())


def test_only_a_built_table_can_be_checked(built: Table) -> None:
    with pytest.raises(SettingError, match="does not say how it was trained"):
        check_table(replace(built, provenance={}), 1, seed=0)
    with pytest.raises(SettingError, match="--check must be a whole number, 1 to 6"):
        check_table(built, 7, seed=0)


@pytest.mark.slow
def test_entries_of_the_embedded_table_are_what_this_trainer_gives() -> None:
    assert check_table(load_table("nb201-digits"), 4, seed=4).p_value > LEVEL
