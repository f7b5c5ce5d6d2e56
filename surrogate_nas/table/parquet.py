"""The one file format: Parquet in long form, with provenance and a checksum of the content."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from surrogate_nas.errors import SurrogateNASError, TableFormatError, TableIntegrityError
from surrogate_nas.space import get_space
from surrogate_nas.split import Split
from surrogate_nas.table.table import Column, Table

METADATA_KEY = b"surrogate_nas.table"
KEYS = ("architecture", "dataset", "split", "epochs", "seed")
MEASURES = ("accuracy", "loss", "train_seconds")


def read_table(path: str | Path) -> Table:
    """Return the table in a Parquet file.

    Raises:
        TableIntegrityError: the file is truncated, or its content is not what was written.
        TableFormatError: a column is missing, or a value is outside what is allowed.
    """
    path = Path(path)
    try:
        long = pq.read_table(path, page_checksum_verification=True)
    except (OSError, pa.ArrowException) as error:
        if not path.is_file():
            raise TableIntegrityError(f"there is no table file {path}.") from error
        reason = str(error).split("\n", maxsplit=1)[0]
        raise TableIntegrityError(
            f"{path} is no whole Parquet file ({reason}). Import, fetch or build the table again."
        ) from error
    try:
        header = json.loads((long.schema.metadata or {})[METADATA_KEY])
    except (KeyError, ValueError) as error:
        raise TableFormatError(
            f"{path} is a Parquet file without the metadata {METADATA_KEY.decode()!r}; it is no table of this package."
        ) from error
    try:
        table = _from_long(long, header, path)
    except (SurrogateNASError, pa.ArrowException, UnicodeDecodeError, KeyError, IndexError) as error:
        if "sha256" in header:  # it was right when it was written
            raise TableIntegrityError(f"{path} was altered after it was written: {error}") from error
        raise
    if "sha256" in header and header["sha256"] != digest(table):
        raise TableIntegrityError(
            f"{path} was altered after it was written: its content does not match the sha256 in its metadata. "
            "Import, fetch or build the table again."
        )
    return table


def write_table(table: Table, path: str | Path) -> None:
    """Write a table beside its place and rename it, so that a kill leaves the old file or the new one.

    The same table gives the same bytes: rows are ordered by architecture, data set, split, epochs and seed.
    """
    path = Path(path)
    header = {**_header(table), "sha256": digest(table)}
    long = _to_long(table).replace_schema_metadata({METADATA_KEY: json.dumps(header, sort_keys=True).encode()})
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        pq.write_table(long, aside, compression="zstd", compression_level=12, write_page_checksum=True)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def digest(table: Table) -> str:
    """Return the sha256 of what a table says, however its file is encoded."""
    summary = hashlib.sha256(json.dumps(_header(table), sort_keys=True).encode())
    order = np.argsort(table.population.index)
    summary.update(table.population.decisions[order].tobytes())
    for column in sorted(table.columns):
        values = np.where(np.isnan(table.columns[column]), np.nan, table.columns[column])  # one bit pattern for NaN
        summary.update(repr(tuple(map(str, column))).encode())
        summary.update(np.ascontiguousarray(values[order], dtype="<f8").tobytes())
    return summary.hexdigest()


def _header(table: Table) -> dict[str, Any]:
    header = {**table.provenance, "name": table.name, "space": table.space.name}
    return {**header, "by_function": True} if table.by_function else header


def _from_long(long: pa.Table, header: Mapping[str, Any], path: Path) -> Table:
    missing = [name for name in (*KEYS, MEASURES[0]) if name not in long.column_names]
    if missing or "space" not in header or "name" not in header:
        raise TableFormatError(
            f"{path} lacks {', '.join(missing) or 'name or space in its metadata'}; "
            f"a table has the columns {', '.join((*KEYS, MEASURES[0]))}."
        )
    space = get_space(header["space"])
    rows, texts = _codes(long["architecture"])
    population = space.parse(texts)
    order = np.argsort(population.index)
    population, rows = population[order], np.argsort(order)[rows]
    dataset, datasets = _codes(long["dataset"])
    split, split_names = _codes(long["split"])
    epochs, seed = (long[name].to_numpy().astype(np.int64) for name in ("epochs", "seed"))
    group, keys = _groups(np.stack([dataset, split, epochs, seed], axis=1))
    measured = np.unique(group * len(population) + rows)
    if len(measured) != len(rows):
        raise TableFormatError(f"{path} measures an architecture twice for one data set, split, length and seed.")
    columns: dict[Column, NDArray[np.float64]] = {}
    for measure in (name for name in MEASURES if name in long.column_names):
        dense = np.full((len(keys), len(population)), np.nan)
        dense[group, rows] = long[measure].to_numpy().astype(np.float64)
        _check_range(measure, dense, path)
        for values, (d, s, e, k) in zip(dense, keys.tolist(), strict=True):
            if not np.isnan(values).all():
                columns[Column(measure, datasets[d], Split.of(split_names[s]), e, k)] = values
    known = {"name", "space", "by_function", "sha256"}
    provenance = {key: value for key, value in header.items() if key not in known}
    return Table(header["name"], population, columns, provenance, by_function=bool(header.get("by_function")))


def _check_range(measure: str, values: NDArray[np.float64], path: Path) -> None:
    limit = 100 if measure == "accuracy" else np.inf
    wrong = values[(values < 0) | (values > limit) | np.isinf(values)]
    if len(wrong):
        raise TableFormatError(f"{path}: {measure} lies in 0 to {limit}, got {wrong[0]}.")


def _codes(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], list[str]]:
    """Return the (rows,) codes of a column of texts and what they stand for."""
    column = column.combine_chunks()
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    if column.null_count:
        raise TableFormatError("a table's key columns hold no nulls.")
    return column.indices.to_numpy(zero_copy_only=False).astype(np.int64), column.dictionary.to_pylist()


def _groups(keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the (rows,) number of each row's key and the distinct keys; much faster than np.unique(axis=0)."""
    code = np.zeros(len(keys), dtype=np.int64)
    for column in keys.T:
        values, at = np.unique(column, return_inverse=True)
        code = code * len(values) + at
    _, first, group = np.unique(code, return_index=True, return_inverse=True)
    return group, keys[first]


def _to_long(table: Table) -> pa.Table:
    keys = sorted({column[1:] for column in table.columns})
    measures = [name for name in MEASURES if any(column.measure == name for column in table.columns)]
    nothing = np.full(len(table), np.nan)
    dense = np.stack(
        [[table.columns.get(Column(name, *key), nothing) for key in keys] for name in measures]
    )  # (measures, keys, n)
    order = np.argsort(table.population.index)
    dense = dense[:, :, order].transpose(0, 2, 1)  # (measures, n, keys)
    rows, key = np.nonzero(~np.isnan(dense).all(axis=0))
    texts = np.array(table.population[order].texts)
    parts = list(zip(*keys, strict=True))
    arrays = {
        "architecture": pa.array(texts[rows]).dictionary_encode(),
        "dataset": pa.array(np.array(parts[0])[key]).dictionary_encode(),
        "split": pa.array(np.array([str(split) for split in parts[1]])[key]).dictionary_encode(),
        "epochs": pa.array(np.array(parts[2], dtype=np.int16)[key]),
        "seed": pa.array(np.array(parts[3], dtype=np.int32)[key]),
    }
    return pa.table(
        {**arrays, **{name: pa.array(dense[i, rows, key], from_pandas=True) for i, name in enumerate(measures)}}
    )
