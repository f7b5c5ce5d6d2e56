"""PyTorch's two containers: where the pickle lies in them, and what its safe mode may meet in NAS-Bench-201's."""

from __future__ import annotations

import pickle
import struct
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from numpy.dtypes import Float32DType, Float64DType, Int64DType

from surrogate_nas.errors import TableFormatError
from surrogate_nas.table.importers.restricted_pickle import number
from surrogate_nas.table.importers.slices import Form
from surrogate_nas.table.importers.tokens import Place, admitted

# What the file may name beyond plain data: numpy's numbers, under the names of numpy before and after version 2.
ADMITTED: list[Any] = [
    np.dtype,
    Float32DType,
    Float64DType,
    Int64DType,
    (number, "numpy.core.multiarray.scalar"),
    (number, "numpy._core.multiarray.scalar"),
]


def _loaded(content: IO[bytes]) -> Any:
    with torch.serialization.safe_globals(ADMITTED):
        return torch.load(content, map_location="cpu", weights_only=True)


def _place(path: Path) -> Place:
    with path.open("rb") as file:
        if file.read(2) != b"PK":
            return Place(0, file.seek(0, 2))
    with zipfile.ZipFile(path) as archive:
        found = [info for info in archive.infolist() if info.filename.split("/")[-1] == "data.pkl"]
    if len(found) != 1 or found[0].compress_type != zipfile.ZIP_STORED:
        raise TableFormatError(f"{path} is no file of PyTorch: it has not exactly one data.pkl that is not compressed.")
    with path.open("rb") as file:
        file.seek(found[0].header_offset)
        lengths = struct.unpack("<26x2H", file.read(30))  # of the name and of what comes after it
    start = found[0].header_offset + 30 + sum(lengths)
    before: tuple[Any, ...] = (torch.serialization.MAGIC_NUMBER, torch.serialization.PROTOCOL_VERSION, {})
    return Place(start, start + found[0].file_size, b"".join(map(_pickled, before)), _pickled([]), found[0].CRC)


def _pickled(value: Any) -> bytes:
    return pickle.dumps(value, protocol=2)


TORCH = Form(_place, admitted, _loaded)
