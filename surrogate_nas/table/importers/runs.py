"""Runs of numbers in a pickle of protocol 2, recognised and read as arrays, without unpickling them.

A run is entries of a dictionary: small whole numbers, or texts that end in "@" and digits, and their numbers. Nearly
all of NAS-Bench-201's file is such runs, and most look like an earlier one but for their numbers and for the places of
their texts in the pickle's memo. So each form of a run is learned once and then compared with, all bytes at once.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.errors import TableFormatError
from surrogate_nas.table.importers.repetition import repeated

KEY_LENGTHS = range(4, 33)  # bytes of a text such as "x-valid@199" in a run
_NUMBERED = repeated(rb"K.G.{8}", b"{4,}")
_NAMED = b"|".join(
    repeated(rb"X%b\0\0\0.{%d}(?:@\d\d\d|.@\d\d|..@\d)r.{4}G.{8}" % (re.escape(bytes([size])), size - 4))
    for size in KEY_LENGTHS
)
RUN = rb"(?:%b|%b)" % (_NUMBERED, repeated(_NAMED))
AGAIN = repeated(rb"j.{4}G.{8}", b"{2,}")  # a run whose texts are those of earlier ones, by their places in the memo
_ANY = re.compile(rb"%b|%b" % (RUN, AGAIN), re.DOTALL)
_UNIFORM = re.compile(rb"%b|%b|%b" % (_NUMBERED, _NAMED, AGAIN), re.DOTALL)  # whose entries have one layout
FOLLOWING = (b"K", b"X", b"j")  # what a run that goes on has next
NUMBER = 9  # bytes of a number with its opcode, with which every run ends
MOST_FORMS = 200  # that are remembered; the official files have 14, a forged one could have any number


class RunForm(NamedTuple):
    """What runs have in common that differ only in their numbers and in the places of their texts in the memo.

    Attributes:
        start: the bytes that they begin with.
        mask: (bytes,) 255 where all have the same byte, and 0 elsewhere.
        same: those bytes, and 0 elsewhere.
        values: (n, 8) where the bytes of the n numbers lie.
        places: (m, 4) where those of the places lie; m is n, or 0 if the keys are whole numbers.
        order: (m,) 0 to m - 1.
        keys: the n keys; None if they are known by their places only.
    """

    start: bytes
    mask: NDArray[np.uint8]
    same: bytes
    values: NDArray[np.int64]
    places: NDArray[np.int64]
    order: NDArray[np.uint32]
    keys: Sequence[Any] | None

    def fits(self, buffer: bytes, at: int) -> bool:
        """Return whether a run of this form lies in a buffer."""
        length = len(self.same)
        if buffer[at + length - NUMBER : at + length - NUMBER + 1] != b"G" or not buffer.startswith(self.start, at):
            return False  # in most cases, and quickly
        if len(buffer) - at < length:
            return False
        return bool((np.frombuffer(buffer, np.uint8, length, at) & self.mask).tobytes() == self.same)


class Run(NamedTuple):
    """A run: n entries of a dictionary.

    Attributes:
        keys: the n keys; None if they are known by their places only.
        places: of the keys in the memo; a range if they follow each other, none if the keys are whole numbers.
        values: (n,) the numbers.
    """

    keys: Sequence[Any] | None
    places: Sequence[int]
    values: NDArray[np.float64]


class RunForms:
    """The forms of runs that were met."""

    def __init__(self) -> None:
        self._forms: dict[bytes, list[RunForm]] = {}  # longest first, by how they begin
        self._room = MOST_FORMS
        self._found: tuple[bytes, RunForm] | None = None

    def find(self, buffer: bytes, at: int) -> bytes:
        """Return the run of a known form that lies in a buffer; nothing if none does, or one that goes on."""
        for form in self._forms.get(_begin(buffer, at), ()):
            end = at + len(form.same)
            if form.fits(buffer, at) and buffer[end : end + 1] not in FOLLOWING:
                self._found = buffer[at:end], form
                return self._found[0]
        return b""

    def places(self, run: bytes) -> Sequence[int]:
        """Return the places of a run's keys in the memo, as ``Run`` has them."""
        return _places(run, self._form(run))

    def runs(self, content: bytes) -> Iterator[Run]:
        """Yield the runs that follow each other in some bytes, which hold nothing else.

        Raises:
            TableFormatError: they hold something else.
        """
        at = 0
        while at < len(content):
            run = self.find(content, at)
            if not run:
                match = _ANY.match(content, at)
                if match is None:
                    raise TableFormatError("its numbers have changed while it was read")
                run = match.group()
            form = self._form(run)
            data = np.frombuffer(run, np.uint8)
            yield Run(form.keys, _places(run, form), data[form.values].view(">f8")[:, 0].astype(np.float64))
            at += len(run)

    def _form(self, run: bytes) -> RunForm:
        """Return the form of a run, which is learned if it is new."""
        if self._found is not None and self._found[0] is run:
            return self._found[1]
        forms = self._forms.setdefault(_begin(run, 0), [])
        for form in forms:
            if len(form.same) == len(run) and form.fits(run, 0):
                return form
        form = _form_of(run)
        if self._room:
            self._room -= 1
            forms.append(form)
            forms.sort(key=lambda form: -len(form.same))
        return form


