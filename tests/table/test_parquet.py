"""Table files: whole or refused, and the same bytes for the same table."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surrogate_nas.errors import SurrogateNASError, TableFormatError, TableIntegrityError
from surrogate_nas.space import NB201
from surrogate_nas.split import Split
from surrogate_nas.table import Column, Table, read_table, write_table
from surrogate_nas.table.catalog import EMBEDDED
from surrogate_nas.table.parquet import METADATA_KEY


def long_form(**columns: list[object]) -> pa.Table:
    rows: dict[str, list[object]] = {
        "architecture": [NB201.at(np.array([0])).text, NB201.at(np.array([1])).text],
        "dataset": ["toy", "toy"],
        "split": ["valid", "valid"],
        "epochs": [5, 5],
        "seed": [1, 1],
        "accuracy": [10.0, 20.0],
    }
    header = {METADATA_KEY: json.dumps({"name": "t", "space": "nb201"}).encode()}
    return pa.table({**rows, **columns}).replace_schema_metadata(header)


def test_a_written_table_is_read_back(small_table: Table, tmp_path: Path) -> None:
    write_table(small_table, tmp_path / "t.parquet")
    back = read_table(tmp_path / "t.parquet")
    assert back.name == small_table.name
    assert back.provenance == small_table.provenance
    assert set(back.columns) == set(small_table.columns)
    rows = back.find(small_table.population)
    for column, values in small_table.columns.items():
        assert back.columns[column][rows] == pytest.approx(values)


def test_the_same_table_in_another_order_gives_the_same_bytes(small_table: Table, tmp_path: Path) -> None:
    order = np.random.default_rng(0).permutation(len(small_table))
    shuffled = Table(
        small_table.name,
        small_table.population[order],
        {column: values[order] for column, values in reversed(small_table.columns.items())},
        small_table.provenance,
    )
    write_table(small_table, tmp_path / "a.parquet")
    write_table(shuffled, tmp_path / "b.parquet")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_what_was_not_measured_stays_missing(tmp_path: Path) -> None:
    columns = {
        Column("accuracy", "toy", Split.VALID, 5, 1): np.array([1.0, np.nan]),
        Column("accuracy", "toy", Split.VALID, 5, 2): np.array([2.0, 3.0]),
    }
    write_table(Table("t", NB201.at(np.arange(2)), columns), tmp_path / "t.parquet")
    back = read_table(tmp_path / "t.parquet")
    assert back.accuracy(dataset="toy", split="valid", seed=1) == pytest.approx([1.0, np.nan], nan_ok=True)


def test_every_truncation_is_noticed(small_table: Table, tmp_path: Path) -> None:
    whole = tmp_path / "t.parquet"
    write_table(small_table, whole)
    data = whole.read_bytes()
    for length in range(0, len(data), 97):
        whole.write_bytes(data[:length])
        with pytest.raises(TableIntegrityError, match="no whole Parquet file"):
            read_table(whole)


@settings(max_examples=60, deadline=None)
@given(at=st.floats(0, 0.999), bit=st.integers(0, 7))
def test_a_flipped_bit_never_changes_what_is_read(
    at: float, bit: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    source = EMBEDDED / "nb201-digits.parquet"
    altered = bytearray(source.read_bytes())
    altered[int(at * len(altered))] ^= 1 << bit
    path = tmp_path_factory.mktemp("flipped") / "t.parquet"
    path.write_bytes(altered)
    try:
        table = read_table(path)
    except SurrogateNASError:
        return
    original = read_table(source)
    assert table.population == original.population  # the bit says nothing, as in Parquet's own bookkeeping
    assert all(
        np.array_equal(table.columns[column], original.columns[column], equal_nan=True) for column in original.columns
    )


def test_an_altered_value_is_noticed(small_table: Table, tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    write_table(small_table, path)
    long = pq.read_table(path)
    better = pa.array(np.minimum(long["accuracy"].to_numpy() + 1, 100))
    pq.write_table(long.set_column(long.column_names.index("accuracy"), "accuracy", better), path)
    with pytest.raises(TableIntegrityError, match="altered after it was written"):
        read_table(path)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"accuracy": [10.0, 101.0]}, "accuracy lies in 0 to 100, got 101.0"),
        ({"accuracy": [10.0, -1.0]}, "got -1.0"),
        ({"architecture": ["|none~0|", "x"]}, "is no architecture of space"),
        ({"split": ["valid", "validation"]}, "unknown split 'validation'"),
        ({"architecture": [NB201.at(np.array([0])).text] * 2}, "measures an architecture twice"),
    ],
)
def test_values_outside_the_format_are_refused(columns: dict[str, list[object]], message: str, tmp_path: Path) -> None:
    pq.write_table(long_form(**columns), tmp_path / "t.parquet")
    with pytest.raises(SurrogateNASError, match=message):
        read_table(tmp_path / "t.parquet")


def test_a_missing_column_and_a_foreign_file_are_refused(tmp_path: Path) -> None:
    pq.write_table(long_form().drop_columns("seed"), tmp_path / "t.parquet")
    with pytest.raises(TableFormatError, match="lacks seed"):
        read_table(tmp_path / "t.parquet")
    pq.write_table(pa.table({"a": [1]}), tmp_path / "f.parquet")
    with pytest.raises(TableFormatError, match="no table of this package"):
        read_table(tmp_path / "f.parquet")


def test_nothing_is_left_aside_when_writing_fails(small_table: Table, tmp_path: Path) -> None:
    (tmp_path / "t.parquet").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_table(small_table, tmp_path / "t.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["t.parquet"]
