"""A file of PyTorch read in slices holds what PyTorch reads of it as a whole."""

from __future__ import annotations

import os
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from surrogate_nas.errors import ForbiddenTypeError, TableFormatError
from surrogate_nas.table.importers import slices
from surrogate_nas.table.importers.outline import LEFT_OUT
from surrogate_nas.table.importers.runs import RunForms
from surrogate_nas.table.importers.torch_file import TORCH

numbers = st.floats(allow_nan=False) | st.integers(0, 2**31 - 1) | st.none()
epochs = st.sampled_from([1, 3, 5, 12, 130]).map(range)
by_number = epochs.map(lambda kept: {epoch: epoch / 7 for epoch in kept})
by_text = st.builds(
    lambda names, kept: {f"{name}@{epoch}": epoch / 3 for name in names for epoch in kept},
    st.lists(st.sampled_from(["x-valid", "ori-test", "é", "a much longer name than any other"]), unique=True),
    epochs,
)
others = st.dictionaries(st.text() | st.tuples(st.text(), st.integers(0, 999)), numbers | st.lists(numbers), max_size=4)
parts = st.recursive(
    by_number | by_text | others, lambda inner: st.dictionaries(st.text(max_size=2), inner), max_leaves=4
)
records = st.fixed_dictionaries({"less": parts, "full": parts})


def saved(path: Path, infos: Any, *, zipped: bool = False, **around: Any) -> Path:
    content = {"meta_archs": ["one", "two"], "arch2infos": infos, "evaluated_indexes": {1, 2}, **around}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    return path


def read(path: Path, chosen: list[int]) -> dict[int, Any]:
    """The records of some architectures, whole."""
    outline = slices.cut(path, TORCH)
    infos = slices.read(outline, [number for number in chosen if number in {item.number for item in outline.items}])
    with path.open("rb") as file:
        return {number: slices.filled(infos["arch2infos"][number], file, RunForms()) for number in chosen}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(infos=st.dictionaries(st.integers(0, 70000), records, min_size=2, max_size=5), zipped=st.booleans())
def test_any_records_come_back_as_they_were_saved(infos: dict[int, Any], zipped: bool, tmp_path: Path) -> None:
    path = saved(tmp_path / "any.pth", infos, zipped=zipped)
    chosen = [*infos][::2]
    assert repr(read(path, chosen)) == repr({number: infos[number] for number in chosen})  # also the order of keys


@pytest.mark.parametrize("count", [0, 1, 2, 999, 1000, 1001, 2001])  # a pickler's batches have 1,000
def test_any_number_of_records_is_found(count: int, tmp_path: Path) -> None:
    infos = {number: {"less": {0: 0.5, 1: number / 2}} for number in range(count)}
    path = saved(tmp_path / "some.pth", infos)
    assert read(path, [*infos]) == infos
    outline = slices.cut(path, TORCH)
    assert slices.read(outline, [])["evaluated_indexes"] == {1, 2}
    assert len(outline.items) + len(slices.read(outline, [])["arch2infos"]) == count


def test_numbers_stay_in_the_file_until_a_record_is_used(tmp_path: Path) -> None:
    infos = {number: {"full": {f"x-valid@{epoch}": epoch / 3 for epoch in range(200)}} for number in range(40)}
    path = saved(tmp_path / "long.pth", infos)
    outline = slices.cut(path, TORCH)
    bodies = [len(item.body or b"") for item in outline.items[2:]]  # the first ones are written differently
    assert max(bodies) < 200 < (outline.items[5].end - outline.items[5].start) / 20
    assert slices.read(outline, [5])["arch2infos"].keys() == {0, 5}  # the first has the text "full", shared by all


SHARED_CURVE = {f"x-valid@{epoch}": epoch / 3 for epoch in range(200)}
TEXT = "-".join("a text of some length")


@pytest.mark.parametrize(
    "infos",
    [
        {number: {"less": number, "full": SHARED_CURVE} for number in range(5)},
        {number: {"full": {key: number + value for key, value in SHARED_CURVE.items()}} for number in range(5)},
        {number: {"a": dict(SHARED_CURVE), "b": dict(SHARED_CURVE)} for number in range(5)},
        {
            number: {"a": dict.fromkeys([*SHARED_CURVE][number : number + 3], 0.5), "b": SHARED_CURVE}
            for number in range(5)
        },
        {
            number: {"text": TEXT, "list": [TEXT, [*SHARED_CURVE][3]], "curve": dict(SHARED_CURVE)}
            for number in range(5)
        },
        {number: OrderedDict(less=OrderedDict(SHARED_CURVE)) for number in range(5)},
        {
            number: {"number": np.float64(number), "curve": {epoch: np.float64(epoch) for epoch in range(9)}}
            for number in range(5)
        },
        OrderedDict((number, {"full": dict(SHARED_CURVE)}) for number in range(5)),
    ],
    ids=["dictionary", "texts", "twice", "some texts", "text and list", "ordered", "numpy", "ordered records"],
)
@pytest.mark.parametrize("zipped", [True, False])
def test_what_records_share_is_found(infos: dict[int, Any], zipped: bool, tmp_path: Path) -> None:
    path = saved(tmp_path / "shared.pth", infos, zipped=zipped)
    for chosen in ([4], [3, 1], [0, 1, 2, 3, 4]):
        assert read(path, chosen) == {number: infos[number] for number in chosen}


@pytest.mark.parametrize("zipped", [True, False])
def test_a_file_in_another_order_is_read_as_a_whole(zipped: bool, tmp_path: Path) -> None:
    texts = [f"architecture {number}" for number in range(300)]
    infos = {number: {"arch_str": text, "full": {0: 0.5, 1: 1.5}} for number, text in enumerate(texts)}
    path = tmp_path / "order.pth"
    torch.save({"arch2infos": infos, "meta_archs": texts}, path, _use_new_zipfile_serialization=zipped)
    outline = slices.cut(path, TORCH)
    assert outline.items == []
    assert slices.read(outline, []) == {"arch2infos": infos, "meta_archs": texts}


@pytest.mark.parametrize("content", [None, [1, 2], {}, {"arch2infos": 3}, {"x": "arch2infos"}, "arch2infos"])
def test_a_file_without_records_is_read_as_a_whole(content: object, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "other.pth")
    assert slices.read(slices.cut(tmp_path / "other.pth", TORCH), []) == content


def test_a_record_cannot_pretend_that_numbers_were_left_in_the_file(tmp_path: Path) -> None:
    infos = {number: {LEFT_OUT + 40: 20} for number in range(2)}
    with pytest.raises(TableFormatError, match="more than 32 bits"):
        slices.cut(saved(tmp_path / "forged.pth", infos), TORCH)


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
    "state": (lambda _: dumped(Call(Call, (), {"how": 1}), 2), "test_slices.Call"),
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
