"""Anybody's own results in long form: read as they stand, or refused with one sentence."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surrogate_nas.errors import SurrogateNASError, TableFormatError
from surrogate_nas.space import NATS_SIZE, NB201, SearchSpace
from surrogate_nas.split import Split
from surrogate_nas.table import Column, Table, read_table, write_table
from surrogate_nas.table.curves import CurveWriter
from surrogate_nas.table.importers.long_form import import_csv, import_parquet

HEADER = ("architecture", "dataset", "split", "epochs", "seed", "accuracy")
ONE, OTHER = NB201.at(np.array([7, 8000])).texts
ROW = (ONE, "toy", "valid", 5, 1, 50.5)

rows = st.lists(
    st.tuples(
        st.sampled_from(NATS_SIZE.at(np.arange(3)).texts),
        st.sampled_from(["a", "b"]),
        st.sampled_from([str(split) for split in Split]),
        st.integers(0, 2**15 - 1),
        st.integers(-1, 2**31 - 1),
        st.floats(0, 100),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda row: row[:5],
)
fields = st.one_of(
    st.sampled_from(
        [*map(str, ROW), *HEADER, "", "nan", "inf", "-1", "1e400", "101", "40000", '"', "validation", "\n"]
    ),
    st.text(max_size=6),
)


def text(header: Iterable[object], *lines: Iterable[object]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([header, *lines])
    return out.getvalue()


def imported(content: str, folder: Path, space: SearchSpace = NB201) -> Table:
    """Import a CSV file, and read the table file that came of it."""
    (folder / "mine.csv").write_text(content, encoding="utf-8")
    table = import_csv(folder / "mine.csv", "mine", CurveWriter(folder / "curves.part"), space=space)
    write_table(table, folder / "table.parquet")
    return read_table(folder / "table.parquet")


def test_a_row_becomes_a_value_with_its_data_set_split_length_and_seed(tmp_path: Path) -> None:
    table = imported(text((*HEADER, "loss"), (*ROW, 0.5), (OTHER, "toy", "valid", 5, 1, 60, "")), tmp_path)
    rows = table.find(NB201.parse([ONE, OTHER]))
    assert table.columns.keys() == {Column(m, "toy", Split.VALID, 5, 1) for m in ("accuracy", "loss")}
    assert table.accuracy(dataset="toy", split="valid", epochs=5, seed=1)[rows].tolist() == [50.5, 60.0]
    assert table.columns[Column("loss", "toy", Split.VALID, 5, 1)][rows] == pytest.approx([0.5, np.nan], nan_ok=True)


def test_a_row_without_split_epochs_and_seed_tells_costs(tmp_path: Path) -> None:
    table = imported(
        text((*HEADER, "latency_ms"), (*ROW, ""), (ONE, "toy", "", "", "", "", 2.5)),
        tmp_path,
    )
    assert table.cost("latency_ms", dataset="toy").tolist() == [2.5]
    assert len(table.columns) == 1


@settings(max_examples=200, deadline=None)
@given(lines=rows, random=st.randoms(use_true_random=False))
def test_any_table_in_any_order_is_read_back_and_gives_the_same_bytes(
    lines: list[tuple[object, ...]], random: object, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("csv")
    table = imported(text(HEADER, *lines), folder, NATS_SIZE)
    whole = (folder / "table.parquet").read_bytes()
    for architecture, dataset, split, epochs, seed, accuracy in lines:
        (row,) = table.find(NATS_SIZE.parse(str(architecture)))
        assert table.columns[Column("accuracy", dataset, Split(split), epochs, seed)][row] == accuracy  # type: ignore[arg-type]
    assert sum(np.isfinite(values).sum() for values in table.columns.values()) == len(lines)
    shuffled = [*lines, lines[0]]  # and one of them twice
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    imported(text(HEADER, *shuffled), folder, NATS_SIZE)
    assert (folder / "table.parquet").read_bytes() == whole


@settings(max_examples=500, deadline=None)
@given(
    header=st.permutations(HEADER),
    lines=st.lists(st.tuples(*[fields] * len(HEADER)), max_size=3),
    cut=st.integers(0, 19),
)
def test_any_csv_is_read_or_refused_with_a_sentence_that_names_the_file(
    header: list[str], lines: list[tuple[str, ...]], cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = text(header, *lines)
    try:
        table = imported(content[: len(content) - cut], tmp_path_factory.mktemp("csv"))
    except SurrogateNASError as error:
        refusal = str(error)
    else:
        assert len(table) > 0
        return
    assert refusal
    assert "Traceback" not in refusal


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("csv") / "mine.csv"
    path.write_bytes(data)
    with pytest.raises(SurrogateNASError, match=r"mine\.csv"):  # so few bytes hold no table
        import_csv(path, "mine", CurveWriter(path.with_name("curves.part")), space=NB201)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "cannot be read as CSV"),
        (text(HEADER), "holds no measurement"),
        (text(HEADER, (*ROW[:5], "nan")), "holds no measurement: no row has a number"),
        (text(HEADER[:-1], ROW[:-1]), "lacks accuracy"),
        (text(HEADER[1:], ROW[1:]), "lacks the column architecture"),
        (
            text(HEADER, ROW, (*ROW[:5], 51)),
            "rows that disagree about architecture .*, dataset toy, split valid, epochs 5",
        ),
        (text(HEADER, (*ROW[:5], 100.01)), rf"accuracy lies in 0 to 100, got 100.01 of {re.escape(ONE)}"),
        (text(HEADER, (*ROW[:5], -0.5)), "got -0.5"),
        (text(HEADER, (*ROW[:5], "inf")), "got inf"),
        (text(HEADER, (*ROW[:5], "good")), "cannot be read as CSV.*good"),
        (
            text(HEADER, (ONE.replace("none", "pool", 1), *ROW[1:])),
            r"mine\.csv: .* is no architecture of space 'nb201'",
        ),
        (text(HEADER, ("8:8:8:8:8", *ROW[1:])), "is no architecture of space 'nb201'"),
        (text(HEADER, (*ROW[:2], "validation", *ROW[3:])), "unknown split 'validation'"),
        (text(HEADER, (*ROW[:3], 5.5, *ROW[4:])), "cannot be read as CSV"),
        (text(HEADER, (*ROW[:3], -5, *ROW[4:])), "epochs lies in 0 to 32767, got -5"),
        (text(HEADER, (*ROW[:4], -2, ROW[5])), "seed lies in -1 to 2147483647, got -2"),
        (text(HEADER, (*ROW[:4], "", ROW[5])), "row 0 is neither a measurement"),
        (text(HEADER, (ONE, "", *ROW[2:])), "hold no nulls"),
        (text((*HEADER, "comment"), (*ROW, "fine")), "holds a value of another type"),
        (text((*HEADER, "latency_ms"), (*ROW, 1)), "row 0 is neither a measurement"),
    ],
)
def test_bad_files_are_refused_with_one_sentence(content: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(SurrogateNASError, match=message) as caught:
        imported(content, tmp_path)
    assert "\n" not in str(caught.value).strip()
    assert not (tmp_path / "table.parquet").exists()


def test_a_file_of_parquet_says_the_same_as_one_of_csv(tmp_path: Path) -> None:
    imported(text(HEADER, ROW, (OTHER, *ROW[1:])), tmp_path)
    whole = (tmp_path / "table.parquet").read_bytes()
    columns = dict(zip(HEADER, zip(ROW, (OTHER, *ROW[1:]), strict=True), strict=True))
    pq.write_table(pa.table({name: pa.array(values) for name, values in columns.items()}), tmp_path / "rows.parquet")
    table = import_parquet(tmp_path / "rows.parquet", "mine", CurveWriter(tmp_path / "c"), space=NB201)
    write_table(table, tmp_path / "table.parquet")
    assert (tmp_path / "table.parquet").read_bytes() == whole


@pytest.mark.parametrize(
    "columns", [{"architecture": [[1]]}, {"accuracy": [["x"]]}, {"seed": ["one"]}, {"epochs": [5.5]}]
)
def test_parquet_of_other_types_is_refused(columns: dict[str, list[object]], tmp_path: Path) -> None:
    good = {name: [value] for name, value in zip(HEADER, ROW, strict=True)}
    pq.write_table(pa.table({**good, **columns}), tmp_path / "rows.parquet")
    with pytest.raises(TableFormatError, match="holds a value of another type"):
        import_parquet(tmp_path / "rows.parquet", "mine", CurveWriter(tmp_path / "c"), space=NB201)


def test_parquet_that_is_damaged_missing_or_foreign_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    for content, message in ((None, "there is no file"), (b"", "no whole Parquet"), (b"PAR1" * 9, "no whole Parquet")):
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(TableFormatError, match=message):
            import_parquet(path, "mine", CurveWriter(tmp_path / "c"), space=NB201)
    pq.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(TableFormatError, match="lacks the column architecture, dataset, split, epochs, seed; it has a"):
        import_parquet(path, "mine", CurveWriter(tmp_path / "c"), space=NB201)
