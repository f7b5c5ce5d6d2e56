"""Queries: one by text, or many at once; both answer what the columns hold, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from surrogate_nas.errors import InvalidArchitectureError, NotMeasuredError, SettingError
from surrogate_nas.space import NB201, TRANSNAS
from surrogate_nas.split import Split
from surrogate_nas.table import Column, Table, load_table, write_table
from surrogate_nas.table.query import BLOCK

M = 2 * BLOCK + 17  # queries; more than are answered at a time, and no whole number of that


@pytest.fixture
def table() -> Table:
    """Two data sets, one with a name outside ASCII, two splits, three seeds, every value different."""
    population = NB201.sample(50, rng=np.random.default_rng(2))
    keys = [(dataset, split, seed) for dataset in ("toy", "ёлка") for split in Split for seed in (1, 2, 700)]
    columns = {
        Column("accuracy", dataset, split, 5, seed): number + np.arange(50) / 100
        for number, (dataset, split, seed) in enumerate(keys)
    }
    return Table("t", population, columns)


def drawn(table: Table, datasets: list[str]) -> dict[str, Any]:
    rng = np.random.default_rng(3)
    return {
        "dataset": rng.choice(datasets, size=M),
        "split": rng.choice([str(split) for split in Split], size=M),
        "seed": rng.choice([1, 2, 700], size=M),
    }


@pytest.mark.parametrize("datasets", [["toy"], ["toy", "ёлка"]], ids=["ASCII", "any text"])
def test_many_queries_answer_what_single_ones_do(table: Table, datasets: list[str]) -> None:
    rows = np.random.default_rng(4).integers(len(table), size=M)
    asked = drawn(table, datasets)
    answers = table.query(table.population[rows], **asked)
    expected = np.empty(M)
    for dataset in datasets:
        for split in Split:
            for seed in (1, 2, 700):
                chosen = (asked["dataset"] == dataset) & (asked["split"] == split) & (asked["seed"] == seed)
                column = table.accuracy(dataset=dataset, split=split, seed=seed)
                expected[chosen] = column[rows[chosen]]
    assert answers.tolist() == expected.tolist()
    for at in (0, BLOCK - 1, BLOCK, M - 1):
        one = {name: values[at].item() for name, values in asked.items()}
        assert table.query(table.population[rows[at]].text, **one) == answers[at]


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"seed": 2},
        {"epochs": 5},
        {"split": ["valid", "test", "valid"]},
        {"split": [Split.VALID, Split.TEST, Split.VALID]},
        {"split": np.array(["valid", "test", "valid"], dtype=object)},
        {"seed": [1, 2, 1]},
        {"epochs": [5, 5, 5]},
    ],
)
def test_each_argument_is_one_value_or_one_a_query(small_table: Table, asked: dict[str, Any]) -> None:
    population = small_table.population[:3]
    asked = {"dataset": "toy", "split": "valid", **asked}
    answers = small_table.query(population, **asked)
    for at in range(3):
        one = {name: values if np.ndim(values) == 0 else values[at] for name, values in asked.items()}
        assert answers[at] == small_table.query(population[at].text, **{"dataset": "toy", "split": "valid", **one})
    assert (
        answers.tolist()
        == small_table.query(population.texts, **{"dataset": "toy", "split": "valid", **asked}).tolist()
    )


def test_no_seed_is_the_mean_over_seeds(small_table: Table) -> None:
    mean = small_table.accuracy(dataset="toy", split="valid")
    assert small_table.query(small_table.population, dataset="toy", split="valid").tolist() == mean.tolist()
    assert small_table.query(small_table.population[7].text, dataset="toy", split="valid") == mean[7]


def test_other_measures_are_asked_by_name(small_table: Table) -> None:
    assert small_table.query(small_table.population[0].text, dataset="toy", split="valid", measure="train_seconds") == 2


def test_an_architecture_that_was_not_measured_has_no_value(small_table: Table) -> None:
    outside = NB201.enumerate()[np.flatnonzero(small_table.find(NB201.enumerate()) < 0)[:1]]
    assert np.isnan(small_table.query(outside.text, dataset="toy", split="valid"))
    both = small_table.query([outside.text, small_table.population[3].text], dataset="toy", split="valid")
    assert np.isnan(both[0])
    assert both[1] == small_table.accuracy(dataset="toy", split="valid")[3]


def test_a_row_of_a_function_answers_for_all_its_architectures() -> None:
    twins = NB201.parse(
        [
            "|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|",
            "|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|",
        ]
    )
    column = {Column("accuracy", "toy", Split.VALID, 5, 1): np.array([7.0])}
    table = Table("t", twins[:1], column, by_function=True)
    assert table.query(twins[1].text, dataset="toy", split="valid") == 7
    assert table.query(twins, dataset="toy", split="valid", seed=[1, 1]).tolist() == [7, 7]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"dataset": "toys"}, "unknown data set 'toys'. Did you mean 'toy'"),
        ({"dataset": ["toy", "toys"]}, "unknown dataset 'toys'. Did you mean 'toy'"),
        ({"dataset": ["toy", "a name longer than any"]}, "unknown dataset 'a name longer than any'"),
        ({"split": ["valid", "valtest"]}, "unknown split 'valtest'.*Known: test, valid"),
        ({"split": ["valid", "train"]}, "unknown split 'train'"),
        ({"seed": [1, 3]}, "unknown seed 3"),
        ({"seed": [1, -1]}, "unknown seed -1"),
        ({"seed": 3}, "unknown seed 3"),
        ({"epochs": [5, 6]}, "unknown epochs 6"),
        ({"measure": "loss"}, "holds no loss"),
    ],
)
def test_what_was_not_measured_raises(small_table: Table, asked: dict[str, Any], message: str) -> None:
    with pytest.raises(NotMeasuredError, match=message):
        small_table.query(small_table.population[:2], **{"dataset": "toy", "split": "valid", **asked})


def test_arguments_that_do_not_fit_are_refused(small_table: Table) -> None:
    with pytest.raises(SettingError, match="seed must be one value, or one for each of 2 architectures"):
        small_table.query(small_table.population[:2], dataset="toy", split="valid", seed=[1, 2, 1])
    with pytest.raises(InvalidArchitectureError, match="'nonsense' is no architecture"):
        small_table.query("nonsense", dataset="toy", split="valid")
    with pytest.raises(InvalidArchitectureError, match="of space 'transnas'"):
        small_table.query(TRANSNAS.enumerate()[:2], dataset="toy", split="valid")


def test_no_query_has_no_answer(small_table: Table) -> None:
    assert small_table.query(small_table.population[:0], dataset="toy", split="valid", seed=[]).tolist() == []


def test_pandas_gets_the_rows_of_the_file(small_table: Table, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    write_table(small_table, tmp_path / "t.parquet")
    frame = small_table.to_pandas()
    pandas.testing.assert_frame_equal(frame, pandas.read_parquet(tmp_path / "t.parquet"), check_categorical=False)
    assert len(frame) == 40 * 2 * 2
    assert load_table(tmp_path / "t.parquet").to_pandas().equals(frame)
