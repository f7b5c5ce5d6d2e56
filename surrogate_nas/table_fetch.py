"""The action ``table fetch``: download a small public source, verify it, and import it."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
from pathlib import Path
from typing import Any

from surrogate_nas.errors import RunFolderError, SurrogateNASError
from surrogate_nas.space import NB201
from surrogate_nas.table import load_table, user_tables
from surrogate_nas.table.download import download
from surrogate_nas.table.sources import SOURCES, Source, find_source
from surrogate_nas.table_import import destination, import_table

MIRROR = "SURROGATE_NAS_MIRROR"  # environment variable: the address of a folder with the sources' files
DOWNLOADS = ".downloads"  # in the folder of tables: what has come of a source, until it is imported


def add_parser(actions: Any) -> None:
    """Add the action to the job's parser."""
    parser = actions.add_parser("fetch", help="download a small public source and import it; without a name, list them")
    parser.add_argument("source", nargs="?", help=f"one of {', '.join(SOURCES)}")
    parser.add_argument("--name", help="of the table (default: the source's)")
    parser.add_argument(
        "--mirror",
        help="http://, https:// or file:// address of a folder that has the file, to be used instead of the public "
        f"addresses (default: the environment variable {MIRROR}, if it is set)",
    )


def run(chosen: argparse.Namespace) -> None:
    """Fetch what the command line chose, or list what there is."""
    if chosen.source is None:
        print("\n".join(map(_line, SOURCES, SOURCES.values())))
        return
    name = chosen.name or chosen.source
    file = fetch_table(chosen.source, name, chosen.mirror or os.environ.get(MIRROR) or None)
    load_table(name)  # reads and checks all of it once; from then on it opens at once
    print(f"{name}: {file}. See surrogate-nas table info {name}.")


def fetch_table(source_name: str, name: str, mirror: str | None) -> Path:
    """Download a source, import it into the user's tables, and return the table's file.

    A download that was interrupted goes on where it stopped; the old table stays until the new one is whole.

    Args:
        source_name: one of ``SOURCES``.
        name: of the table; one of that name that was imported before is replaced.
        mirror: the address of a folder that has the file; None for the public addresses.

    Raises:
        SettingError: there is no such source, or the name is taken.
        DownloadError: no address delivers the file.
        RunFolderError: it cannot be written.
        SurrogateNASError: what the importer raises.
    """
    source = find_source(source_name)
    destination(name)  # before anything is downloaded
    folder = user_tables() / DOWNLOADS / source_name
    path = folder / source.file
    addresses = source.addresses if mirror is None else (f"{mirror.rstrip('/')}/{source.file}",)
    try:
        download(addresses, path, size=source.size, sha256=source.sha256)
        file = import_table(source.kind, path, name, NB201)
        shutil.rmtree(folder)
        with contextlib.suppress(OSError):
            folder.parent.rmdir()  # only if no other download waits there
    except OSError as error:
        if isinstance(error, SurrogateNASError):
            raise
        raise RunFolderError(
            f"cannot write {folder} ({error.strerror or error}); the environment variable SURROGATE_NAS_TABLES names "
            "another folder for tables."
        ) from error
    return file


def _line(name: str, source: Source) -> str:
    size = "size unknown" if source.size is None else f"{source.size / 1e6:.1f} MB"
    return (
        f"{name}: {source.what}; {size}, {source.licence}\n  {source.addresses[0]}\n"
        f"  SHA-256 {source.sha256}\n  cite: {source.citation}"
    )
