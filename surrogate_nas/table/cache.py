"""The quick opening of table files: where a table's dense form lies, and when it may stand in for the file.

The Parquet file is the truth. The dense form lies beside it where that folder may be written, otherwise in the user's
folder for caches; it may be deleted at any time, and is made again.
"""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from surrogate_nas.errors import TableIntegrityError
from surrogate_nas.table.dense import open_dense, write_dense
from surrogate_nas.table.table import Table

SUFFIX = ".columns"
FOOTER_END = 8  # bytes that end a Parquet file: the length of its footer, and "PAR1"


def cached(files: Sequence[Path], read: Callable[[], Table]) -> Table:
    """Return the table that ``read`` returns, from its dense form where there is one; else make it.

    Args:
        files: what ``read`` reads: the table's Parquet file and those that belong to it, also where they are missing.
        read: returns the table, or raises what is wrong with its file.
    """
    places = _places(files[0])
    sources = [_fingerprint(file) for file in files]
    for place in places:
        with contextlib.suppress(TableIntegrityError):
            return open_dense(place, sources, read)
    table = read()
    if sources == [_fingerprint(file) for file in files]:  # not replaced while it was read
        for place in filter(_may_be_written, places):
            with contextlib.suppress(OSError):  # a full disk is no reason not to answer
                write_dense(table, place, sources)
                break
    return table


def _places(file: Path) -> list[Path]:
    """Return where the dense form of a file may lie."""
    path = zlib.crc32(str(file.absolute()).encode())
    cache = user_cache_path("surrogate_nas", appauthor=False) / "tables"
    return [file.with_name(f".{file.name}{SUFFIX}"), cache / f"{file.absolute().parent.name}-{path:08x}{SUFFIX}"]


def _may_be_written(place: Path) -> bool:
    """Return whether a folder is meant to be written to; root could write to any."""
    folder = place.parent
    return not folder.exists() or (bool(folder.stat().st_mode & 0o222) and os.access(folder, os.W_OK))


def _fingerprint(file: Path) -> list[Any] | None:
    """Return the size and times of a Parquet file, and a checksum of its footer; None where there is no file.

    The footer holds the sha256 of all values in files of this package, and where each page lies in others'. Reading
    the whole file would take longer than to open its dense form, and loading hashlib more memory.
    """
    try:
        status = file.stat()
        with file.open("rb") as stream:
            stream.seek(max(0, status.st_size - FOOTER_END))
            length = int.from_bytes(stream.read(4), "little")
            stream.seek(max(0, status.st_size - FOOTER_END - length))
            footer = zlib.crc32(stream.read())
    except OSError:
        return None
    return [file.name, status.st_size, status.st_mtime_ns, status.st_ctime_ns, footer]
