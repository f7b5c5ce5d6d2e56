"""Anybody's own results: CSV or Parquet files in the long form of our tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from surrogate_nas.errors import TableFormatError
from surrogate_nas.space import SearchSpace
from surrogate_nas.table.curves import CurveWriter
from surrogate_nas.table.importers.rows import read_csv, without_repeats
from surrogate_nas.table.parquet import KEY_TYPES, KEYS, from_long
from surrogate_nas.table.table import MEASURES, Table

PROVENANCE = {"version": "", "source": "results of one's own", "licence": "", "citation": ""}
TYPES = {"architecture": pa.string(), **dict(zip(KEYS[1:], KEY_TYPES, strict=True))}


def import_csv(path: Path, name: str, _: CurveWriter, *, space: SearchSpace) -> Table:
    """Return the table that a CSV file holds: a header with the columns of a table file, and its rows in any order.

    Raises:
        TableFormatError: the file is missing or damaged, a column is missing or of another type, a value is outside
            what is allowed, or two rows disagree.
        InvalidArchitectureError, NotMeasuredError: an architecture or a split that does not exist.
    """
    types = {**TYPES, **dict.fromkeys(MEASURES, pa.float64())}
    return _table(read_csv(path, types, needed=KEYS), path, name, space)


def import_parquet(path: Path, name: str, _: CurveWriter, *, space: SearchSpace) -> Table:
    """Return the table that the rows of a Parquet file hold, as ``import_csv`` does.

    Raises:
        TableFormatError, InvalidArchitectureError, NotMeasuredError: as of ``import_csv``.
    """
    if not path.is_file():
        raise TableFormatError(f"there is no file {path}.")
    try:
        rows = pq.read_table(path).replace_schema_metadata(None)
    except (OSError, pa.ArrowException) as error:
        reason = str(error).split("\n", maxsplit=1)[0]
        raise TableFormatError(f"{path} is no whole Parquet file ({reason}).") from error
    missing = [column for column in KEYS if column not in rows.column_names]
    if missing:
        raise TableFormatError(f"{path} lacks the column {', '.join(missing)}; it has {', '.join(rows.column_names)}.")
    return _table(rows, path, name, space)


def _table(rows: pa.Table, path: Path, name: str, space: SearchSpace) -> Table:
    try:
        rows = rows.cast(pa.schema({column: TYPES.get(column, pa.float64()) for column in rows.column_names}))
    except (pa.ArrowException, ValueError) as error:
        reason = str(error).split("\n", maxsplit=1)[0]
        raise TableFormatError(
            f"{path} holds a value of another type ({reason}); architecture, dataset and split are texts, epochs and "
            "seed whole numbers, everything else is a number."
        ) from error
    table = from_long(without_repeats(rows, KEYS, path), {**PROVENANCE, "name": name, "space": space.name}, path)
    if all(np.isnan(values).all() for values in table.columns.values()):
        raise TableFormatError(f"{path} holds no measurement: no row has a number under {', '.join(MEASURES)}.")
    return table
