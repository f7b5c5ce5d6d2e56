"""What was measured."""

from __future__ import annotations

from surrogate_nas.table.catalog import load_table, table_paths, user_tables
from surrogate_nas.table.parquet import read_table, write_table
from surrogate_nas.table.table import Column, Cost, Table

__all__ = ["Column", "Cost", "Table", "load_table", "read_table", "table_paths", "user_tables", "write_table"]
