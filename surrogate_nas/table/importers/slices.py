"""Read a large file of PyTorch a few architectures at a time, each slice with ``torch.load(weights_only=True)``.

PyTorch's safe mode reads a file as a whole, byte by byte: the official file of NAS-Bench-201 would take 20 minutes and
many gigabytes. Nearly all of it is numbers, as ``epoch: number`` and ``"x-valid@epoch": number``. So the file is
walked once, which builds nothing and refuses every type that is not admitted. The walk notes where each architecture's
record lies and what of it is not numbers. A slice is the same file with some of the records, in which one entry stands
for each run of numbers and tells where it lies; the numbers are put back when the record is used.
"""

from __future__ import annotations

import math
import pickle
import re
import struct
import zipfile
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import torch
from numpy.dtypes import Float32DType, Float64DType, Int64DType
from numpy.typing import NDArray
from tqdm import tqdm

from surrogate_nas.errors import ForbiddenTypeError, TableFormatError
from surrogate_nas.table.importers.restricted_pickle import number

RECORDS = b"arch2infos"  # official key of the dictionary whose entries are the architectures' records
# What the file may name beyond plain data: numpy's numbers, under the names of numpy before and after version 2.
ADMITTED: list[Any] = [
    np.dtype,
    Float32DType,
    Float64DType,
    Int64DType,
    (number, "numpy.core.multiarray.scalar"),
    (number, "numpy._core.multiarray.scalar"),
]
NAMES = (
    "collections.OrderedDict",
    "builtins.set",
    "numpy.dtype",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "_codecs.encode",  # how a pickle of protocol 2 writes bytes
)
OLD_NAMES = {"__builtin__": "builtins"}  # Python 2's, which protocol 2 keeps

AT_ONCE = 256  # architectures that are read together: about 30 MB, as their numbers stay in the file
LEFT_OUT = 1 << 40  # and more are keys that stand for a run: no other whole number of a record is as large
CHUNK = 1 << 22
LONGEST = 1 << 16  # bytes that are always there to match a token, save for a text's; a longer run is cut in two
KEY_LENGTHS = range(4, 33)  # bytes of a text such as "x-valid@199" in a run

# The opcodes of protocol 2 (Python's module pickletools). Of texts and long numbers this is only the beginning. A run
# is entries of a dictionary: small whole numbers, or texts that end in "@" and digits, and their numbers; of one that
# comes again, the texts are those of earlier ones.
PLAIN = rb"[]N)}abR0\x85-\x89]|G.{8}"
AGAIN = rb"(?:j.{4}G.{8})++"
RUN = rb"(?:K.G.{8}){4,}+|%b" % b"|".join(
    rb"(?:X%b\0\0\0.{%d}(?:@\d\d\d|.@\d\d|..@\d)r.{4}G.{8})++" % (re.escape(bytes([size])), size - 4)
    for size in KEY_LENGTHS
)
RUNS = re.compile(RUN + rb"|" + AGAIN, re.DOTALL)
TOKEN = re.compile(
    rb"(?P<run>%b)|(?P<again>%b)|(?P<plain>(?:%b|q.|r.{4}|h.|j.{4}(?!G))++)"
    rb"|(?P<text>X.{4})|(?P<whole>K.|M..|J.{4})|(?P<long>\x8a.)"
    rb"|(?P<mark>\()|(?P<close>[etu\x90])|(?P<item>s)|(?P<name>c[^\n]{0,500}\n[^\n]{0,500}\n)|(?P<start>\x80.)|(?P<stop>\.)"
    # Those that PyTorch's safe mode does not read: passed only to name the type that a pickle smuggles.
    rb"|(?P<instance>i[^\n]{0,500}\n[^\n]{0,500}\n)|(?P<stacked>\x93)|(?P<extension>\x82.|\x83..|\x84.{4})"
    rb"|(?P<persistent>Q|P[^\n]{0,500}\n)|(?P<short>[\x8cUC].)|(?P<foreign>[\x81\x8f\x91\x92\x94dlo12]|\x95.{8}"
    rb"|[FILSVgp][^\n]{0,500}\n)" % (RUN, AGAIN, PLAIN),
    re.DOTALL,
)
READS = re.compile(rb"(?:%b|q.|r.{4})++|h(.)|j(.{4})" % PLAIN, re.DOTALL)  # of the memo, in a plain token
WRITES = re.compile(rb"(?:%b|h.|j.{4})++|q(.)|r(.{4})" % PLAIN, re.DOTALL)
WITH_LENGTH = ("text", "long", "short")
FORBIDDEN = ("name", "instance", "stacked", "extension", "persistent")
UNREAD = ("short", "foreign")
PROTOCOL = b"\x80\x02"


