"""The restricted unpickler lets plain data in, and nothing that could run."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surrogate_nas.errors import ForbiddenTypeError, TableFormatError
from surrogate_nas.table.importers.restricted_pickle import NumberType, read_pickle

PATH = Path("some.pickle")
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=9,
)


def read(data: bytes) -> Any:
    return read_pickle(io.BytesIO(data), PATH)


class Reduced:
    """Pickles as a call."""

    def __init__(self, *call: Any) -> None:
        self.call = call

    def __reduce__(self) -> Any:
        return self.call


@given(plain, st.integers(0, 5))
def test_plain_data_is_read_in_every_protocol(value: object, protocol: int) -> None:
    assert read(pickle.dumps(value, protocol)) == value


@pytest.mark.parametrize("value", [np.float64(0.1), np.float32(0.5), np.int64(-3), np.bool_(True)])
def test_numpy_s_numbers_become_python_s(value: np.generic) -> None:
    got = read(pickle.dumps(OrderedDict(x=value)))
    assert got == {"x": value.item()}
    assert type(got["x"]) is type(value.item())


def test_numbers_of_numpy_before_version_2_are_read() -> None:
    old = pickle.dumps(np.float64(2.5), 3).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert b"numpy.core" in old
    assert read(old) == 2.5


@pytest.mark.parametrize(
    ("call", "name"),
    [
        ((os.system, ("touch ran",)), "posix.system"),
        ((eval, ("open('ran', 'w')",)), "builtins.eval"),
        ((exec, ("open('ran', 'w')",)), "builtins.exec"),
        ((getattr, (os, "system")), "builtins.getattr"),
        ((np.load, ("ran",)), "numpy.load"),
        ((Path, ("ran",)), "pathlib"),
    ],
)
def test_code_is_refused_by_its_name_before_anything_runs(
    call: tuple[Any, ...], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if call[0] is getattr:
        call = (getattr, ("os", "system"))  # modules themselves cannot be pickled
    with pytest.raises(ForbiddenTypeError, match=rf"some\.pickle is refused: it names {name}"):
        read(pickle.dumps([1, Reduced(*call)]))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("order", ["<", ">"])
def test_numbers_of_either_order_of_bytes_are_read(order: str) -> None:
    assert read(pickle.dumps(np.array([2.5], f"{order}f8")[0])) == 2.5
    described = Reduced(np.float64(1).__reduce__()[0], (np.dtype(f"{order}i4"), b"\x01\x00\x00\x00"))
    assert read(pickle.dumps(described)) == {"<": 1, ">": 2**24}[order]


@pytest.mark.parametrize("state", [(3, "<", ("x", "y", 7), None, None, -1, -1, 0), (3, 7), 5])
def test_a_damaged_state_of_a_type_does_not_reach_numpy(state: object) -> None:
    dumped = pickle.dumps(Reduced(np.dtype, ("f8", False, True), state))
    with contextlib.suppress(TableFormatError):
        assert isinstance(read(dumped), NumberType)


def test_a_scalar_of_python_objects_is_no_number() -> None:
    scalar = np.float64(1).__reduce__()[0]
    with pytest.raises(ForbiddenTypeError, match="is no number"):
        read(pickle.dumps(Reduced(scalar, (np.dtype("O"), b"x" * 8))))


@pytest.mark.parametrize("at", range(0, 60, 7))
def test_every_truncation_is_damage(at: int) -> None:
    whole = pickle.dumps({"a": [1.5, "text"], "b": np.float64(3)})
    assert len(whole) > 60
    with pytest.raises(TableFormatError, match=r"some\.pickle is no whole file"):
        read(whole[:at])


def test_what_follows_the_end_is_damage() -> None:
    with pytest.raises(TableFormatError, match="goes on after its end"):
        read(pickle.dumps(1) + b"x")


@settings(max_examples=500)
@given(plain, st.integers(0, 5), st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=4))
def test_any_damage_of_a_pickle_is_read_or_refused(
    value: object, protocol: int, changes: list[tuple[int, int]]
) -> None:
    data = bytearray(pickle.dumps({"a": value, "b": np.float64(3)}, protocol))
    for place, byte in changes:
        data[place % len(data)] = byte
    with contextlib.suppress(TableFormatError, ForbiddenTypeError):  # anything else is a mistake of ours
        read(bytes(data))


@settings(max_examples=300)
@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(TableFormatError, ForbiddenTypeError):  # anything else is a mistake of ours
        read(data)
