"""The dense form of a table: its columns as arrays in one safetensors file, each read when it is first asked for.

It holds what a table's own file says, and nothing else; it opens in milliseconds because no row is looked at.
"""

from __future__ import annotations

import contextlib
import json
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.errors import TableIntegrityError
from surrogate_nas.space import Population, get_space
from surrogate_nas.split import Split
from surrogate_nas.table.table import Column, Cost, Table

VERSION = 1  # of the form; another one is not read
GROUPS = ("columns", "costs", "training_seconds")  # the tables' mappings, under their names
Key = TypeVar("Key")
Array = NDArray[Any]


class DenseTable(Table):
    """A table whose columns lie in a file; what a table must be was checked before they were written."""

    def __post_init__(self) -> None:
        """Leave the columns where they are."""


class _OnDemand(Mapping[Key, Array]):
    """Arrays that are read when they are asked for.

    Args:
        keys: of the arrays.
        read: returns the array of a key.
    """

    def __init__(self, keys: Iterable[Key], read: Callable[[Key], Array]) -> None:
        self._arrays: dict[Key, Array | None] = dict.fromkeys(keys)
        self._read = read

    def __getitem__(self, key: Key) -> Array:
        array = self._arrays[key]
        if array is None:
            array = self._arrays[key] = self._read(key)
        return array

    def __iter__(self) -> Iterator[Key]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)  # another process gets the arrays, not the open file


def write_dense(table: Table, path: Path, sources: object) -> None:
    """Write a table in its dense form, beside its place, and rename it.

    Args:
        table: the table.
        path: the file.
        sources: JSON that tells which files the table was read from; ``open_dense`` must be given the same.
    """
    from safetensors.numpy import save

    arrays: dict[str, Array] = {"decisions": table.population.decisions}
    for group in GROUPS:
        for number, values in enumerate(getattr(table, group).values()):
            arrays[f"{group}.{number}"] = np.ascontiguousarray(values, dtype=np.float64)
    content = json.dumps(
        {
            "version": VERSION,
            "sources": sources,
            "name": table.name,
            "space": table.space.name,
            "by_function": table.by_function,
            "provenance": dict(table.provenance),
            "keys": {group: [list(key) for key in getattr(table, group)] for group in GROUPS},
            "checksums": {name: _checksum(array) for name, array in arrays.items()},
        }
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{os.getpid()}.part")
    for left in path.parent.glob(f"{path.name}.*.part"):  # by a kill
        left.unlink(missing_ok=True)
    try:
        aside.write_bytes(save(arrays, {"content": content, "checksum": str(zlib.crc32(content.encode()))}))
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def open_dense(path: Path, sources: object, reread: Callable[[], Table]) -> Table:
    """Return the table whose dense form lies in a file.

    Args:
        path: the file.
        sources: as they were told to ``write_dense``.
        reread: returns the table from its own file; called when an array turns out to be damaged.

    Raises:
        TableIntegrityError: the file is missing or damaged, of another version, or of other sources.
    """
    from safetensors import SafetensorError, safe_open

    try:
        file: Any = safe_open(path, framework="numpy")
        metadata = file.metadata()
        text = metadata["content"]
        if metadata["checksum"] != str(zlib.crc32(text.encode())):
            raise TableIntegrityError(f"{path} is damaged.")
        content = json.loads(text)
        if (content["version"], content["sources"]) != (VERSION, sources):
            raise TableIntegrityError(f"{path} is not the dense form of its table as it is now.")
        checksums = content["checksums"]
        space = get_space(content["space"])
        decisions = _checked(file.get_tensor("decisions"), np.dtype(np.int8), checksums["decisions"], path)
    except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
        raise TableIntegrityError(f"{path} holds no table in dense form ({error}).") from error

    def read(group: str, numbers: Mapping[Any, int], key: Any) -> Array:
        name = f"{group}.{numbers[key]}"
        try:
            return _checked(file.get_tensor(name), np.dtype(np.float64), checksums[name], path)
        except (SafetensorError, TableIntegrityError):
            with contextlib.suppress(OSError):
                path.unlink()  # the next opening makes it again
            array: Array = getattr(reread(), group)[key]
            return array

    def group(name: str, key_of: Callable[..., Key]) -> Mapping[Key, Array]:
        numbers = {key_of(*parts): number for number, parts in enumerate(content["keys"][name])}
        return _OnDemand(numbers, partial(read, name, numbers))

    return DenseTable(
        content["name"],
        Population(space, decisions),
        group("columns", _column),
        content["provenance"],
        group("training_seconds", lambda dataset, epochs: (dataset, epochs)),
        content["by_function"],
        group("costs", Cost),
    )


def _column(measure: str, dataset: str, split: str, epochs: int, seed: int) -> Column:
    return Column(measure, dataset, Split(split), epochs, seed)


def _checksum(array: Array) -> int:
    return zlib.crc32(array.data)


def _checked(array: Array, dtype: np.dtype[Any], checksum: int, path: Path) -> Array:
    if array.dtype != dtype or _checksum(array) != checksum:
        raise TableIntegrityError(f"{path} is damaged.")
    array.flags.writeable = False
    return array
