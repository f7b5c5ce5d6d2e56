"""The action ``table import``: read a foreign source once, so that from then on it opens as a table by name."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
from pathlib import Path
from typing import Any

from surrogate_nas.errors import RunFolderError, SettingError, SurrogateNASError
from surrogate_nas.space import SearchSpace, get_space, space_names
from surrogate_nas.table import load_table, table_paths, user_tables
from surrogate_nas.table.curves import CurveWriter, write_with_curves
from surrogate_nas.table.importers import KINDS, OF_ANY_SPACE, importer


def add_parser(actions: Any) -> None:
    """Add the action to the job's parser."""
    parser = actions.add_parser("import", help="read a NAS-Bench file or folder once; it then opens by name")
    parser.add_argument("kind", help=f"of source: one of {', '.join(KINDS)}")
    parser.add_argument("path", type=Path, help="the file or folder, as its authors publish it")
    parser.add_argument("--name", help="of the table (default: the kind, or the file's name of a csv or parquet)")
    parser.add_argument(
        "--space",
        help=f"of the architectures in a csv or parquet: one of {', '.join(space_names())} (default: nb201)",
    )


def run(chosen: argparse.Namespace) -> None:
    """Import what the command line chose, and say what came of it."""
    if chosen.space is not None and chosen.kind not in OF_ANY_SPACE:
        raise SettingError(f"--space goes with {' and '.join(OF_ANY_SPACE)}; {chosen.kind} says itself what it is of.")
    name = chosen.name or (chosen.path.stem if chosen.kind in OF_ANY_SPACE else chosen.kind)
    file = import_table(chosen.kind, chosen.path, name, get_space(chosen.space or "nb201"))
    load_table(name)  # reads and checks all of it once; from then on it opens at once
    print(f"{name}: {file}. See surrogate-nas table info {name}.")


def import_table(kind: str, path: Path, name: str, space: SearchSpace) -> Path:
    """Import a source into the user's tables, and return the table's file.

    Everything is written aside, and renaming the table's file is the last step: a kill leaves the old table with its
    curves or the new one with its own.

    Args:
        kind: of source, one of ``KINDS``.
        path: the file or folder.
        name: of the table; one of that name that was imported before is replaced.
        space: of the architectures, where the source does not say.

    Raises:
        SettingError: there is no such kind, or the name is that of a table that was not imported.
        RunFolderError: the source cannot be read, or the user's tables not be written.
        SurrogateNASError: what the kind's importer raises.
    """
    read = importer(kind, space)
    file = destination(name)
    aside = file.with_name(f".curves.{os.getpid()}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        _clear(file.parent)
        with CurveWriter(aside) as curves:
            table = read(path, name, curves)
        write_with_curves(table, file, aside)
    except OSError as error:
        if isinstance(error, SurrogateNASError):
            raise
        raise RunFolderError(
            f"cannot read {path} or write {file.parent} ({error.strerror or error}); the environment variable "
            "SURROGATE_NAS_TABLES names another folder for tables."
        ) from error
    finally:
        with contextlib.suppress(OSError):  # nothing to clear where the folder could not be made
            aside.unlink(missing_ok=True)
            file.parent.rmdir()  # only if nothing was written
    return file


def _clear(folder: Path) -> None:
    """Remove what imports that were killed have left, which can be gigabytes; those that still run keep theirs."""
    for left in folder.glob(".*.part"):
        process = left.name.split(".")[-2]
        if process.isdecimal():
            try:
                os.kill(int(process), 0)  # sends nothing, and raises if there is no such process
            except ProcessLookupError:
                left.unlink(missing_ok=True)
            except PermissionError:  # another user's runs
                continue


def destination(name: str) -> Path:
    """Return the file of a table that is to be imported.

    Raises:
        SettingError: it is no name, or that of a table that was not imported.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise SettingError(
            f"a table's name has letters, digits, '.', '_' and '-', and begins with one of the first two; got {name!r}."
        )
    file = user_tables() / name / "accuracy.parquet"
    taken = table_paths().get(name, file)
    if taken != file:
        raise SettingError(f"there is a table {name!r} already, {taken}; choose another name with --name.")
    return file
