"""A pickle of protocol 2, cut into tokens: opcodes with what belongs to them, many at once, and nothing is built."""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Iterator
from typing import IO, Any, NamedTuple

from tqdm import tqdm

from surrogate_nas.errors import ForbiddenTypeError, TableFormatError
from surrogate_nas.table.importers.repetition import repeated
from surrogate_nas.table.importers.runs import AGAIN, FOLLOWING, RUN, RunForms

NAMES = (  # what the file of NAS-Bench-201 may name
    "collections.OrderedDict",
    "builtins.set",
    "numpy.dtype",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "_codecs.encode",  # how a pickle of protocol 2 writes bytes
)
OLD_NAMES = {"__builtin__": "builtins"}  # Python 2's, which protocol 2 keeps

CHUNK = 1 << 22
LONGEST = 1 << 16  # bytes that are always there to match a token, save for a text's; a longer run is cut in two

# The opcodes of protocol 2 (Python's module pickletools). Of texts and long numbers this is only the beginning.
# Most tokens are "plain": opcodes that name nothing. Such a token begins with one that is neither a whole number nor a
# mark nor a close, and ends before what could end a record, or be the key of one: a close before a number or another
# close, and a number that follows a mark or a close.
_VALUE = rb"[]N)}abR0\x85-\x89]|G.{8}"
_WHOLE = rb"K.|M..|J.{4}"
_MEMO = rb"q.|r.{4}|h.|j.{4}(?!G.{8}j.{4}G)"
_PLAIN = rb"(?:%b|%b)%b" % (
    *(_VALUE, _MEMO),
    repeated(rb"%b|%b|(?!(?:K.G.{8}){4})(?:%b)|\((?![KMJ])|[etu](?![KMJetu\x90(s.])" % (_VALUE, _MEMO, _WHOLE), b"*"),
)
TOKEN = re.compile(
    rb"(?P<run>%b)|(?P<again>%b)|(?P<plain>%b)"
    rb"|(?P<text>X.{4})|(?P<whole>%b)|(?P<long>\x8a.)"
    rb"|(?P<mark>\()|(?P<close>[etu\x90])|(?P<item>s)|(?P<name>c[^\n]{0,500}\n[^\n]{0,500}\n)|(?P<start>\x80.)|(?P<stop>\.)"
    # Those that PyTorch's safe mode does not read: passed only to name the type that a pickle smuggles.
    rb"|(?P<instance>i[^\n]{0,500}\n[^\n]{0,500}\n)|(?P<stacked>\x93)|(?P<extension>\x82.|\x83..|\x84.{4})"
    rb"|(?P<persistent>Q|P[^\n]{0,500}\n)|(?P<short>[\x8cUC].)|(?P<foreign>[\x81\x8f\x91\x92\x94dlo12]|\x95.{8}"
    rb"|[FILSVgp][^\n]{0,500}\n)" % (RUN, AGAIN, _PLAIN, _WHOLE),
    re.DOTALL,
)
WITHOUT_WHOLE = re.compile(repeated(rb"%b|%b" % (_VALUE, _MEMO)), re.DOTALL)
_READS = re.compile(repeated(rb"%b|%b|q.|r.{4}" % (_VALUE, _WHOLE), b"*") + rb"(h.|j.{4}|[(etu]|\Z)", re.DOTALL)
_WRITES = re.compile(repeated(rb"%b|%b|h.|j.{4}|[(etu]" % (_VALUE, _WHOLE)) + rb"|q(.)|r(.{4})", re.DOTALL)
_STARTS_OF_RUNS = b"".join(FOLLOWING)
WITH_LENGTH = ("text", "long", "short")
FORBIDDEN = ("name", "instance", "stacked", "extension", "persistent")
UNREAD = ("short", "foreign")
PROTOCOL = b"\x80\x02"

Token = tuple[str, int, bytes]  # kind, place in the file, bytes


class Place(NamedTuple):
    """Where the pickles lie in the file, and what comes around them in PyTorch's old container."""

    start: int
    end: float
    before: bytes = b""
    after: bytes = b""
    checksum: int | None = None


WHOLE = Place(0, math.inf)


def tokens(
    file: IO[bytes],
    place: Place,
    bar: tqdm[Any],
    pattern: re.Pattern[bytes] = TOKEN,
    forms: RunForms | None = None,
) -> Iterator[Token]:
    """Yield every token of the pickles.

    Args:
        file: the open file.
        place: of the pickles in it.
        bar: shows how much has been read.
        pattern: of a token; its named groups are the kinds.
        forms: of runs, which are recognised without the pattern; None for none.

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
        if forms is not None and buffer[at] in _STARTS_OF_RUNS and (raw := forms.find(buffer, at)):
            kind = "again" if raw[0] == ord("j") else "run"
        else:
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
            raw = buffer[at : at + length]
        yield kind, end - len(buffer) + at, raw
        at += len(raw)
    if place.checksum not in (None, checksum):
        raise TableFormatError("its checksum is another")


def admitted(tokens: Iterator[Token]) -> Iterator[Token]:
    """Yield the tokens that PyTorch's safe mode reads.

    Raises:
        ForbiddenTypeError: at the first type that is not admitted.
        TableFormatError: the pickle is of another protocol, or ends too early.
    """
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


def reads_and_depth(plain: bytes) -> tuple[set[int], int]:
    """Return the places in the memo that a plain token reads, and how many more marks than closes it has."""
    found: list[bytes] = _READS.findall(plain)
    depth = found.count(b"(") - found.count(b"e") - found.count(b"t") - found.count(b"u")
    return {int.from_bytes(part[1:], "little") for part in {*found} if len(part) > 1}, depth


def writes(plain: bytes) -> Iterator[int]:
    """Yield the places in the memo that a plain token writes."""
    return (int.from_bytes(low or place, "little") for low, place in _WRITES.findall(plain) if low or place)
