"""Learning curves lie beside their table, and belong to exactly that content."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from surrogate_nas.errors import NotMeasuredError, TableIntegrityError
from surrogate_nas.space import NB201
from surrogate_nas.split import Split
from surrogate_nas.table import Table, read_table
from surrogate_nas.table.curves import (
    ARCHITECTURES_PER_GROUP,
    Curve,
    CurveWriter,
    curves_path,
    group,
    read_curves,
    write_with_curves,
)

CURVE = Curve("toy", Split.VALID, 3, 1, np.array([1.0, np.nan, 2.5]), np.array([3.0, 2.0, 0.1]), None)
TEST = CURVE._replace(split=Split.TEST, seconds=np.array([0.5, 0.25, 0.125]))


def written(table: Table, folder: Path) -> Path:
    """Write a table, and two curves of each architecture."""
    with CurveWriter(folder / "curves.part") as curves:
        curves.add(group({text: [CURVE, TEST] for text in sorted(table.population.texts)}))
    write_with_curves(table, folder / "accuracy.parquet", folder / "curves.part")
    return folder / "accuracy.parquet"


def test_curves_are_read_back_by_architecture(small_table: Table, tmp_path: Path) -> None:
    test, valid = read_curves(written(small_table, tmp_path), small_table.population[3])
    assert valid[:4] == ("toy", Split.VALID, 3, 1)
    assert test.split is Split.TEST
    assert valid.accuracy == pytest.approx([1.0, np.nan, 2.5], nan_ok=True)
    assert valid.loss.tolist() == [3.0, 2.0, 0.1]
    assert valid.seconds is None
    assert test.seconds is not None
    assert test.seconds.tolist() == [0.5, 0.25, 0.125]


def test_each_group_lies_by_itself_and_none_without_curves(tmp_path: Path) -> None:
    population = NB201.at(np.arange(2 * ARCHITECTURES_PER_GROUP + 1))
    texts = sorted(population.texts)
    with CurveWriter(tmp_path / "c") as curves:
        for start in range(0, len(texts), ARCHITECTURES_PER_GROUP):
            curves.add(group({text: [CURVE] for text in texts[start : start + ARCHITECTURES_PER_GROUP]}))
            curves.add(group({"of which the source keeps none": []}))
    file = pq.ParquetFile(tmp_path / "c")
    assert file.metadata.num_row_groups == 3
    assert sorted(file.read()["architecture"].to_pylist()) == sorted(population.texts)


def test_a_new_table_takes_its_curves_along_and_the_old_ones_go(small_table: Table, tmp_path: Path) -> None:
    path = written(small_table, tmp_path)
    old = curves_path(path)
    renamed = Table("renamed", small_table.population, small_table.columns)
    written(renamed, tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {"accuracy.parquet", curves_path(path).name}
    assert not old.exists()
    write_with_curves(Table("bare", small_table.population, small_table.columns), path, tmp_path / "none")
    assert {file.name for file in tmp_path.iterdir()} == {"accuracy.parquet"}


def test_an_end_before_the_last_step_leaves_the_old_table_with_its_curves(
    small_table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(small_table, tmp_path)

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("surrogate_nas.table.curves.write_table", end)
    with pytest.raises(KeyboardInterrupt):
        written(Table("renamed", small_table.population, small_table.columns), tmp_path)
    assert read_table(path).name == "small"
    assert len(read_curves(path, small_table.population[0])) == 2


def test_what_has_no_curves_says_so(small_table: Table, tmp_path: Path) -> None:
    path = written(small_table, tmp_path)
    absent = NB201.at(np.setdiff1d(np.arange(100), small_table.population.index)[:1])
    with pytest.raises(NotMeasuredError, match=f"no learning curves of {absent.text[:5].replace('|', '[|]')}"):
        read_curves(path, absent)
    curves_path(path).unlink()
    with pytest.raises(NotMeasuredError, match="has no learning curves; its source has none"):
        read_curves(path, small_table.population[0])
    with pytest.raises(TableIntegrityError, match="no whole table file"):
        read_curves(tmp_path / "none.parquet", small_table.population[0])


def test_truncated_curves_are_noticed(small_table: Table, tmp_path: Path) -> None:
    path = written(small_table, tmp_path)
    data = curves_path(path).read_bytes()
    for length in range(0, len(data), max(len(data) // 20, 1)):
        curves_path(path).write_bytes(data[:length])
        with pytest.raises(TableIntegrityError, match="no whole file of curves"):
            read_curves(path, small_table.population[0])
