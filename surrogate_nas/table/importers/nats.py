"""NATS-Bench (Dong et al., TPAMI 2021): its ``-simple`` folders and its single ``.pickle.pbz2`` files."""

from __future__ import annotations

import bz2
import contextlib
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import IO, Any

from surrogate_nas.errors import SurrogateNASError, TableFormatError
from surrogate_nas.space import NATS_SIZE, NB201, SearchSpace
from surrogate_nas.table.curves import ARCHITECTURES_PER_GROUP, CurveWriter
from surrogate_nas.table.importers import slices
from surrogate_nas.table.importers.official import table_of
from surrogate_nas.table.importers.restricted_pickle import load_slice, read_pickle, told
from surrogate_nas.table.importers.stated import write_stated
from surrogate_nas.table.importers.tokens import WHOLE
from surrogate_nas.table.table import Table

SUFFIX = ".pickle.pbz2"
UNPACKED = slices.Form(lambda _: WHOLE, iter, load_slice)
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

    Neither is held in memory as a whole. A single file is unpacked into the folder of the curves first, where it takes
    as much room as NAS-Bench-201's for a while: 0.4 MB an architecture of the topology space, 0.1 MB of the other.

    Raises:
        ForbiddenTypeError: a pickle names a type that none of NATS-Bench holds.
        TableFormatError: a file is missing, damaged, or not of this space.
    """
    with _folder(path) if path.is_dir() else _file(path, curves.path.parent) as (meta, numbers, divided, read):
        try:
            texts = list(meta["meta_archs"])
        except (TypeError, KeyError) as error:
            raise TableFormatError(
                f"{path} does not say which architectures there are ('meta_archs'); it is no file of NATS-Bench."
            ) from error
        population = space.parse(texts)
        if not numbers:
            raise TableFormatError(
                f"{path} holds no architecture; NATS-Bench's files are named 000000{SUFFIX} and so on."
            )
        outside = [index for index in numbers if not 0 <= index < len(texts)]
        if outside:
            raise TableFormatError(f"{path} has an architecture number {outside[0]}, but tells of {len(texts)}.")
        indices = sorted(numbers, key=lambda index: texts[index])
        sources = divided(indices)
        return table_of(name, population[indices], sources, partial(_states, read), PROVENANCE, curves)


# What a source says of itself, the numbers of its architectures, what divides it into parts that hold the records of
# some of them, and what yields the numbers and records of a part.
Source = tuple[Any, Collection[int], Callable[[list[int]], Iterable[Any]], Callable[[Any], Iterable[tuple[int, Any]]]]


@contextlib.contextmanager
def _folder(path: Path) -> Iterator[Source]:
    """Give a folder with a file for each architecture."""
    files = {file.name.removesuffix(SUFFIX): file for file in path.glob(f"*{SUFFIX}")}
    numbered = {int(number): file for number, file in files.items() if number.isascii() and number.isdigit()}

    def divided(indices: list[int]) -> Iterator[dict[int, Path]]:
        for start in range(0, len(indices), ARCHITECTURES_PER_GROUP):
            yield {index: numbered[index] for index in indices[start : start + ARCHITECTURES_PER_GROUP]}

    yield _read(path / f"meta{SUFFIX}"), numbered, divided, _of_files


def _of_files(files: Mapping[int, Path]) -> Iterator[tuple[int, Any]]:
    return ((number, _read(file)) for number, file in files.items())


@contextlib.contextmanager
def _file(path: Path, room: Path) -> Iterator[Source]:
    """Give a single file, unpacked into a table's own folder, which has room for it."""
    for left in room.glob(".unpacked.*.part"):  # by a kill
        left.unlink(missing_ok=True)
    with tempfile.NamedTemporaryFile(dir=room, prefix=".unpacked.", suffix=".part") as plain:
        with _opened(path) as file, told(path):
            write_stated(file, plain, path)
            plain.flush()
            outline = slices.cut(Path(plain.name), UNPACKED)
            meta = slices.read(outline, [])
        whole = meta.get("arch2infos") if isinstance(meta, dict) else None
        if not isinstance(whole, dict):
            raise TableFormatError(
                f"{path} has no results of architectures ('arch2infos'); it is no file of NATS-Bench."
            )
        numbers = {item.number for item in outline.items} | whole.keys()
        yield meta, numbers, partial(slices.divided, outline, whole), partial(_of_slice, path)


def _of_slice(path: Path, part: slices.Slice) -> Iterator[tuple[int, Any]]:
    with told(path):
        yield from zip(part.numbers, part.records(), strict=True)


def _states(read: Callable[[Any], Iterable[tuple[int, Any]]], part: Any) -> Iterator[list[Mapping[str, Any]]]:
    """Yield the states of each architecture of a part."""
    for number, by_length in read(part):
        if not isinstance(by_length, dict):
            raise TableFormatError(f"the record of architecture number {number} is none of NATS-Bench.")
        yield list(by_length.values())


def _read(path: Path) -> Any:
    with _opened(path) as file:
        return read_pickle(file, path)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    try:
        with bz2.open(path) as file:
            yield file
    except FileNotFoundError as error:
        raise TableFormatError(f"there is no file {path}. Give the path of a NATS-Bench folder or file.") from error
    except OSError as error:
        if isinstance(error, SurrogateNASError):
            raise
        raise TableFormatError(f"{path} cannot be read ({error.strerror or error}).") from error
