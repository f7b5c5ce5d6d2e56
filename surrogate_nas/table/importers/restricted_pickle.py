"""Read a pickle that may hold plain data and numpy's numbers, and nothing else: no code of it ever runs."""

from __future__ import annotations

import contextlib
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from surrogate_nas.errors import ForbiddenTypeError, TableFormatError

# What damaged bytes make an unpickler, or what unpacks its file, raise.
DAMAGE = (
    pickle.UnpicklingError,
    EOFError,
    OSError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    MemoryError,
    RuntimeError,
    SystemError,
    zipfile.BadZipFile,
    OverflowError,
)


class NumberType:
    """A type of numbers as a pickle describes it: first a name, then a state that says the order of the bytes.

    numpy's own type would take a damaged state, and crash the process.
    """

    def __init__(self, name: str, align: int = 0, copy: int = 0) -> None:
        if not isinstance(name, str) or align not in (0, 1) or copy not in (0, 1):
            raise pickle.UnpicklingError(f"a type of numbers is described by {name!r}, {align!r}, {copy!r}")
        self.dtype = np.dtype(name)

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) < 2 or state[1] not in ("<", ">", "|", "="):
            raise pickle.UnpicklingError(f"a type of numbers has the state {state!r}")
        self.dtype = self.dtype.newbyteorder(state[1])


def number(kind: np.dtype[Any] | NumberType, data: bytes) -> float | int:
    """Return the Python number that a pickled numpy scalar holds.

    Raises:
        ForbiddenTypeError: it is no number; a scalar of Python objects could hold anything.
    """
    dtype = kind.dtype if isinstance(kind, NumberType) else kind
    if not isinstance(dtype, np.dtype) or dtype.kind not in "biuf" or not isinstance(data, bytes):
        raise ForbiddenTypeError(f"a numpy scalar of {dtype!r} is no number.")
    value: float | int = np.frombuffer(data, dtype, count=1)[0].item()
    return value


# numpy renamed its private modules with version 2; files name either.
ADMITTED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("numpy", "dtype"): NumberType,
    ("numpy.core.multiarray", "scalar"): number,
    ("numpy._core.multiarray", "scalar"): number,
}


def admit(module: str, name: str) -> Any:
    """Return what a pickle names.

    Raises:
        ForbiddenTypeError: it is not in ``ADMITTED``.
    """
    if (module, name) not in ADMITTED:
        raise ForbiddenTypeError(
            f"it names {module}.{name}, which no such file holds; nothing of it was run. "
            f"Allowed are {', '.join('.'.join(known) for known in ADMITTED)}. Take the file from its authors again."
        )
    return ADMITTED[module, name]


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        return admit(module, name)


class _SparseUnpickler(pickle._Unpickler):
    """Python's own: the fast one allots every place of the memo up to the last, and a slice has few of them."""

    def find_class(self, module: str, name: str) -> Any:
        return admit(module, name)


def load_slice(content: IO[bytes]) -> Any:
    """Return what a part of a large pickle of plain data holds.

    Raises:
        ForbiddenTypeError: it names a type or function that is not in ``ADMITTED``; nothing of it was run.
    """
    return _SparseUnpickler(content).load()


@contextlib.contextmanager
def told(path: Path, kind: str = "its kind") -> Iterator[None]:
    """Say of which file an error is, and of what kind the file should be."""
    try:
        yield
    except ForbiddenTypeError as error:
        raise ForbiddenTypeError(f"{path} is refused: {error}") from error
    except DAMAGE as error:
        reason = str(error).split("\n", maxsplit=1)[0] or "it ends too early"
        if not isinstance(error, TableFormatError):  # whose words are ours, and enough
            reason = f"{type(error).__name__}: {reason}"
        raise TableFormatError(
            f"{path} is no whole file of {kind} ({reason}). Take it from its authors again."
        ) from error


def read_pickle(file: IO[bytes], path: Path) -> Any:
    """Return what a pickle of plain data holds.

    Args:
        file: the open pickle; the caller decompresses.
        path: what the messages call it.

    Raises:
        ForbiddenTypeError: it names a type or function that is not in ``ADMITTED``; nothing of the file was run.
        TableFormatError: it is empty, truncated or damaged.
    """
    with told(path):
        value = _Unpickler(file).load()
        if file.read(1):  # also meets what a truncated archive lacks after the pickle
            raise pickle.UnpicklingError("it goes on after its end")
    return value
