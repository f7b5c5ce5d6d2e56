"""The outline of a large pickle: where the record of each architecture lies, and what of it is not numbers."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

from surrogate_nas.errors import TableFormatError
from surrogate_nas.table.importers.runs import RunForms
from surrogate_nas.table.importers.tokens import WITHOUT_WHOLE, Token, reads_and_depth, writes

RECORDS = b"arch2infos"  # official key of the dictionary whose entries are the architectures' records
LEFT_OUT = 1 << 40  # and more are keys that stand for runs: no other whole number of a record is as large
END: Token = ("end", 0, b"")  # of a file that ends too early


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


class Outline(NamedTuple):
    """A file without its records.

    Attributes:
        path: the file.
        load: returns what a slice of it holds.
        head: what comes before the records.
        items: where each lies, in the file's order.
        tail: what comes after them.
    """

    path: Path
    load: Callable[[IO[bytes]], Any]
    head: bytes
    items: list[Item]
    tail: bytes

    def slice(self, numbers: Iterable[int], file: IO[bytes]) -> bytes:
        """Return the file with only the items of some architectures, and those that they refer to.

        Args:
            numbers: of the architectures.
            file: the open file.
        """
        bodies = [_raw(file, item) if item.body is None else item.body for item in _with_owners(self.items, numbers)]
        return b"".join((self.head, *([b"(", *bodies, b"u"] if bodies else []), self.tail))


def outlined(tokens: Iterator[Token], forms: RunForms) -> tuple[bytes, list[Item], bytes] | None:
    """Return what comes before the records, the records, and what comes after; None if that refers to records.

    The records are the entries of the dictionary under ``RECORDS``, a key of the outermost one. ``torch.save`` writes
    them in batches, each between a mark and its end; their keys are whole numbers. A file in another order than the
    official one has no items: its records are then all in what comes before.

    Args:
        tokens: of the file.
        forms: of its runs.

    Raises:
        TableFormatError: a record has another form.
    """
    head, found = _head(tokens)
    if not found:
        return b"".join(head), [], b""
    items, following = _items(tokens, forms)
    tail = [following, *tokens]
    if items and any(place >= items[0].first for place in _read_before(tail, forms)):
        return None
    return b"".join(head), items, b"".join(raw for _, _, raw in tail)


def _head(tokens: Iterator[Token]) -> tuple[list[bytes], bool]:
    """Return the bytes up to the first batch of records, and whether there is one."""
    head: list[bytes] = []
    depth, named = 0, False
    for kind, _, raw in tokens:
        if kind == "mark" and depth == 1 and named:
            return head, True
        deeper = reads_and_depth(raw)[1] if kind == "plain" else (kind == "mark") - (kind == "close")
        depth = 0 if kind == "stop" else depth + deeper
        if depth == 1:
            if kind == "text":
                named = raw[5:] == RECORDS
            elif kind in ("whole", "run") or (kind == "plain" and not WITHOUT_WHOLE.fullmatch(raw)):
                named = False
        head.append(raw)
    return head, False


def _items(tokens: Iterator[Token], forms: RunForms) -> tuple[list[Item], Token]:
    """Return all records, and the token that follows the last batch."""
    items: list[Item] = []
    token = next(tokens, END)
    while True:
        if token[0] == "whole":
            item, token = _item(token, tokens, forms)
            items.append(item)
        elif token[0] == "close":
            token = next(tokens, END)
            if token[0] != "mark":
                return items, token
            token = next(tokens, END)
        else:
            raise TableFormatError(f"a key of its {RECORDS.decode()} is no whole number")


def _item(key: Token, tokens: Iterator[Token], forms: RunForms) -> tuple[Item, Token]:
    """Return one record, and the token that follows it: the next key, or the end of the batch."""
    body, reads, left_out = [key[2]], set[int](), list[range]()
    first, depth, closed = None, 0, False
    run_start = run_end = -1  # of the runs just before
    for token in tokens:
        kind, at, raw = token
        if kind == "plain":
            read, deeper = reads_and_depth(raw)
            reads |= read
            depth += deeper
            first = next(writes(raw), None) if first is None else first
        elif kind == "mark":
            depth += 1
        elif depth == 0 and kind in ("whole", "close"):
            break
        elif kind == "close":
            depth, closed = depth - 1, True
        elif kind == "long":  # so that no entry but ours stands for a run
            raise TableFormatError("a record holds a whole number of more than 32 bits; none of NAS-Bench-201's does")
        elif kind in ("run", "again"):
            places = forms.places(raw)
            if kind == "again" and not _within(places, left_out):
                reads.update(places)
            elif isinstance(places, range):  # others are no pickler's; they are unpickled like anything else
                if kind == "run":
                    _add(left_out, places)
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
    own = [place for place in reads if place >= first]
    shared = any(place in texts for texts in left_out for place in own)
    needs = frozenset(place for place in reads if place < first)
    return Item(number, key[1], token[1], None if shared else b"".join(body), first, needs), token


def _add(left_out: list[range], places: range) -> None:
    """Add places in the memo to those of earlier runs, together with the last ones if they follow them."""
    if left_out and left_out[-1].stop == places.start:
        places = range(left_out.pop().start, places.stop)
    left_out.append(places)


def _within(places: Sequence[int], left_out: list[range]) -> bool:
    return isinstance(places, range) and any(places[0] in texts and places[-1] in texts for texts in left_out)


def _stand_in(offset: int, length: int) -> bytes:
    return b"\x8a\x08%bJ%b" % ((LEFT_OUT + offset).to_bytes(8, "little"), length.to_bytes(4, "little"))


def _read_before(tokens: list[Token], forms: RunForms) -> set[int]:
    """Return the places in the memo that tokens read and do not write."""
    read, written = set[int](), set[int]()
    for kind, _, raw in tokens:
        if kind == "plain":
            read |= reads_and_depth(raw)[0]
            written.update(writes(raw))
        elif kind == "again":
            read.update(forms.places(raw))
    return read - written


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
