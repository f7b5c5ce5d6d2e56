"""Learning curves: what was measured after each epoch, in a second Parquet file beside a table's."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from surrogate_nas.errors import NotMeasuredError, TableIntegrityError
from surrogate_nas.space import Population
from surrogate_nas.split import Split
from surrogate_nas.table.parquet import digest, recorded_digest, write_table
from surrogate_nas.table.table import Table

ARCHITECTURES_PER_GROUP = 128  # held in memory while a file is written, and read at once for one architecture
WORDS = ["architecture", "dataset", "split", "epochs", "seed"]  # few of each; a dictionary of measurements costs time
VALUES = pa.list_(pa.float64())
SCHEMA = pa.schema(
    {
        "architecture": pa.string(),
        "dataset": pa.string(),
        "split": pa.string(),
        "epochs": pa.int16(),
        "seed": pa.int32(),
        "accuracy": VALUES,
        "loss": VALUES,
        "seconds": VALUES,
    }
)


class Curve(NamedTuple):
    """One training, measured on one split after each epoch.

    Attributes:
        dataset, split, epochs, seed: as of a table's column.
        accuracy: (epochs,) percent.
        loss: (epochs,) nats.
        seconds: (epochs,) that the epoch took on the split: training on ``train``, evaluating on any other; None where
            the source does not tell.
    """

    dataset: str
    split: Split
    epochs: int
    seed: int
    accuracy: NDArray[np.float64]
    loss: NDArray[np.float64]
    seconds: NDArray[np.float64] | None


def group(curves: Mapping[str, Iterable[Curve]]) -> pa.Table:
    """Return the curves of at most ``ARCHITECTURES_PER_GROUP`` architectures in the form of the file.

    Args:
        curves: of each architecture, by its text.
    """
    rows = [(text, curve) for text, of_one in curves.items() for curve in sorted(of_one, key=lambda curve: curve[:4])]
    if not rows:
        return SCHEMA.empty_table()
    texts, every = zip(*rows, strict=True)
    columns = dict(zip(Curve._fields, zip(*every, strict=True), strict=True))
    values = {name: _lists(columns.pop(name)) for name in ("accuracy", "loss", "seconds")}
    columns["split"] = tuple(map(str, columns["split"]))
    return pa.table({"architecture": texts, **columns, **values}, SCHEMA)


class CurveWriter:
    """Writes the curves of one group of architectures after another.

    Args:
        path: the file; it is created with the first curve.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer: pq.ParquetWriter | None = None

    def __enter__(self) -> CurveWriter:
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.close()

    def add(self, rows: pa.Table) -> None:
        """Write a ``group``. Texts must come in alphabetical order: a reader then opens one group."""
        if not len(rows):
            return
        if self._writer is None:
            self._writer = pq.ParquetWriter(
                self.path, SCHEMA, compression="zstd", use_dictionary=WORDS, write_page_checksum=True
            )
        self._writer.write_table(rows)


def _lists(values: Sequence[NDArray[np.float64] | None]) -> pa.ListArray:
    """Return a column of lists, null for None; far faster than what Arrow makes of a list of arrays."""
    missing = np.array([value is None for value in values])
    parts = [np.empty(0) if value is None else value for value in values]
    offsets = np.cumsum([0, *map(len, parts)], dtype=np.int32)
    return pa.ListArray.from_arrays(offsets, np.concatenate(parts), mask=pa.array(missing))


def write_with_curves(table: Table, path: Path, curves: Path) -> None:
    """Write a table, and move its curves beside it, so that a kill leaves the old pair or the new one.

    The curves' name tells which table they belong to, so they can lie there before the table takes its place.

    Args:
        table: the table.
        path: its file.
        curves: what a ``CurveWriter`` wrote, in the folder of ``path``; no file where there are no curves.

    Raises:
        TableFormatError: a value of the table is outside what is allowed.
    """
    of_this = _name(digest(table))
    if curves.is_file():
        os.replace(curves, path.with_name(of_this))
    write_table(table, path)
    for other in path.parent.glob(_name("*")):
        if other.name != of_this:
            other.unlink()


def curves_path(table: Path) -> Path:
    """Return where the curves of a table file lie, if there are any: beside it.

    Raises:
        TableIntegrityError: there is no such table file, or it is not whole.
    """
    return table.with_name(_name(recorded_digest(table)))


def _name(digest: str) -> str:
    return f"curves-{digest[:16]}.parquet"


def read_curves(table: Path, architecture: Population) -> list[Curve]:
    """Return the learning curves of the one architecture given.

    Args:
        table: the file of the table that they belong to.
        architecture: a population of one.

    Raises:
        NotMeasuredError: the table has no curves, or none of this architecture.
        TableIntegrityError: the file is truncated or was altered.
    """
    path = curves_path(table)
    if not path.is_file():
        raise NotMeasuredError(f"the table {table} has no learning curves; its source has none, or they were not kept.")
    try:
        rows = pq.read_table(
            path, filters=[("architecture", "==", architecture.text)], page_checksum_verification=True
        ).to_pylist()
    except (OSError, pa.ArrowException) as error:
        reason = str(error).split("\n", maxsplit=1)[0]
        raise TableIntegrityError(f"{path} is no whole file of curves ({reason}). Import the table again.") from error
    if not rows:
        raise NotMeasuredError(f"the table {table} has no learning curves of {architecture.text}.")
    return [_curve(row) for row in rows]


def _curve(row: Mapping[str, Any]) -> Curve:
    accuracy, loss, seconds = (None if row[name] is None else np.array(row[name]) for name in Curve._fields[4:])
    if accuracy is None or loss is None:
        raise TableIntegrityError("a file of curves has a row without accuracy or loss. Import the table again.")
    return Curve(row["dataset"], Split.of(row["split"]), row["epochs"], row["seed"], accuracy, loss, seconds)
