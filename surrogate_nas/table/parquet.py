"""The one file format: Parquet in long form, with provenance and a checksum of the content."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from surrogate_nas.errors import InvalidArchitectureError, SurrogateNASError, TableFormatError, TableIntegrityError
from surrogate_nas.space import Population, SearchSpace, get_space
from surrogate_nas.split import Split
from surrogate_nas.table.table import MEAN, MEASURES, Column, Cost, Table

METADATA_KEY = b"surrogate_nas.table"
KEYS = ("architecture", "dataset", "split", "epochs", "seed")
INTEGERS = {"epochs": (0, 2**15 - 1), "seed": (MEAN, 2**31 - 1)}  # what the file's int16 and int32 hold
KEY_TYPES = (pa.string(), pa.string(), pa.int16(), pa.int32())  # of the keys after the architecture
TRAINING_KEYS = KEYS[2:]  # null in a row of costs, which no training changes


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
        table = from_long(long, header, path)
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


def recorded_digest(path: Path) -> str:
    """Return the sha256 that the header of a table file tells; reading the table checks it.

    Raises:
        TableIntegrityError: there is no such file, or it is not whole, or tells none.
    """
    try:
        return str(json.loads(pq.read_schema(path).metadata[METADATA_KEY])["sha256"])
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
        raise TableIntegrityError(f"{path} is no whole table file of this package.") from error


def write_table(table: Table, path: str | Path) -> None:
    """Write a table beside its place and rename it, so that a kill leaves the old file or the new one.

    The same table gives the same bytes: rows are ordered by architecture, data set, split, epochs and seed.

    Raises:
        TableFormatError: a value is outside what is allowed.
    """
    path = Path(path)
    for column, values in table.columns.items():
        _check_range(column.measure, values, table.population, path)
    for cost, values in table.costs.items():
        _check_range(cost.quantity, values, table.population, path)
    header = {**_header(table), "sha256": digest(table)}
    long = to_long(table).replace_schema_metadata({METADATA_KEY: json.dumps(header, sort_keys=True).encode()})
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
    for key, values in (*sorted(table.columns.items(), key=_key), *sorted(table.costs.items(), key=_key)):
        values = np.where(np.isnan(values), np.nan, values)  # one bit pattern for NaN
        summary.update(repr(tuple(map(str, key))).encode())
        summary.update(np.ascontiguousarray(values[order], dtype="<f8").tobytes())
    return summary.hexdigest()


def _key(item: tuple[tuple[Any, ...], object]) -> tuple[Any, ...]:
    return item[0]


def _header(table: Table) -> dict[str, Any]:
    header = {**table.provenance, "name": table.name, "space": table.space.name}
    return {**header, "by_function": True} if table.by_function else header


def from_long(long: pa.Table, header: Mapping[str, Any], path: Path) -> Table:
    """Return the table that rows in long form describe.

    Args:
        long: the key columns, and at least one measure or cost. A row of costs has null split, epochs and seed.
        header: the table's ``name`` and ``space``, and its provenance.
        path: what the messages call the rows.

    Raises:
        TableFormatError: a column is missing, or a value is outside what is allowed.
        InvalidArchitectureError, NotMeasuredError: an architecture or a split that does not exist.
    """
    quantities = [name for name in long.column_names if name not in (*KEYS, *MEASURES)]
    missing = [name for name in KEYS if name not in long.column_names]
    if missing or not {*quantities, *MEASURES} & {*long.column_names} or not {"space", "name"} <= header.keys():
        raise TableFormatError(
            f"{path} lacks {', '.join(missing) or 'accuracy, or name or space in its metadata'}; "
            f"a table has the columns {', '.join((*KEYS, MEASURES[0]))}."
        )
    if not len(long):
        raise TableFormatError(f"{path} holds no measurement.")
    space = get_space(header["space"])
    rows, texts = _codes(long["architecture"])
    population = _parsed(texts, space, path)
    order = np.argsort(population.index)
    population, rows = population[order], np.argsort(order)[rows]
    of_training = _of_training(long, path)
    known = {"name", "space", "by_function", "sha256"}
    return Table(
        header["name"],
        population,
        _columns(long.filter(of_training), rows[of_training], population, path),
        {key: value for key, value in header.items() if key not in known},
        by_function=bool(header.get("by_function")),
        costs=_costs(long.filter(~of_training), quantities, rows[~of_training], population, path),
    )


def _parsed(texts: Sequence[str], space: SearchSpace, path: Path) -> Population:
    try:
        return space.parse(texts)
    except InvalidArchitectureError as error:
        raise InvalidArchitectureError(f"{path}: {error}") from error


def _of_training(long: pa.Table, path: Path) -> NDArray[np.bool_]:
    """Return (rows,) whether a row tells of a training; one of costs has nulls for all that tells trainings apart."""
    told = np.stack([long[name].is_valid().to_numpy() for name in TRAINING_KEYS])
    of_training = np.asarray(told.all(axis=0))
    mixed = np.asarray(told.any(axis=0) & ~of_training)
    for name in long.column_names:
        if name not in KEYS:
            mixed |= long[name].is_valid().to_numpy() & (of_training != (name in MEASURES))
    if mixed.any():
        raise TableFormatError(
            f"{path}: row {int(np.flatnonzero(mixed)[0])} is neither a measurement ({', '.join(TRAINING_KEYS)}, and "
            f"some of {', '.join(MEASURES)}) nor one of costs (none of these, and other numbers)."
        )
    return of_training


def _columns(
    long: pa.Table, rows: NDArray[np.int64], population: Population, path: Path
) -> dict[Column, NDArray[np.float64]]:
    """Return the columns of n architectures from rows of measurements."""
    dataset, datasets = _codes(long["dataset"])
    split, split_names = _codes(long["split"])
    epochs, seed = (_integers(long, name, path) for name in ("epochs", "seed"))
    group, keys = _groups(np.stack([dataset, split, epochs, seed], axis=1))
    if len(np.unique(group * len(population) + rows)) != len(rows):
        raise TableFormatError(f"{path} measures an architecture twice for one data set, split, length and seed.")
    columns: dict[Column, NDArray[np.float64]] = {}
    for measure in (name for name in MEASURES if name in long.column_names):
        dense = np.full((len(keys), len(population)), np.nan)
        dense[group, rows] = long[measure].to_numpy().astype(np.float64)
        _check_range(measure, dense, population, path)
        for values, (d, s, e, k) in zip(dense, keys.tolist(), strict=True):
            if not np.isnan(values).all():
                columns[Column(measure, datasets[d], Split.of(split_names[s]), e, k)] = values
    return columns


def _costs(
    long: pa.Table, quantities: Sequence[str], rows: NDArray[np.int64], population: Population, path: Path
) -> dict[Cost, NDArray[np.float64]]:
    """Return the costs of n architectures from rows of costs."""
    dataset, datasets = _codes(long["dataset"])
    if len(np.unique(dataset * len(population) + rows)) != len(rows):
        raise TableFormatError(f"{path} tells the costs of an architecture twice for one data set.")
    costs: dict[Cost, NDArray[np.float64]] = {}
    for quantity in quantities:
        dense = np.full((len(datasets), len(population)), np.nan)
        dense[dataset, rows] = long[quantity].to_numpy().astype(np.float64)
        _check_range(quantity, dense, population, path)
        costs |= {
            Cost(quantity, name): values
            for name, values in zip(datasets, dense, strict=True)
            if not np.isnan(values).all()
        }
    return costs


def _integers(long: pa.Table, name: str, path: Path) -> NDArray[np.int64]:
    values: NDArray[np.int64] = long[name].to_numpy().astype(np.int64)
    least, most = INTEGERS[name]
    wrong = values[(values < least) | (values > most)]
    if len(wrong):
        raise TableFormatError(f"{path}: {name} lies in {least} to {most}, got {wrong[0]}.")
    return values


def _check_range(measure: str, values: NDArray[np.float64], population: Population, path: Path) -> None:
    """Raise ``TableFormatError`` at the first of (..., n) values that is outside what its measure allows."""
    limit = 100 if measure == "accuracy" else np.inf
    wrong = np.argwhere((values < 0) | (values > limit) | np.isinf(values))
    if len(wrong):
        value, architecture = values[tuple(wrong[0])], population[[int(wrong[0][-1])]].text
        raise TableFormatError(f"{path}: {measure} lies in 0 to {limit}, got {value} of {architecture}.")


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


def to_long(table: Table) -> pa.Table:
    """Return the rows of a table: the measurements, then the costs."""
    order = np.argsort(table.population.index)
    texts = np.array(table.population[order].texts)
    parts = []
    if table.columns:
        measures = [name for name in MEASURES if any(column.measure == name for column in table.columns)]
        parts.append(_rows(texts, order, measures, {(c.measure, c[1:]): v for c, v in table.columns.items()}))
    if table.costs:
        quantities = sorted({cost.quantity for cost in table.costs})
        nothing = (None,) * len(TRAINING_KEYS)
        parts.append(
            _rows(texts, order, quantities, {(c.quantity, (c.dataset, *nothing)): v for c, v in table.costs.items()})
        )
    return pa.concat_tables(parts, promote_options="default").unify_dictionaries()


def _rows(
    texts: NDArray[np.str_],
    order: NDArray[np.int64],
    names: Sequence[str],
    values: Mapping[tuple[str, tuple[Any, ...]], NDArray[np.float64]],
) -> pa.Table:
    """Return a row for each architecture and key of which anything is known.

    Args:
        texts: (n,) the architectures, in order.
        order: (n,) where each of them lies in the arrays of ``values``.
        names: of the value columns.
        values: the (n,) values of each name and (data set, split, epochs, seed).
    """
    keys = sorted({key for _, key in values})
    nothing = np.full(len(texts), np.nan)
    dense = np.stack([[values.get((name, key), nothing) for key in keys] for name in names])  # (names, keys, n)
    dense = dense[:, :, order].transpose(0, 2, 1)  # (names, n, keys)
    rows, key = np.nonzero(~np.isnan(dense).all(axis=0))
    used, code = np.unique(rows, return_inverse=True)  # texts are long: each is there once
    columns = [pa.array(column, type_) for column, type_ in zip(zip(*keys, strict=True), KEY_TYPES, strict=True)]
    return pa.table(
        {
            "architecture": pa.DictionaryArray.from_arrays(code.astype(np.int32), pa.array(texts[used])),
            **{name: _encoded(column.take(pa.array(key))) for name, column in zip(KEYS[1:], columns, strict=True)},
            **{name: pa.array(dense[i, rows, key], from_pandas=True) for i, name in enumerate(names)},
        }
    )


def _encoded(column: pa.Array) -> pa.Array:
    return column.dictionary_encode() if pa.types.is_string(column.type) else column
