"""Names to tables: those that ship with the package, those in a data folder, the user's imported ones, and any file."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_data_path

from surrogate_nas.errors import UnknownTableError, expected
from surrogate_nas.table.cache import cached
from surrogate_nas.table.table import Cost, Table

EMBEDDED = Path(__file__).parent / "embedded"
DATA_FOLDER = "SURROGATE_NAS_DATA"
USER_FOLDER = "SURROGATE_NAS_TABLES"


def user_tables() -> Path:
    """Return the folder of the tables that the user imports: ``SURROGATE_NAS_TABLES``, or the platform's for data."""
    folder = os.environ.get(USER_FOLDER)
    return Path(folder) if folder else user_data_path("surrogate_nas", appauthor=False) / "tables"


def table_paths() -> dict[str, Path]:
    """Return the file of each table that can be loaded by name.

    Of one name, an embedded table comes first, then one in the data folder, then one that the user imported.
    """
    paths = {path.stem: path for path in sorted(EMBEDDED.glob("*.parquet"))}
    data = os.environ.get(DATA_FOLDER)
    for folder in (*([Path(data)] if data else []), user_tables()):
        for path in sorted(folder.glob("*/accuracy.parquet")):
            paths.setdefault(path.parent.name, path)
    return paths


def kind_of(path: Path) -> str:
    """Return whether a table's file is "embedded" in the package, "imported" by the user, or "local"."""
    if path.parent == EMBEDDED:
        return "embedded"
    return "imported" if path.is_relative_to(user_tables()) else "local"


def load_table(name_or_path: str | Path) -> Table:
    """Return a table by its name, or from a Parquet file.

    Raises:
        UnknownTableError: there is no such table.
        TableIntegrityError: the file is truncated or was altered.
        TableFormatError: the file is no table.
    """
    path = table_path(name_or_path)
    seconds, latencies = path.with_name("cost.parquet"), path.with_name("latency.parquet")
    return cached((path, seconds, latencies), partial(_read, path, seconds, latencies))


def _read(path: Path, seconds: Path, latencies: Path) -> Table:
    from surrogate_nas.table.parquet import read_table

    table = read_table(path)
    return Table(
        table.name,
        table.population,
        table.columns,
        table.provenance,
        _training_seconds(seconds, table),
        table.by_function,
        {**_latencies(latencies, table), **table.costs},
    )


def table_path(name_or_path: str | Path) -> Path:
    """Return the file of a table.

    Raises:
        UnknownTableError: there is no such table.
    """
    paths = table_paths()
    if str(name_or_path) in paths:
        return paths[str(name_or_path)]
    path = Path(name_or_path)
    if path.suffix == ".parquet" and path.is_file():
        return path
    folder = os.environ.get(DATA_FOLDER)
    where = (
        f"Tables of your own lie in {DATA_FOLDER} ({folder or 'not set'}), are imported (surrogate-nas table import), "
        "or are given as a path to a .parquet file."
    )
    raise UnknownTableError(expected("table", name_or_path, paths) + " " + where)


def _training_seconds(path: Path, table: Table) -> dict[tuple[str, int], NDArray[np.float64]]:
    """Return the seconds of a training from a file beside a table: columns ``DATASET_train_seconds_EPOCHSep``."""
    named = {
        tuple(name.removesuffix("ep").split("_train_seconds_")): values
        for name, values in _columns_beside(path, table, "_train_seconds_").items()
    }
    return {(dataset, int(epochs)): values for (dataset, epochs), values in named.items()}


def _latencies(path: Path, table: Table) -> dict[Cost, NDArray[np.float64]]:
    """Return the latencies of a file beside a table, columns ``DEVICE_latency_ms``, as costs of each data set."""
    named = _columns_beside(path, table, "_latency_ms")
    return {Cost(name, dataset): values for dataset in table.datasets for name, values in named.items()}


def _columns_beside(path: Path, table: Table, part: str) -> dict[str, NDArray[np.float64]]:
    """Return the (n,) values of the columns with a part in their names, of a file beside a table; none without it."""
    if not path.is_file():
        return {}
    import pyarrow.parquet as pq

    held = pq.read_table(path)
    names = [name for name in held.column_names if part in name]
    if "architecture" not in held.column_names or not names:
        return {}
    rows = table.find(table.space.parse(held["architecture"].to_pylist()))
    columns = {}
    for name in names:
        columns[name] = np.full(len(table), np.nan)
        columns[name][rows[rows >= 0]] = held[name].to_numpy()[rows >= 0]
    return columns
