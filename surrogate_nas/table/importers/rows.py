"""Rows of foreign files: read with the types they must have, cells translated into ours, nothing said twice."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from surrogate_nas.errors import TableFormatError
from surrogate_nas.space import CellSpace, Population


def read_csv(path: Path, types: Mapping[str, pa.DataType], *, needed: Sequence[str]) -> pa.Table:
    """Return the rows of a CSV file with a header.

    Args:
        path: the file, in UTF-8.
        types: of the columns that are known.
        needed: the columns that must be there.

    Raises:
        TableFormatError: the file is missing, empty or no CSV; a column is missing; a value has another type.
    """
    if not path.is_file():
        raise TableFormatError(f"there is no file {path}.")
    try:
        options = pa_csv.ConvertOptions(column_types=dict(types), null_values=[""], strings_can_be_null=True)
        rows = pa_csv.read_csv(path, convert_options=options)
        names = rows.column_names
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        reason = str(error).split("\n", maxsplit=1)[0]
        raise TableFormatError(f"{path} cannot be read as CSV: {reason}") from error
    if len(set(names)) < len(names):
        raise TableFormatError(f"{path} has two columns of one name among {', '.join(names)}.")
    missing = [name for name in needed if name not in names]
    if missing:
        raise TableFormatError(f"{path} lacks the column {', '.join(missing)}; it has {', '.join(names)}.")
    if not len(rows):
        raise TableFormatError(f"{path} holds no measurement.")
    return rows


def without_repeats(rows: pa.Table, keys: Sequence[str], path: Path) -> pa.Table:
    """Return the different rows, or raise where two of them disagree.

    Args:
        rows: the rows.
        keys: the columns that tell what was measured.
        path: what the messages call the rows.

    Raises:
        TableFormatError: two rows measure the same with different results.
    """
    different = rows.group_by(rows.column_names, use_threads=False).aggregate([])
    counts = different.group_by(list(keys), use_threads=False).aggregate([([], "count_all")])
    repeated = counts.filter(pc.greater(counts["count_all"], 1)).drop_columns("count_all").slice(0, 1)
    for row in repeated.to_pylist():
        what = ", ".join(f"{name} {value}" for name, value in row.items())
        raise TableFormatError(f"{path} holds several rows that disagree about {what}. Keep the one that is right.")
    return different


def numbered_cells(
    texts: Sequence[str | None],
    space: CellSpace,
    operations: Sequence[str],
    edges: Sequence[tuple[int, int]],
    path: Path,
) -> Population:
    """Return the cells that texts like ``(4, 3, 3, 0, 0, 0)`` describe: the number of an operation for each edge.

    Args:
        texts: one text an architecture.
        space: what the cells become.
        operations: what the numbers stand for, in our names.
        edges: the (source, target) that each number belongs to.
        path: what the messages call the texts.

    Raises:
        TableFormatError: a text has another form, or a number stands for no operation.
    """
    form = re.compile(r"\((\d+)" + r", (\d+)" * (len(edges) - 1) + r"\)", re.ASCII)
    matches = [form.fullmatch(text or "") for text in texts]
    numbers = [[int(group) for group in match.groups()] if match else [len(operations)] for match in matches]
    for text, row in zip(texts, numbers, strict=True):
        if max(row) >= len(operations):
            known = ", ".join(f"{number} {name}" for number, name in enumerate(operations))
            raise TableFormatError(
                f"{path}: {text!r} is no cell; expected {len(edges)} numbers in parentheses, each one of {known}."
            )
    option = np.array([space.operations.index(name) for name in operations])
    place = [edges.index(edge) for edge in space.edges]
    return Population(space, option[np.array(numbers)][:, place].astype(np.int8))


def files_of(path: Path, pattern: str) -> list[Path]:
    """Return the files of a folder that match, or the one file given.

    Raises:
        TableFormatError: there is none.
    """
    files = sorted(path.glob(pattern)) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        raise TableFormatError(f"there is no file {path / pattern if path.is_dir() else path}.")
    return files
