"""The action ``table export``: the rows as others read them, the same bytes each time, at once or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from surrogate_nas import cli, load_table
from surrogate_nas.space import NB201
from surrogate_nas.split import Split
from surrogate_nas.table import Column, Cost, Table, read_table, write_table
from surrogate_nas.table.catalog import DATA_FOLDER, USER_FOLDER
from surrogate_nas.table.dense import DenseTable


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one table file, where no others are found."""
    monkeypatch.delenv(DATA_FOLDER, raising=False)
    monkeypatch.setenv(USER_FOLDER, str(tmp_path / "tables"))
    columns = {
        Column("accuracy", "toy", Split.VALID, 5, 1): np.array([1 / 3, np.nan, 99.125]),
        Column("accuracy", "toy", Split.TEST, 5, 1): np.array([10.0, 20.0, 30.0]),
    }
    costs = {Cost("latency_seconds", "toy"): np.array([0.1, 0.2, np.nan])}
    write_table(Table("mine", NB201.at(np.array([7, 2, 900])), columns, costs=costs), tmp_path / "mine.parquet")
    return tmp_path


def export(*arguments: object) -> int:
    return cli.main(["table", "export", *map(str, arguments)])


def same_numbers(one: Table, other: Table) -> bool:
    return one.population == other.population and all(
        list(mine) == list(theirs) and all(np.array_equal(mine[key], theirs[key], equal_nan=True) for key in mine)
        for mine, theirs in ((one.columns, other.columns), (one.costs, other.costs))
    )


def test_csv_can_be_imported_again_without_losing_a_digit(folder: Path) -> None:
    assert export(folder / "mine.parquet", "--to", folder / "mine.csv") == 0
    header, *rows = (folder / "mine.csv").read_text().splitlines()
    assert header.replace('"', "") == "architecture,dataset,split,epochs,seed,accuracy,latency_seconds"
    assert len(rows) == 5 + 2  # measurements and costs
    assert cli.main(["table", "import", "csv", str(folder / "mine.csv"), "--name", "again"]) == 0
    assert same_numbers(load_table("again"), load_table(folder / "mine.parquet"))


def test_parquet_of_a_table_is_its_file_byte_for_byte_however_it_was_opened(folder: Path) -> None:
    for number, kind in enumerate((Table, DenseTable)):
        assert type(load_table(folder / "mine.parquet")) is kind
        (folder / ".mine.parquet.columns").rename(folder / "kept")
        if kind is DenseTable:
            (folder / "kept").rename(folder / ".mine.parquet.columns")
        assert export(folder / "mine.parquet", "--to", folder / f"{number}.parquet") == 0
        assert (folder / f"{number}.parquet").read_bytes() == (folder / "mine.parquet").read_bytes()


def test_rows_in_another_order_are_imported_and_exported_as_the_same_bytes(folder: Path) -> None:
    rows = pq.read_table(folder / "mine.parquet")
    for number in range(2):
        order = np.random.default_rng(number).permutation(len(rows))
        pq.write_table(rows.take(pa.array(order)).replace_schema_metadata(None), folder / "shuffled.parquet")
        source = str(folder / "shuffled.parquet")
        assert cli.main(["table", "import", "parquet", source, "--name", "shuffled"]) == 0
        assert export("shuffled", "--to", folder / f"{number}.parquet") == 0
        assert export("shuffled", "--to", folder / f"{number}.csv") == 0
    assert (folder / "0.parquet").read_bytes() == (folder / "1.parquet").read_bytes()
    assert (folder / "0.csv").read_bytes() == (folder / "1.csv").read_bytes()


def test_seconds_that_lie_beside_a_table_are_exported_with_it(folder: Path) -> None:
    texts = load_table(folder / "mine.parquet").population.texts
    pq.write_table(pa.table({"architecture": texts, "toy_train_seconds_5ep": [4.0, 5.0, 6.0]}), folder / "cost.parquet")
    assert export(folder / "mine.parquet", "--to", folder / "out" / "all.parquet") == 0
    whole = read_table(folder / "out" / "all.parquet")
    for split in ("valid", "test"):
        assert whole.train_seconds(dataset="toy", split=split).tolist() == [4, 5, 6]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mine.parquet", "--to", "x.txt"], "the file to write ends in .csv or .parquet, got x.txt"),
        (["mine.parquet", "--surrogate", "x.csv"], "the file to write ends in .parquet, got x.csv"),
        (["mine.parquet", "--to", "x.csv", "--deviation", "1"], "--deviation goes with --surrogate"),
        (["nothing", "--to", "x.csv"], "unknown table 'nothing'"),
        (["mine.parquet", "--surrogate", "x.parquet"], "--deviation POINTS"),
        (["mine.parquet", "--surrogate", "x.parquet", "--deviation", "1"], "needs those of at least 5"),
        (["mine.parquet", "--surrogate", "x.parquet", "--predictor", "bosted"], "Did you mean 'boosted'"),
        (["mine.parquet", "--to", "mine.parquet/x.csv"], "cannot write mine.parquet/x.csv"),
        (["mine.parquet", "--to", "mine.parquet/x.parquet"], "cannot write mine.parquet/x.parquet"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(
    arguments: list[str],
    message: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folder)
    assert export(*arguments) == 2
    complaint = capsys.readouterr().err.splitlines()[-1]
    assert complaint.startswith("error: ")
    assert message in complaint
    assert {path.name for path in folder.iterdir()} <= {"mine.parquet", ".mine.parquet.columns"}
