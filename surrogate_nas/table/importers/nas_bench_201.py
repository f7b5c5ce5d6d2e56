"""NAS-Bench-201 (Dong and Yang, ICLR 2020): the official ``NAS-Bench-201-v1_1-096897.pth`` and its ``v1_0``."""

from __future__ import annotations

import contextlib
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from surrogate_nas.errors import ForbiddenTypeError, TableFormatError
from surrogate_nas.space import NB201
from surrogate_nas.table.curves import CurveWriter
from surrogate_nas.table.importers import slices
from surrogate_nas.table.importers.official import table_of
from surrogate_nas.table.importers.restricted_pickle import DAMAGE
from surrogate_nas.table.table import Table

LENGTHS = ("less", "full")  # official keys of the 12- and 200-epoch trainings
AT_ONCE = 256  # architectures that are read together: about 30 MB, as their numbers stay in the file
PROVENANCE = {
    "source": "NAS-Bench-201, https://github.com/D-X-Y/NAS-Bench-201",
    "licence": "MIT",
    "citation": "X. Dong, Y. Yang: NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search, "
    "ICLR 2020.",
}


def import_official(path: Path, name: str, curves: CurveWriter) -> Table:
    """Return the table of an official file.

    Raises:
        ForbiddenTypeError: the file names a type that none of NAS-Bench-201 holds; nothing of it was run.
        TableFormatError: it is missing, damaged, or no file of NAS-Bench-201.
    """
    if not path.is_file():
        raise TableFormatError(f"there is no file {path}.")
    with _told(path):
        outline = slices.cut(path)
        frame = slices.read(outline, [])
    try:
        texts, whole = list(frame["meta_archs"]), dict(frame["arch2infos"])
        numbers = {item.number for item in outline.items} | whole.keys()
        indices = sorted(numbers, key=lambda index: texts[index])
    except (TypeError, KeyError, ValueError, IndexError) as error:
        raise TableFormatError(
            f"{path} lacks 'meta_archs' and 'arch2infos', which tell the architectures and their results; "
            "it is no file of NAS-Bench-201."
        ) from error
    if not indices:
        raise TableFormatError(f"{path} holds no architecture.")
    provenance = {**PROVENANCE, "version": _version(path)}
    records = _records(outline, whole, indices)
    return table_of(name, NB201.parse(texts)[indices], records, provenance, curves)


def _records(
    outline: slices.Outline, whole: dict[int, Any], indices: list[int]
) -> Iterator[tuple[int, list[Mapping[str, Any]]]]:
    """Yield the row and the states of each architecture; they lie in the outline's items, or in ``whole``."""
    with outline.path.open("rb") as file:
        for start in range(0, len(indices), AT_ONCE):
            chosen = indices[start : start + AT_ONCE]
            with _told(outline.path):
                infos = whole | slices.read(outline, [index for index in chosen if index not in whole])["arch2infos"]
            for row, index in enumerate(chosen, start):
                by_length = infos[index]
                if not isinstance(by_length, dict) or not by_length.keys() >= {*LENGTHS}:
                    raise TableFormatError(f"the record of architecture number {index} lacks {' or '.join(LENGTHS)}.")
                with _told(outline.path):
                    by_length = slices.filled(by_length, file)
                yield row, [by_length[length] for length in LENGTHS]


def _version(path: Path) -> str:
    """Return v1_0 or v1_1, which only the official name of the file tells."""
    match = re.search(r"v1_[01]", path.name)
    return match.group() if match else "unknown"


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """Say of which file an error is."""
    try:
        yield
    except ForbiddenTypeError as error:
        raise ForbiddenTypeError(f"{path} is refused: {error}") from error
    except (*DAMAGE, RuntimeError, zipfile.BadZipFile) as error:
        reason = str(error).split("\n", maxsplit=1)[0] or "it ends too early"
        raise TableFormatError(
            f"{path} is no whole file of PyTorch ({type(error).__name__}: {reason}). Take it from its authors again."
        ) from error