class Item(NamedTuple):
    """The record of one architecture.

    Attributes:
        number: the architecture's official number.
        start, end: where key and record lie in the file.
        body: key and record as a pickle has them, an entry in place of each run of numbers; None if something else of
            the record refers to a text in a run.
        first: the first place of the pickle's memo that the record writes.
        needs: the places, written before it, that the record reads.
    """

    number: int
    start: int
    end: int
    body: bytes | None
    first: int
    needs: frozenset[int]


class Form(NamedTuple):
    """How a file is read.

    Attributes:
        place: returns where the pickles lie in a file.
        admitted: yields the tokens it is given, or raises at the first type that is not admitted.
        load: returns what a slice holds.
    """

    place: Callable[[Path], Place]
    admitted: Callable[[Iterator[Token]], Iterator[Token]]
    load: Callable[[IO[bytes]], Any]


class Outline(NamedTuple):
    """A file without its records: what comes before and after them, and where each lies, in the file's order."""

    path: Path
    form: Form
    head: bytes
    items: list[Item]
    tail: bytes


class Place(NamedTuple):
    """Where the pickles lie in the file, and what comes around them in PyTorch's old container."""

    start: int
    end: float
    before: bytes = b""
    after: bytes = b""
    checksum: int | None = None


WHOLE = Place(0, math.inf)


def cut(path: Path, form: Form | None = None) -> Outline:
    """Return the outline of a file.

    A file in another order than the official one has no items: its records are then all in the head.

    Args:
        path: the file.
        form: of the file; None for either of PyTorch's containers.

    Raises:
        ForbiddenTypeError: the file names a type that is not admitted; nothing of it was run.
        TableFormatError: it is truncated or damaged.
        OSError, BadZipFile: it cannot be read.
    """
    form = form or Form(_place, _admitted, _loaded)
    place = form.place(path)
    size = int(min(place.end, path.stat().st_size)) - place.start
    with path.open("rb") as file:
        with tqdm(total=size, unit="B", unit_scale=True, desc=f"reading {path.name}") as bar:
            parts = _cut(form.admitted(tokens(file, place, bar)))
        if parts is None:
            file.seek(place.start)
            parts = file.read(size), [], b""
    head, items, tail = parts
    return Outline(path, form, place.before + head, items, tail + place.after)


def read(outline: Outline, numbers: Iterable[int]) -> Any:
    """Return what the file holds, of its items only those of the numbers given and those that they refer to.

    Args:
        outline: of the file.
        numbers: of architectures.
    """
    chosen = _with_owners(outline.items, numbers)
    with outline.path.open("rb") as file:
        bodies = [_raw(file, item) if item.body is None else item.body for item in chosen]
    content = b"".join((outline.head, *([b"(", *bodies, b"u"] if bodies else []), outline.tail))
    return outline.form.load(BytesIO(content))


def records(outline: Outline, whole: Mapping[int, Any], numbers: Sequence[int]) -> Iterator[Any]:
    """Yield the record of each architecture, in the order of their numbers, a few of them in memory.

    Args:
        outline: of the file.
        whole: records that are none of its items.
        numbers: of the architectures.
    """
    with outline.path.open("rb") as file:
        for start in range(0, len(numbers), AT_ONCE):
            chosen = numbers[start : start + AT_ONCE]
            infos = whole | read(outline, [number for number in chosen if number not in whole])["arch2infos"]
            yield from (filled(infos[number], file) for number in chosen)


