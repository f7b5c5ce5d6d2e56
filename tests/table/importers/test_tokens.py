"""What a pickle names is told before anything of it runs, and other protocols are refused."""

from __future__ import annotations

import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from surrogate_nas.errors import ForbiddenTypeError, TableFormatError
from surrogate_nas.table.importers import slices
from surrogate_nas.table.importers.torch_file import TORCH
from tests.table.importers.test_slices import SHARED_CURVE, saved


class Call:
    """A crafted ``__reduce__``."""

    def __init__(self, *how: object) -> None:
        self.how = how

    def __reduce__(self) -> Any:
        return self.how


class State(Call):
    """An object that is built, and given a state."""


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def short(value: str) -> bytes:
    return b"\x8c" + bytes([len(value)]) + value.encode()


def dumped(value: object, protocol: int) -> bytes:
    return pickle.dumps(value, protocol)


# How a pickle can call a function: each returns one that runs ``os.system(command)``, or would.
SMUGGLERS: dict[str, tuple[Callable[[str], bytes], str]] = {
    "os.system": (lambda command: dumped(Call(os.system, (command,)), 2), "posix.system"),
    "protocol 0": (lambda command: dumped(Call(os.system, (command,)), 0), "posix.system"),
    "protocol 1": (lambda command: dumped({"a": [Call(os.system, (command,))]}, 1), "posix.system"),
    "protocol 5": (lambda command: dumped(Call(os.system, (command,)), 5), "posix.system"),
    "eval": (lambda command: dumped(Call(eval, (f"__import__('os').system({command!r})",)), 2), "builtins.eval"),
    "getattr": (lambda _: dumped(Call(getattr, (1, "real")), 2), "builtins.getattr"),
    "state": (lambda _: dumped(Call(Call, (), {"how": 1}), 2), "test_tokens.Call"),
    "stacked": (
        lambda command: b"\x80\x04" + short("posix") + short("system") + b"\x93" + short(command) + b"\x85R.",
        "posix.system",
    ),
    "stacked by protocol 2": (
        lambda command: b"\x80\x02" + text("posix") + text("system") + b"\x93" + text(command) + b"\x85R.",
        "posix.system",
    ),
    "instance": (lambda command: b"(" + text(command) + b"iposix\nsystem\n.", "posix.system"),
    "object": (lambda command: b"(cposix\nsystem\n" + text(command) + b"o.", "posix.system"),
    "new object": (lambda command: b"\x80\x02csubprocess\nPopen\n" + text(command) + b"\x85\x81.", "subprocess.Popen"),
    "extension": (lambda _: b"\x80\x02\x82\x07)R.", "extension 7 of copyreg"),
    "persistent text": (lambda _: b"Psome object\n.", "persistent id"),
    "persistent": (lambda _: b"\x80\x02" + text("some object") + b"Q.", "persistent id"),
    "storage": (
        lambda _: (
            dumped({"x": 1}, 2)[:-1]
            + b"("
            + text("storage")
            + b"ctorch\nFloatStorage\n"
            + text("0")
            + text("cpu")
            + b"K\1tQ."
        ),
        "torch.FloatStorage",
    ),
}


@pytest.mark.parametrize("how", SMUGGLERS)
@pytest.mark.parametrize("container", ["plain", "old", "zip", "record"])
def test_smuggled_code_is_named_and_not_run(how: str, container: str, tmp_path: Path) -> None:
    make, name = SMUGGLERS[how]
    ran = tmp_path / "ran"
    smuggler = make(f"touch {ran}")
    path = tmp_path / "bad.pth"
    magic = [torch.serialization.MAGIC_NUMBER, torch.serialization.PROTOCOL_VERSION, {"little_endian": True}]
    old = b"".join(pickle.dumps(value, 2) for value in magic)
    if container == "plain":
        path.write_bytes(smuggler)
    elif container == "old":
        path.write_bytes(old + smuggler + pickle.dumps([], 2))
    elif container == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", smuggler)
            archive.writestr("archive/version", "3\n")
    else:  # within the last of many records
        honest = saved(path, {number: {"full": dict(SHARED_CURVE)} for number in range(50)}).read_bytes()
        at = honest.rindex(b"uu")
        path.write_bytes(
            honest[:at] + text("more") + smuggler.removesuffix(b".").removeprefix(b"\x80\x02") + honest[at:]
        )
    with pytest.raises(ForbiddenTypeError, match=name):
        slices.read(slices.cut(path, TORCH), [])
    assert not ran.exists()


def test_the_smugglers_would_run_where_nobody_refuses(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    for how in ("os.system", "protocol 0", "protocol 5", "eval", "stacked", "instance", "object"):
        pickle.loads(SMUGGLERS[how][0](f"touch {ran}"))
        assert ran.exists(), how
        ran.unlink()


@pytest.mark.parametrize("protocol", [0, 3, 4, 5])
def test_another_protocol_than_pytorch_s_is_told(protocol: int, tmp_path: Path) -> None:
    torch.save({"a": [1.5, "b"]}, tmp_path / "new.pth", pickle_protocol=protocol)
    with pytest.raises(TableFormatError, match="another pickle protocol"):
        slices.cut(tmp_path / "new.pth", TORCH)
