"""What a job works on: a table given by itself, its name or its file, and one of its data sets."""

from __future__ import annotations

from pathlib import Path

from surrogate_nas.errors import SettingError
from surrogate_nas.table.catalog import load_table
from surrogate_nas.table.table import Table


def chosen(table: str | Path | Table, dataset: str | None) -> tuple[Table, str]:
    """Return the table, and the data set; it may be left out where the table has one.

    Raises:
        UnknownTableError: there is no such table.
        SettingError: no data set is given, and the table has several.
    """
    table = table if isinstance(table, Table) else load_table(table)
    if dataset is None:
        if len(table.datasets) != 1:
            raise SettingError(
                f"table {table.name!r} has the data sets {', '.join(table.datasets)}; choose one with dataset=."
            )
        (dataset,) = table.datasets
    return table, dataset
