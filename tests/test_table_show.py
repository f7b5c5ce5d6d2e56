"""The actions ``table list`` and ``table info``: what there is, and what one table holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from surrogate_nas import cli
from surrogate_nas.space import NB201
from surrogate_nas.split import Split
from surrogate_nas.table import Column, Cost, Table, read_table, write_table
from surrogate_nas.table.catalog import DATA_FOLDER, EMBEDDED, USER_FOLDER
from surrogate_nas.table.parquet import METADATA_KEY
from surrogate_nas.table_show import description


@pytest.fixture
def table() -> Table:
    """Three architectures: one of them without the second seed, costs of two."""
    columns = {
        Column("accuracy", "toy", Split.VALID, 5, 1): np.array([10.0, 30.0, 20.0]),
        Column("accuracy", "toy", Split.VALID, 5, 2): np.array([12.0, np.nan, 24.0]),
        Column("accuracy", "toy", Split.TEST, 5, -1): np.array([11.0, 29.0, 22.0]),
        Column("train_seconds", "toy", Split.TEST, 5, 1): np.full(3, 2.0),
        Column("loss", "toy", Split.TRAIN, 5, 1): np.full(3, 0.5),
    }
    costs = {Cost("flops_millions", "toy"): np.array([4.0, 8.0, np.nan])}
    return Table("mine", NB201.at(np.array([5, 6, 7])), columns, {"licence": "MIT", "citation": "We"}, costs=costs)


def test_info_tells_coverage_optimum_costs_and_provenance(table: Table, tmp_path: Path) -> None:
    write_table(table, tmp_path / "t.parquet")
    assert list(description(table, tmp_path / "t.parquet")) == [
        "mine: 3 architectures of space nb201. The file is whole.",
        f"  file: {tmp_path / 't.parquet'} (local)",
        "  toy test after 5 epochs: 3 architectures, seeds mean (3), 11.00 to 29.00 %, train_seconds",
        "  toy train after 5 epochs: loss",
        "  toy valid after 5 epochs: 3 architectures, seeds 1 (3), 2 (2), 11.00 to 30.00 %",
        f"    optimum: 30.00 % by {table.population[1].text}",
        "  toy flops_millions: 2 architectures, 4 to 8, median 6",
        "  licence: MIT",
        "  citation: We",
    ]


def test_info_says_when_a_file_cannot_tell_whether_it_is_whole(table: Table, tmp_path: Path) -> None:
    write_table(table, tmp_path / "t.parquet")
    long = pq.read_table(tmp_path / "t.parquet")
    without = {METADATA_KEY: b'{"name": "mine", "space": "nb201"}'}
    pq.write_table(long.replace_schema_metadata(without), tmp_path / "t.parquet")
    first, *_ = description(read_table(tmp_path / "t.parquet"), tmp_path / "t.parquet")
    assert "records no sha256" in first


def test_info_notices_damage_that_opening_could_not(
    table: Table, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "t.parquet"
    write_table(table, path)
    assert cli.main(["table", "info", str(path)]) == 0
    altered = bytearray(path.read_bytes())
    altered[len(altered) // 4] ^= 1
    path.write_bytes(altered)
    assert cli.main(["table", "info", str(path)]) == 2
    assert capsys.readouterr().err.startswith(f"error: {path} ")


def test_list_tells_where_each_table_lies_also_of_one_that_cannot_be_read(
    table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(DATA_FOLDER, str(tmp_path / "data"))
    monkeypatch.setenv(USER_FOLDER, str(tmp_path / "own"))
    for place in ("data/mine", "own/other", "own/broken"):
        write_table(table, tmp_path / place / "accuracy.parquet")
    (tmp_path / "own" / "broken" / "accuracy.parquet").write_bytes(b"PAR1")
    assert cli.main(["table", "list"]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert set(lines) == {"nb201-digits", "mine", "other", "broken"}
    assert lines["nb201-digits"].split()[1] == "embedded"
    assert str(EMBEDDED) in lines["nb201-digits"]
    assert lines["mine"].split()[1:6] == ["local", "3", "architectures", "of", "nb201;"]
    assert lines["other"].split()[1] == "imported"
    assert "unreadable" in lines["broken"]
