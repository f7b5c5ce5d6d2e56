"""NAS-Bench-201 (Dong and Yang, ICLR 2020): the official ``NAS-Bench-201-v1_1-096897.pth`` and its ``v1_0``."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.dtypes import Float32DType, Float64DType, Int64DType

from surrogate_nas.errors import ForbiddenTypeError, TableFormatError
from surrogate_nas.space import NB201
from surrogate_nas.table.curves import CurveWriter
from surrogate_nas.table.importers.official import table_of
from surrogate_nas.table.importers.restricted_pickle import DAMAGE, number
from surrogate_nas.table.table import Table

LENGTHS = ("less", "full")  # official keys of the 12- and 200-epoch trainings
# What the file may name beyond plain data: numpy's numbers, under the names of numpy before and after version 2.
ADMITTED: list[Any] = [
    np.dtype,
    Float32DType,
    Float64DType,
    Int64DType,
    (number, "numpy.core.multiarray.scalar"),
    (number, "numpy._core.multiarray.scalar"),
]
PROVENANCE = {
    "source": "NAS-Bench-201, https://github.com/D-X-Y/NAS-Bench-201",
    "licence": "MIT",
    "citation": "X. Dong, Y. Yang: NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search, "
    "ICLR 2020.",
}


def import_official(path: Path, name: str, curves: CurveWriter) -> Table:
    """Return the table of an official file.

    PyTorch reads the file as a whole, and in safe mode slowly: an architecture with its whole curves takes about 70 ms
    and 360 kB. Records are let go as they are taken over, so nothing is held twice.

    Raises:
        ForbiddenTypeError: the file names a type that none of NAS-Bench-201 holds; nothing of it was run.
        TableFormatError: it is missing, damaged, or no file of NAS-Bench-201.
    """
    content = _load(path)
    try:
        texts, infos = list(content["meta_archs"]), dict(content["arch2infos"])
        del content
        indices = sorted(infos, key=lambda index: texts[index])
    except (TypeError, KeyError, ValueError, IndexError) as error:
        raise TableFormatError(
            f"{path} lacks 'meta_archs' and 'arch2infos', which tell the architectures and their results; "
            "it is no file of NAS-Bench-201."
        ) from error
    if not indices:
        raise TableFormatError(f"{path} holds no architecture.")
    provenance = {**PROVENANCE, "version": _version(path)}
    return table_of(name, NB201.parse(texts)[indices], _records(infos, indices), provenance, curves)


def _records(infos: dict[int, Any], indices: list[int]) -> Iterator[tuple[int, list[Mapping[str, Any]]]]:
    for row, index in enumerate(indices):
        by_length = infos.pop(index)
        if not isinstance(by_length, dict) or not by_length.keys() >= {*LENGTHS}:
            raise TableFormatError(f"the record of architecture number {index} lacks {' or '.join(LENGTHS)}.")
        yield row, [by_length[length] for length in LENGTHS]


def _version(path: Path) -> str:
    """Return v1_0 or v1_1, which only the official name of the file tells."""
    match = re.search(r"v1_[01]", path.name)
    return match.group() if match else "unknown"


def _load(path: Path) -> Any:
    if not path.is_file():
        raise TableFormatError(f"there is no file {path}.")
    try:
        with torch.serialization.safe_globals(ADMITTED):
            return torch.load(path, map_location="cpu", weights_only=True)
    except ForbiddenTypeError as error:
        raise ForbiddenTypeError(f"{path} is refused: {error}") from error
    except (*DAMAGE, RuntimeError, zipfile.BadZipFile) as error:
        forbidden = re.search(r"GLOBAL (\w[\w.]*)", str(error))
        if forbidden:
            named = forbidden.group(1)
            full = named if "." in named else f"builtins.{named}"  # which PyTorch leaves out
            raise ForbiddenTypeError(
                f"{path} is refused: it names {full}, which no file of NAS-Bench-201 holds; nothing of "
                "it was run. Take the file from its authors again."
            ) from error
        reason = str(error).split("\n", maxsplit=1)[0] or "it ends too early"
        raise TableFormatError(
            f"{path} is no whole file of PyTorch ({type(error).__name__}: {reason}). Take it from its authors again."
        ) from error
