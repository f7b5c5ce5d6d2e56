"""Tables answer exactly what was measured, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from surrogate_nas.errors import NotMeasuredError, TableFormatError
from surrogate_nas.space import NB201
from surrogate_nas.split import Split
from surrogate_nas.table import Column, Cost, Table
from surrogate_nas.table.table import joined


def test_mean_over_seeds_is_taken_where_no_seed_is_named(small_table: Table) -> None:
    one = small_table.accuracy(dataset="toy", split="valid", seed=1)
    two = small_table.accuracy(dataset="toy", split=Split.VALID, seed=2)
    assert small_table.accuracy(dataset="toy", split="valid") == pytest.approx((one + two) / 2)


def test_mean_over_seeds_leaves_out_what_was_not_measured() -> None:
    columns = {
        Column("accuracy", "toy", Split.VALID, 5, 1): np.array([10.0, np.nan, np.nan]),
        Column("accuracy", "toy", Split.VALID, 5, 2): np.array([20.0, 30.0, np.nan]),
    }
    table = Table("t", NB201.at(np.arange(3)), columns)
    assert table.accuracy(dataset="toy", split="valid") == pytest.approx([15.0, 30.0, np.nan], nan_ok=True)


def test_published_mean_is_preferred_to_our_own() -> None:
    columns = {
        Column("accuracy", "toy", Split.VALID, 5, 1): np.array([10.0]),
        Column("accuracy", "toy", Split.VALID, 5, -1): np.array([12.0]),
    }
    table = Table("t", NB201.at(np.arange(1)), columns)
    assert table.accuracy(dataset="toy", split="valid").tolist() == [12.0]
    assert table.seeds("toy", Split.VALID, 5) == (1,)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"dataset": "toys", "split": "valid"}, "unknown data set 'toys'. Did you mean 'toy'"),
        ({"dataset": "toy", "split": "vlaid"}, "unknown split 'vlaid'. Did you mean 'valid'"),
        ({"dataset": "toy", "split": "valtest"}, "unknown split 'valtest'.* Known: test, valid"),
        ({"dataset": "toy", "split": "valid", "epochs": 6}, r"epochs\) '6'.* Known: 5"),
        ({"dataset": "toy", "split": "valid", "seed": 3}, "unknown seed 3.* Known: 1, 2"),
        ({"dataset": "toy", "split": "valid", "seed": -1}, "unknown seed -1"),
    ],
)
def test_what_was_not_measured_raises_and_names_what_was(
    small_table: Table, asked: dict[str, str], message: str
) -> None:
    with pytest.raises(NotMeasuredError, match=message):
        small_table.accuracy(**asked)


def test_seconds_are_nan_where_the_source_does_not_tell() -> None:
    table = Table("t", NB201.at(np.arange(2)), {Column("accuracy", "toy", Split.VALID, 5, 1): np.array([1.0, 2.0])})
    assert np.isnan(table.train_seconds(dataset="toy")).all()


def test_architectures_are_found_by_text_or_by_function(small_table: Table) -> None:
    assert small_table.find(small_table.population[[4, 2]]).tolist() == [4, 2]
    twins = NB201.parse(
        [
            "|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|",
            "|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|",
        ]
    )
    columns = {Column("accuracy", "toy", Split.VALID, 5, 1): np.array([1.0])}
    assert Table("t", twins[:1], columns).find(twins).tolist() == [0, -1]
    assert Table("t", twins[:1], columns, by_function=True).find(twins).tolist() == [0, 0]


def test_an_architecture_occurs_once() -> None:
    with pytest.raises(TableFormatError, match="more than once"):
        Table("t", NB201.at(np.array([1, 1])), {})


def test_columns_are_as_long_as_the_population() -> None:
    with pytest.raises(TableFormatError, match="for 2 architectures"):
        Table("t", NB201.at(np.arange(2)), {Column("accuracy", "toy", Split.VALID, 5, 1): np.zeros(3)})


def test_the_seconds_of_a_training_are_those_of_the_split_s_own_training() -> None:
    population = NB201.at(np.arange(2))
    columns = {
        Column("train_seconds", "toy", split, 5, seed): np.array([seconds, np.nan])
        for split, seconds in ((Split.TEST, 4.0), (Split.VALID, 2.0))
        for seed in (1, 2)
    }
    table = Table("t", population, columns)
    assert table.train_seconds(dataset="toy", split="test") == pytest.approx([4, np.nan], nan_ok=True)
    assert table.train_seconds(dataset="toy") == pytest.approx([2, np.nan], nan_ok=True)


def test_costs_are_asked_by_quantity_and_data_set() -> None:
    table = Table("t", NB201.at(np.arange(2)), {}, costs={Cost("latency_ms", "toy"): np.array([1.0, 2.0])})
    assert table.cost("latency_ms", dataset="toy").tolist() == [1, 2]
    assert table.datasets == ("toy",)
    assert table.splits("toy") == ()
    with pytest.raises(NotMeasuredError, match=r"unknown cost 'latency of toy'\. Did you mean 'latency_ms of toy'"):
        table.cost("latency", dataset="toy")
    with pytest.raises(NotMeasuredError):
        table.accuracy(dataset="toy", split="valid")


def test_joined_tables_hold_the_architectures_and_columns_of_all() -> None:
    one, other = (
        Table(name, NB201.at(np.array(at)), {Column("accuracy", name, Split.VALID, 5, 1): np.array(values)})
        for name, at, values in (("a", [3, 1], [30.0, 10.0]), ("b", [3, 2], [31.0, 21.0]))
    )
    table = joined("both", [one, other])
    assert table.population.index.tolist() == [1, 2, 3]
    assert table.accuracy(dataset="a", split="valid") == pytest.approx([10, np.nan, 30], nan_ok=True)
    assert table.accuracy(dataset="b", split="valid") == pytest.approx([np.nan, 21, 31], nan_ok=True)
    with pytest.raises(TableFormatError, match="comes from two sources"):
        joined("twice", [one, one])