def _begin(buffer: bytes, at: int) -> bytes:
    """Return what tells forms of runs apart at once: the first two bytes, of which the second may be a place's."""
    return b"j" if buffer[at] == ord("j") else buffer[at : at + 2]


def _form_of(run: bytes) -> RunForm:
    """Return the form of a run."""
    keys: list[Any] = []
    values, places = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for match in _UNIFORM.finditer(run):
        part = match.group()
        layout = _layout(part[0], part[1] if part[0] == ord("X") else 0)
        entries = np.frombuffer(part, layout)
        begins = match.start() + np.arange(len(entries)) * layout.itemsize
        fields: Mapping[str, Any] = layout.fields or {}
        values.append(begins + fields["value"][1])
        if "place" in fields:
            places.append(begins + fields["place"][1])
        if "key" in fields:
            keys += entries["key"].tolist()
    bytes_of_values = np.concatenate(values)[:, None] + np.arange(8)
    bytes_of_places = np.concatenate(places)[:, None] + np.arange(4)
    mask = np.full(len(run), 255, np.uint8)
    mask[bytes_of_values] = 0
    mask[bytes_of_places] = 0
    same = (np.frombuffer(run, np.uint8) & mask).tobytes()
    order = np.arange(len(bytes_of_places), dtype=np.uint32)
    start = run[: int(np.argmin(mask))]
    return RunForm(start, mask, same, bytes_of_values, bytes_of_places, order, _keys(keys) if keys else None)


@lru_cache
def _layout(opcode: int, size: int) -> np.dtype[Any]:
    """Return the layout of an entry in a run whose keys have the opcode and, if they are texts, the size."""
    number = [("opcode of number", "u1"), ("value", ">f8")]
    if opcode == ord("K"):
        return np.dtype([("opcode", "u1"), ("key", "u1"), *number])
    place = [("opcode of place", "u1"), ("place", "<u4")]
    if opcode == ord("j"):
        return np.dtype([*place, *number])
    return np.dtype([("opcode and size", "V5"), ("key", f"S{size}"), *place, *number])


def _keys(keys: list[Any]) -> Sequence[Any]:
    """Return keys in the form in which those of equal runs compare quickly."""
    if keys == [*range(len(keys))]:
        return range(len(keys))
    return tuple(sys.intern(key.decode()) if isinstance(key, bytes) else key for key in keys)  # compared quickly


def _places(run: bytes, form: RunForm) -> Sequence[int]:
    if not len(form.places):
        return range(0)
    places = np.frombuffer(run, np.uint8)[form.places].view("<u4")[:, 0]
    first = places[0]
    if (form.order + first).tobytes() == places.tobytes():  # they follow each other
        return range(int(first), int(first) + len(places))
    every: list[int] = places.tolist()
    return every


class Numbers(Mapping[Any, float]):
    """The entries of runs that follow each other, as a dictionary.

    Args:
        keys: the n keys.
        values: (n,) their numbers.
    """

    def __init__(self, keys: Sequence[Any], values: NDArray[np.float64]) -> None:
        self._keys = keys
        self._values = values

    def at(self, keys: Sequence[Any]) -> NDArray[np.float64]:
        """Return the (m,) numbers of m keys, in their order; NaN for those that are not there."""
        if keys == self._keys:
            return self._values
        rows = _rows(self._keys, keys)
        return np.where(rows < 0, np.nan, self._values[rows])

    def __getitem__(self, key: Any) -> float:
        (row,) = _rows(self._keys, (key,)).tolist()
        if row < 0:
            raise KeyError(key)
        return float(self._values[row])

    def __iter__(self) -> Iterator[Any]:
        return iter(dict.fromkeys(self._keys))

    def __len__(self) -> int:
        return len({*self._keys})

    def __repr__(self) -> str:
        return repr(dict(self))


@lru_cache(1000)
def _rows(keys: Sequence[Any], wanted: Sequence[Any]) -> NDArray[np.int64]:
    """Return where each wanted key lies among the keys, at last if it is there twice; -1 where it does not."""
    row = {key: at for at, key in enumerate(keys)}
    return np.array([row.get(key, -1) for key in wanted], dtype=np.int64)