def filled(record: Any, file: IO[bytes]) -> Any:
    """Return a whole record with the numbers that ``read`` left in the file.

    Args:
        record: of one architecture.
        file: the open file.
    """
    texts: dict[int, str] = {}

    def fill(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        whole: dict[Any, Any] = {}
        for key, part in value.items():
            if type(key) is int and key >= LEFT_OUT:
                for numbers in _numbers(file, key - LEFT_OUT, part, texts):
                    whole.update(numbers)
            else:
                whole[key] = fill(part)
        return whole

    return fill(record)


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


Token = tuple[str, int, bytes]  # kind, place in the file, bytes
END: Token = ("end", 0, b"")  # of a file that ends too early


def tokens(file: IO[bytes], place: Place, bar: tqdm[Any], pattern: re.Pattern[bytes] = TOKEN) -> Iterator[Token]:
    """Yield every token of the pickles.

    Args:
        file: the open file.
        place: of the pickles in it.
        bar: shows how much has been read.
        pattern: of a token; its named groups are the kinds.

    Raises:
        TableFormatError: they are truncated or damaged.
    """
    buffer, at, end, checksum = b"", 0, place.start, 0  # the buffer ends at ``end`` in the file
    if place.start:
        file.seek(place.start)

    def more(needed: int) -> None:
        nonlocal buffer, at, end, checksum
        chunk = file.read(int(min(max(CHUNK, needed), place.end - end)))
        buffer, at, end, checksum = buffer[at:] + chunk, 0, end + len(chunk), zlib.crc32(chunk, checksum)
        bar.update(len(chunk))

    while True:
        if len(buffer) - at < LONGEST and end < place.end:
            more(CHUNK)
        if at == len(buffer):
            break
        match = pattern.match(buffer, at)
        if match is None:
            raise TableFormatError(f"its byte {end - len(buffer) + at} is none of a pickle's")
        kind, length = str(match.lastgroup), match.end() - at
        if kind in WITH_LENGTH:
            length += int.from_bytes(buffer[at + 1 : match.end()], "little")
            if length > len(buffer) - at:
                more(length)
                if length > len(buffer):
                    raise TableFormatError("it ends too early")
        yield kind, end - len(buffer) + at, buffer[at : at + length]
        at += length
    if place.checksum not in (None, checksum):
        raise TableFormatError("its checksum is another")


def _admitted(tokens: Iterator[Token]) -> Iterator[Token]:
    """Yield the tokens that PyTorch's safe mode reads, or raise at the first type that is not admitted."""
    texts, unread = [b"", b""], b""
    kind = "stop"
    for token in tokens:
        kind, _, raw = token
        if kind in ("text", "short"):
            texts = [texts[1], raw[5 if kind == "text" else 2 :]]
        elif kind in FORBIDDEN:
            name = _name(kind, raw, texts)
            if kind != "name" or name not in NAMES:
                raise ForbiddenTypeError(
                    f"it names {name}, which no file of NAS-Bench-201 holds; nothing of it was run. "
                    f"Allowed are {', '.join(NAMES)}. Take the file from its authors again."
                )
        elif kind in UNREAD or raw == b"\x90" or (kind == "start" and raw != PROTOCOL):
            unread = unread or raw
        yield token
    if unread:
        raise TableFormatError(f"it is of another pickle protocol than PyTorch's, 2 (opcode {unread[:2]!r})")
    if kind != "stop":
        raise TableFormatError("it ends too early")


def _name(kind: str, raw: bytes, texts: list[bytes]) -> str:
    if kind == "extension":
        return f"the extension {int.from_bytes(raw[1:], 'little')} of copyreg"
    if kind == "persistent":
        return "an object outside the pickle (a persistent id)"
    module, name = texts if kind == "stacked" else raw[1:-1].split(b"\n")
    module_text = module.decode("utf-8", "replace")
    return f"{OLD_NAMES.get(module_text, module_text)}.{name.decode('utf-8', 'replace')}"


def _cut(tokens: Iterator[Token]) -> tuple[bytes, list[Item], bytes] | None:
    """Return what comes before the records, the records, and what comes after; None if that refers to records.

    The records are the entries of the dictionary under ``RECORDS``, a key of the outermost one. ``torch.save`` writes
    them in batches, each between a mark and its end; their keys are whole numbers.
    """
    head, found = _head(tokens)
    if not found:
        return b"".join(head), [], b""
    items, following = _items(tokens)
    tail = [following, *tokens]
    if items and any(place >= items[0].first for place in _read_before(tail)):
        return None
    return b"".join(head), items, b"".join(raw for _, _, raw in tail)


def _head(tokens: Iterator[Token]) -> tuple[list[bytes], bool]:
    """Return the bytes up to the first batch of records, and whether there is one."""
    head: list[bytes] = []
    depth, named = 0, False
    for kind, _, raw in tokens:
        if kind == "mark" and depth == 1 and named:
            return head, True
        depth = 0 if kind == "stop" else depth + (kind == "mark") - (kind == "close")
        if depth == 1 and kind in ("text", "whole", "run"):
            named = raw[5:] == RECORDS
        head.append(raw)
    return head, False


def _items(tokens: Iterator[Token]) -> tuple[list[Item], Token]:
    """Return all records, and the token that follows the last batch."""
    items: list[Item] = []
    token = next(tokens, END)
    while True:
        if token[0] == "whole":
            item, token = _item(token, tokens)
            items.append(item)
        elif token[0] == "close":
            token = next(tokens, END)
            if token[0] != "mark":
                return items, token
            token = next(tokens, END)
        else:
            raise TableFormatError(f"a key of its {RECORDS.decode()} is no whole number")


def _item(key: Token, tokens: Iterator[Token]) -> tuple[Item, Token]:
    """Return one record, and the token that follows it: the next key, or the end of the batch."""
    body, reads, left_out = [key[2]], set[int](), set[int]()
    first, depth, closed = None, 0, False
    run_start = run_end = -1  # of the runs just before
    for token in tokens:
        kind, at, raw = token
        if kind == "plain":
            reads.update(_memo(READS, raw))
            first = next(_memo(WRITES, raw), None) if first is None else first
        elif kind == "mark":
            depth += 1
        elif depth == 0 and kind in ("whole", "close"):
            break
        elif kind == "close":
            depth, closed = depth - 1, True
        elif kind == "long":  # so that no entry but ours stands for a run
            raise TableFormatError("a record holds a whole number of more than 32 bits; none of NAS-Bench-201's does")
        elif kind in ("run", "again"):
            places = _places(raw)
            if kind == "again" and not left_out.issuperset(places):
                reads.update(places)
            else:
                left_out.update(places)
                if at == run_end:  # one entry stands for all runs that follow each other
                    body.pop()
                else:
                    run_start = at
                run_end = at + len(raw)
                raw = _stand_in(run_start, run_end - run_start)
        body.append(raw)
    else:
        raise TableFormatError("it ends too early")
    if first is None or not closed:  # whose end could not be told from an entry's
        raise TableFormatError("a record has fewer than two entries; those of NAS-Bench-201 have 'less' and 'full'")
    number = int.from_bytes(key[2][1:], "little", signed=key[2][:1] == b"J")
    shortened = b"".join(body) if left_out.isdisjoint(reads) else None
    needs = frozenset(place for place in reads if place < first)
    return Item(number, key[1], token[1], shortened, first, needs), token


def _memo(pattern: re.Pattern[bytes], plain: bytes) -> Iterator[int]:
    """Yield the places in the memo that a plain token reads, or writes."""
    return (int.from_bytes(low or place, "little") for low, place in pattern.findall(plain) if low or place)


def _read_before(tokens: list[Token]) -> set[int]:
    """Return the places in the memo that tokens read and do not write."""
    plain = [raw for kind, _, raw in tokens if kind == "plain"]
    again = [raw for kind, _, raw in tokens if kind == "again"]
    read = {place for raw in plain for place in _memo(READS, raw)} | {place for raw in again for place in _places(raw)}
    return read - {place for raw in plain for place in _memo(WRITES, raw)}


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


def _entries(run: bytes) -> NDArray[Any]:
    return np.frombuffer(run, _layout(run[0], run[1] if run[0] == ord("X") else 0))


def _places(run: bytes) -> list[int]:
    """Return the places in the memo of the texts in a run."""
    places: list[int] = [] if run[0] == ord("K") else _entries(run)["place"].tolist()
    return places


@lru_cache(1000)
def _texts(column: bytes, size: int) -> list[str]:
    return [column[at : at + size].decode() for at in range(0, len(column), size)]


def _stand_in(offset: int, length: int) -> bytes:
    return b"\x8a\x08%bJ%b" % ((LEFT_OUT + offset).to_bytes(8, "little"), length.to_bytes(4, "little"))


def _numbers(file: IO[bytes], offset: int, length: int, texts: dict[int, str]) -> Iterator[Iterable[Any]]:
    """Yield the entries of each of the runs that follow each other; their texts are added to those by place."""
    file.seek(offset)
    for match in RUNS.finditer(file.read(length)):
        run = match.group()
        entries = _entries(run)
        if run[0] == ord("j"):
            keys: Iterable[Any] = map(texts.__getitem__, entries["place"].tolist())
        elif run[0] == ord("K"):
            keys = entries["key"].tolist()
        else:
            column = entries["key"]
            keys = _texts(column.tobytes(), column.itemsize)
            texts.update(zip(entries["place"].tolist(), keys, strict=True))
        yield zip(keys, entries["value"].tolist(), strict=True)


def _with_owners(items: list[Item], numbers: Iterable[int]) -> list[Item]:
    """Return the items of some architectures, and those that they refer to, in the file's order.

    What is referred to comes as it lies in the file: the text of a run may be meant.
    """
    position = {item.number: at for at, item in enumerate(items)}
    chosen = {position[number] for number in numbers}
    starts = [item.first for item in items]
    needed = {place for at in chosen for place in items[at].needs}
    owners: set[int] = set()
    while needed:
        owner = bisect_right(starts, needed.pop()) - 1
        if owner >= 0 and owner not in owners:  # a negative one is the head
            owners.add(owner)
            needed |= items[owner].needs
    return [items[at]._replace(body=None) if at in owners else items[at] for at in sorted(chosen | owners)]


def _raw(file: IO[bytes], item: Item) -> bytes:
    file.seek(item.start)
    return file.read(item.end - item.start)
