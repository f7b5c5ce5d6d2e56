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
from surrogate_nas.table.table import Table

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
    costs = path.with_name("cost.parquet")
    return cached((path, costs), partial(_read, path, costs))


def _read(path: Path, costs: Path) -> Table:
    from surrogate_nas.table.parquet import read_table

    table = read_table(path)
    return Table(
        table.name,
        table.population,
        table.columns,
        table.provenance,
        _training_seconds(costs, table),
        table.by_function,
        table.costs,
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
    """Return the seconds of a training from a cost file beside a table: columns ``DATASET_train_seconds_EPOCHSep``."""
    if not path.is_file():
        return {}
    import pyarrow.parquet as pq

    costs = pq.read_table(path)
    named = {
        name: name.removesuffix("ep").split("_train_seconds_")
        for name in costs.column_names
        if "_train_seconds_" in name
    }
    if "architecture" not in costs.column_names or not named:
        return {}
    rows = table.find(table.space.parse(costs["architecture"].to_pylist()))
    seconds = {}
    for name, (dataset, epochs) in named.items():
        values = np.full(len(table), np.nan)
        values[rows[rows >= 0]] = costs[name].to_numpy()[rows >= 0]
        seconds[dataset, int(epochs)] = values
    return seconds
