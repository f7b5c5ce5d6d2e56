"""NAS-Bench-201 (Dong and Yang, ICLR 2020): the official ``NAS-Bench-201-v1_1-096897.pth`` and its ``v1_0``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from surrogate_nas.errors import TableFormatError
from surrogate_nas.space import NB201
from surrogate_nas.table.curves import CurveWriter
from surrogate_nas.table.importers import slices
from surrogate_nas.table.importers.official import table_of
from surrogate_nas.table.importers.restricted_pickle import told
from surrogate_nas.table.importers.torch_file import TORCH
from surrogate_nas.table.table import Table

LENGTHS = ("less", "full")  # official keys of the 12- and 200-epoch trainings
KIND = "PyTorch"
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
    with told(path, KIND):
        outline = slices.cut(path, TORCH)
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
    population = NB201.parse(texts)[indices]
    sources = slices.divided(outline, whole, indices)
    return table_of(name, population, sources, _states, {**PROVENANCE, "version": _version(path)}, curves)


def _states(part: slices.Slice) -> Iterator[list[Mapping[str, Any]]]:
    """Yield the states of each architecture of a slice."""
    with told(part.path, KIND):
        for number, by_length in zip(part.numbers, part.records(), strict=True):
            if not isinstance(by_length, dict) or not by_length.keys() >= {*LENGTHS}:
                raise TableFormatError(f"the record of architecture number {number} lacks {' or '.join(LENGTHS)}")
            yield [by_length[length] for length in LENGTHS]


def _version(path: Path) -> str:
    """Return v1_0 or v1_1, which only the official name of the file tells."""
    match = re.search(r"v1_[01]", path.name)
    return match.group() if match else "unknown"
