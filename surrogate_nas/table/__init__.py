"""What was measured."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from surrogate_nas.table.catalog import load_table, table_paths, user_tables
from surrogate_nas.table.table import Column, Cost, Table

if TYPE_CHECKING:
    from surrogate_nas.table.parquet import read_table, write_table

__all__ = ["Column", "Cost", "Table", "load_table", "read_table", "table_paths", "user_tables", "write_table"]


def __getattr__(name: str) -> Any:
    """Import what needs pyarrow when it is asked for: importing it takes longer than to open a table."""
    if name not in ("read_table", "write_table"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.parquet"), name)
