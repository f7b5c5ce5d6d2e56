"""The noise between seeds: pooled within architectures of similar accuracy."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from surrogate_nas.errors import NotMeasuredError
from surrogate_nas.space import NB201
from surrogate_nas.split import Split
from surrogate_nas.table import Column, Table
from surrogate_nas.table.noise import seed_noise


def table(*by_seed: NDArray[np.float64]) -> Table:
    columns = {Column("accuracy", "d", Split.VALID, 10, seed): values for seed, values in enumerate(by_seed)}
    return Table("t", NB201.at(np.arange(len(by_seed[0]))), columns)


def test_the_variance_is_pooled_within_architectures() -> None:
    # Squares around the means: 2, 8 and (one value only) none, over two degrees of freedom.
    noise = seed_noise(table(np.array([10.0, 50, 90]), np.array([12.0, 54, np.nan])), dataset="d", split="valid")
    assert noise.accuracy.tolist() == [11, 52]
    assert noise.deviation == pytest.approx([np.sqrt(5)] * 2)
    assert noise.freedom == 2


def test_weak_and_strong_architectures_have_their_own_noise() -> None:
    rng = np.random.default_rng(0)
    truth = np.repeat([20.0, 80.0], 1000)
    spread = np.repeat([4.0, 1.0], 1000)
    noise = seed_noise(table(*(truth + spread * rng.normal(size=(3, 2000)))), dataset="d", split="valid")
    # 200 degrees of freedom: a relative error of 5 percent, so four of them.
    assert noise.at([20, 80]) == pytest.approx([4, 1], rel=0.2)
    assert noise.at([-5, 200]) == pytest.approx(noise.deviation[[0, -1]])


@pytest.mark.parametrize("values", [(np.array([1.0, 2.0]),), (np.array([1.0, np.nan]), np.array([np.nan, 2.0]))])
def test_without_a_repeated_seed_nothing_is_known(values: tuple[NDArray[np.float64], ...]) -> None:
    with pytest.raises(NotMeasuredError, match="no architecture with two seeds"):
        seed_noise(table(*values), dataset="d", split="valid")
