"""NATS-Bench (Dong et al., TPAMI 2021): its ``-simple`` folders and its single ``.pickle.pbz2`` files."""

from __future__ import annotations

import bz2
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from surrogate_nas.errors import TableFormatError
from surrogate_nas.space import NATS_SIZE, NB201, SearchSpace
from surrogate_nas.table.curves import CurveWriter
from surrogate_nas.table.importers.official import table_of
from surrogate_nas.table.importers.restricted_pickle import read_pickle
from surrogate_nas.table.table import Table

SUFFIX = ".pickle.pbz2"
PROVENANCE = {
    "version": "v1_0",
    "source": "NATS-Bench, https://github.com/D-X-Y/NATS-Bench",
    "licence": "MIT",
    "citation": "X. Dong, L. Liu, K. Musial, B. Gabrys: NATS-Bench: Benchmarking NAS Algorithms for Architecture "
    "Topology and Size, IEEE TPAMI, 2021.",
}


def import_topology(path: Path, name: str, curves: CurveWriter) -> Table:
    """Return the table of NATS-Bench's topology space (``NATS-tss-...``); see ``_import``."""
    return _import(path, name, curves, NB201)


def import_size(path: Path, name: str, curves: CurveWriter) -> Table:
    """Return the table of NATS-Bench's size space (``NATS-sss-...``); see ``_import``."""
    return _import(path, name, curves, NATS_SIZE)


def _import(path: Path, name: str, curves: CurveWriter, space: SearchSpace) -> Table:
    """Return the table of the architectures that lie in a folder or file, also where it holds only some of them.

    A folder is read one architecture at a time. A single file can only be unpickled as a whole, and needs the memory
    that its authors' own package needs: for large spaces, import the folder.

    Raises:
        ForbiddenTypeError: a pickle names a type that none of NATS-Bench holds.
        TableFormatError: a file is missing, damaged, or not of this space.
    """
    meta_path = path / f"meta{SUFFIX}" if path.is_dir() else path
    meta = _read(meta_path)
    try:
        texts = list(meta["meta_archs"])
        infos = meta["arch2infos"]
    except (TypeError, KeyError) as error:
        raise TableFormatError(
            f"{meta_path} does not say which architectures there are ('meta_archs'); it is no file of NATS-Bench."
        ) from error
    population = space.parse(texts)
    states = _folder(path) if path.is_dir() else infos
    if not states:
        raise TableFormatError(f"{path} holds no architecture; NATS-Bench's files are named 000000{SUFFIX} and so on.")
    outside = [index for index in states if not 0 <= index < len(texts)]
    if outside:
        raise TableFormatError(f"{path} has an architecture number {outside[0]}, but tells of {len(texts)}.")
    indices = sorted(states, key=lambda index: texts[index])
    return table_of(name, population[indices], _records(states, indices), PROVENANCE, curves)


def _folder(path: Path) -> dict[int, Path]:
    """Return the file of each architecture number."""
    files = {file.name.removesuffix(SUFFIX): file for file in path.glob(f"*{SUFFIX}")}
    return {int(number): file for number, file in files.items() if number.isascii() and number.isdigit()}


def _records(states: Mapping[int, Any], indices: list[int]) -> Iterator[tuple[int, list[Mapping[str, Any]]]]:
    for row, index in enumerate(indices):
        state = states[index]
        by_length = _read(state) if isinstance(state, Path) else state
        if not isinstance(by_length, dict):
            raise TableFormatError(f"the record of architecture number {index} is none of NATS-Bench.")
        yield row, list(by_length.values())


def _read(path: Path) -> Any:
    try:
        with bz2.open(path) as file:
            return read_pickle(file, path)
    except FileNotFoundError as error:
        raise TableFormatError(f"there is no file {path}. Give the path of a NATS-Bench folder or file.") from error
    except OSError as error:
        raise TableFormatError(f"{path} cannot be read ({error.strerror or error}).") from error
