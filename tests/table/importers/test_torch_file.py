"""PyTorch's zip container is checked before it is read."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest

from surrogate_nas.errors import TableFormatError
from surrogate_nas.table.importers import slices
from surrogate_nas.table.importers.torch_file import TORCH
from tests.table.importers.test_slices import saved


def test_a_changed_byte_of_the_zip_container_is_found(tmp_path: Path) -> None:
    path = saved(tmp_path / "changed.pth", {number: {"less": {}, "full": {0: 0.5}} for number in range(9)}, zipped=True)
    data = bytearray(path.read_bytes())
    data[data.rindex(struct.pack(">d", 0.5))] ^= 1
    path.write_bytes(data)
    with pytest.raises(TableFormatError, match="checksum"):
        slices.cut(path, TORCH)


def test_a_zip_within_a_zip_is_no_file_of_pytorch(tmp_path: Path) -> None:
    saved(tmp_path / "inner.pth", {}, zipped=True)
    with zipfile.ZipFile(tmp_path / "outer.pth", "w") as archive:
        archive.write(tmp_path / "inner.pth", "archive/inner.pth")
    with pytest.raises(TableFormatError, match=r"not exactly one data\.pkl"):
        slices.cut(tmp_path / "outer.pth", TORCH)
