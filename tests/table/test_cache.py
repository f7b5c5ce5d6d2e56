"""The quick opening: what it answers is what the table's file says, whatever became of either."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surrogate_nas.errors import TableIntegrityError
from surrogate_nas.space import NB201
from surrogate_nas.split import Split
from surrogate_nas.table import Column, Cost, Table, cache, load_table, read_table, write_table
from surrogate_nas.table.dense import DenseTable


def holding(accuracy: float, n: int = 3) -> Table:
    columns = {
        Column("accuracy", "toy", Split.VALID, 5, 1): np.full(n, accuracy),
        Column("evaluation_seconds", "toy", Split.VALID, 5, 1): np.full(n, 0.5),
    }
    costs = {Cost("flops_millions", "toy"): np.arange(n, dtype=np.float64)}
    return Table("t", NB201.at(np.arange(n)), columns, {"source": "invented", "training": {"a": [1]}}, costs=costs)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of a table that was opened once."""
    write_table(holding(50.0), tmp_path / "t.parquet")
    assert not isinstance(load_table(tmp_path / "t.parquet"), DenseTable)
    return tmp_path / "t.parquet"


def dense_form(path: Path) -> Path:
    (found,) = path.parent.glob("*.columns")
    return found


def assert_equal(one: Table, other: Table) -> None:
    assert (one.name, one.provenance, one.by_function) == (other.name, other.provenance, other.by_function)
    assert one.population == other.population
    for group in ("columns", "costs", "training_seconds"):
        ours, theirs = getattr(one, group), getattr(other, group)
        assert list(ours) == list(theirs)
        assert all(np.array_equal(ours[key], theirs[key], equal_nan=True) for key in ours)


@pytest.mark.parametrize("by_function", [False, True])
def test_the_second_opening_answers_what_the_file_says(by_function: bool, tmp_path: Path, small_table: Table) -> None:
    held = NB201.representatives()[:40] if by_function else small_table.population
    table = Table("t", held, small_table.columns, {"licence": "MIT"}, by_function=by_function)
    write_table(table, tmp_path / "t.parquet")
    first, second = load_table(tmp_path / "t.parquet"), load_table(tmp_path / "t.parquet")
    assert isinstance(second, DenseTable)
    assert_equal(first, second)
    everything = NB201.enumerate()
    assert second.find(everything).tolist() == first.find(everything).tolist()


def test_costs_and_the_seconds_of_evaluations_are_there(path: Path) -> None:
    table = load_table(path)
    assert isinstance(table, DenseTable)
    assert_equal(table, holding(50.0))


def test_opening_again_reads_no_parquet(path: Path) -> None:
    program = (
        "import sys; from surrogate_nas import load_table; "
        f"print(load_table({str(path)!r}).accuracy(dataset='toy', split='valid')); "
        "print({'pyarrow', 'torch', 'pandas', 'scipy'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["[50. 50. 50.]", "set()"]


def test_another_table_in_its_place_is_noticed_also_with_the_same_size_and_time(path: Path) -> None:
    before = path.stat()
    write_table(holding(51.0), path)
    assert path.stat().st_size == before.st_size
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert load_table(path).accuracy(dataset="toy", split="valid").tolist() == [51] * 3
    assert isinstance(load_table(path), DenseTable)


def test_a_file_that_was_damaged_after_it_was_opened_is_refused(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(TableIntegrityError):
        load_table(path)


def test_training_seconds_beside_the_table_are_held_and_their_change_is_noticed(path: Path) -> None:
    texts = holding(50.0).population.texts
    for seconds in (1.0, 2.0):
        pq.write_table(
            pa.table({"architecture": texts, "toy_train_seconds_5ep": [seconds] * 3}), path.with_name("cost.parquet")
        )
        for kind in (Table, DenseTable):
            table = load_table(path)
            assert type(table) is kind
            assert table.train_seconds(dataset="toy").tolist() == [seconds] * 3


def test_a_replaced_dense_form_does_not_change_an_open_table(path: Path) -> None:
    table = load_table(path)
    write_table(holding(60.0), path)
    load_table(path)
    assert table.accuracy(dataset="toy", split="valid").tolist() == [50] * 3


@settings(max_examples=80, deadline=None)
@given(at=st.floats(0, 0.9999), bit=st.integers(0, 7), cut=st.booleans())
def test_a_damaged_dense_form_is_never_trusted(
    at: float, bit: int, cut: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "t.parquet"
    write_table(holding(50.0), path)
    load_table(path)
    data = bytearray(dense_form(path).read_bytes())
    if cut:
        data = data[: int(at * len(data))]
    else:
        data[int(at * len(data))] ^= 1 << bit
    dense_form(path).write_bytes(data)
    for _ in range(2):  # it is made again, too
        assert_equal(load_table(path), holding(50.0))


def test_a_folder_that_must_not_be_written_keeps_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for folder in ("a", "b"):  # of one name; they are not mistaken for each other
        path = tmp_path / folder / "t.parquet"
        write_table(holding(50.0 + (folder == "b")), path)
        path.parent.chmod(0o555)
        load_table(path)
        assert [file.name for file in path.parent.iterdir()] == ["t.parquet"]
        assert isinstance(load_table(path), DenseTable)
        path.parent.chmod(0o755)
    assert load_table(tmp_path / "a" / "t.parquet").accuracy(dataset="toy", split="valid").tolist() == [50] * 3


def test_without_any_place_a_table_opens_as_slowly_as_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache").write_text("a file, not a folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "t" / "t.parquet"
    write_table(holding(50.0), path)
    path.parent.chmod(0o555)
    for _ in range(2):
        assert_equal(load_table(path), holding(50.0))


def test_a_full_disk_is_no_reason_not_to_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache, "write_dense", full)
    write_table(holding(50.0), tmp_path / "t.parquet")
    assert_equal(load_table(tmp_path / "t.parquet"), holding(50.0))


def test_what_a_kill_left_behind_is_cleared(tmp_path: Path) -> None:
    write_table(holding(50.0), tmp_path / "t.parquet")
    (tmp_path / ".t.parquet.columns.1.part").write_bytes(b"half")
    load_table(tmp_path / "t.parquet")
    assert {path.name for path in tmp_path.iterdir()} == {"t.parquet", ".t.parquet.columns"}


def test_what_it_hands_out_cannot_be_changed(path: Path) -> None:
    values = load_table(path).accuracy(dataset="toy", split="valid", seed=1)
    with pytest.raises(ValueError, match="read-only"):
        values[0] = 99


def test_another_process_gets_all_of_it(path: Path) -> None:
    assert_equal(pickle.loads(pickle.dumps(load_table(path))), read_table(path))
