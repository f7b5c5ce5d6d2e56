"""Files of any size in the form of NAS-Bench-201's and NATS-Bench's, made from the trainings of a few architectures.

The real ones have gigabytes, and pickling such a file would take many times more memory. So one is pickled
with a few records, stated by the package's own classes, and every architecture gets a copy of one of them, with its own
number and text, with invented numbers of epochs, and with places in the pickle's memo that go on counting.
"""

from __future__ import annotations

import bz2
import io
import itertools
import pickle
import pickletools
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

FIRST = 300  # number of the first of the few: of two bytes, as all others are written
FEWEST = 256  # texts that fill the places of one byte in the memo, so that records have none
REMEMBERS = ("LONG_BINPUT", "MEMOIZE")
BATCH = 1000  # records that a pickler writes between a mark and its end


class Template(NamedTuple):
    """A pickled record, and where in it lies what differs between architectures.

    Attributes:
        data: (bytes,) key and record.
        numbers: (k,) where the two bytes of the architecture's number begin.
        texts: (k,) where the place of its text in the memo begins.
        places: (k,) where those places in the memo begin that the record itself writes.
        values: (k,) where the eight bytes of the numbers of epochs begin.
        written: how many places of the memo the record writes.
    """

    data: NDArray[np.uint8]
    numbers: NDArray[np.int64]
    texts: NDArray[np.int64]
    places: NDArray[np.int64]
    values: NDArray[np.int64]
    written: int


def write_official(path: Path, texts: Sequence[str], records: Sequence[Mapping[str, Any]], *, seed: int) -> None:
    """Write a file with a record for each text, in the container of 2020.

    Args:
        path: where to.
        texts: of the architectures, in the order of their numbers; more than ``FIRST``, and fewer than 65,536.
        records: official ones, ``{"less": state, "full": state}``, of which each architecture gets a copy.
        seed: of the invented numbers, which lie between 0 and 100.
    """
    stream = io.BytesIO()
    torch.save(_few(texts, records), stream, _use_new_zipfile_serialization=False)
    data = stream.getvalue()
    stream.seek(0)
    for _ in range(3):  # the first three pickles tell the form of the container
        pickle.load(stream)
    with path.open("wb") as file:
        for part in _copied(data, stream.tell(), texts, seed):
            file.write(part)


def write_single(path: Path, texts: Sequence[str], records: Sequence[Mapping[str, Any]], *, seed: int) -> None:
    """Write NATS-Bench's single file, as ``write_official``, from records ``{"12": state, "200": state}``."""
    data = _without_frames(pickle.dumps(_few(texts, records), protocol=4))
    with bz2.open(path, "wb", compresslevel=1) as file:
        file.write(data[:2])
        for part in _copied(data, 0, texts, seed):
            part = part.removeprefix(data[:2])
            file.write(b"\x95" + len(part).to_bytes(8, "little") + part)


def _few(texts: Sequence[str], records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the content of an official file of which only a few records are there."""
    few = {FIRST + at: _renamed(record, FIRST + at, texts[FIRST + at]) for at, record in enumerate(records)}
    return {"meta_archs": list(texts), "total_archs": len(texts), "arch2infos": few, "evaluated_indexes": {*few}}


def _without_frames(data: bytes) -> bytes:
    """Return a pickle whose parts are not announced."""
    frames = [at for code, _, at in pickletools.genops(data) if code.name == "FRAME"]
    return b"".join(
        data[start:end] for start, end in zip([0, *(at + 9 for at in frames)], [*frames, None], strict=True)
    )


def _copied(data: bytes, start: int, texts: Sequence[str], seed: int) -> Iterator[bytes]:
    """Yield the parts of a file that has a record for each text, made from one with a few."""
    rng = np.random.default_rng(seed)
    before, templates, after = _dissected(data, start, texts)
    first_text = int(templates[0].data[templates[0].texts[0] :][:4].view("<u4")[0]) - FIRST
    shift = 0
    yield before
    for number in range(len(texts)):
        template = templates[number % len(templates)]
        data_of_one = template.data.copy()
        _put(data_of_one, template.numbers, np.array([number], "<u2"))
        _put(data_of_one, template.texts, np.array([first_text + number], "<u4"))
        _put(data_of_one, template.places, _of_four_bytes(data_of_one, template.places) + np.uint32(shift))
        _put(data_of_one, template.values, (rng.random(len(template.values)) * 100).astype(">f8"))
        yield (b"u(" if number and number % BATCH == 0 else b"") + data_of_one.tobytes()
        if template is templates[-1]:
            shift += sum(each.written for each in templates)
    yield after


def _renamed(record: Mapping[str, Any], number: int, text: str) -> dict[str, Any]:
    """Return an official record as one of another architecture, whose text is the very object given."""
    return {
        length: {
            **state,
            "arch_index": number,
            "arch_str": text,
            "all_results": {
                key: {**run, "arch_config": {**run["arch_config"], "arch_str": text}}
                for key, run in state["all_results"].items()
            },
        }
        for length, state in record.items()
    }


def _dissected(data: bytes, start: int, texts: Sequence[str]) -> tuple[bytes, list[Template], bytes]:
    """Return what comes before the records of a file, the records, and what comes after them."""
    count = itertools.count()  # protocol 4 does not state the places in the memo
    steps = [
        (code.name, next(count) if code.name == "MEMOIZE" else value, start + at)
        for code, value, at in pickletools.genops(data[start:])
    ]
    named = next(at for at, (_, value, _) in enumerate(steps) if value == "arch2infos")
    mark = next(at for at in range(named, len(steps)) if steps[at][0] == "MARK")
    keys, depth, at = [], 0, mark
    while depth >= 0:
        at += 1
        name = steps[at][0]
        if depth == 0 and name == "BININT2":
            keys.append(at)
        depth += (name == "MARK") - (name in ("TUPLE", "SETITEMS", "APPENDS"))
    ends = [*keys[1:], at]
    places = {value: put for (_, value, _), (_, put, _) in pairwise(steps[:named])}
    return (
        data[: steps[keys[0]][2]],
        [
            _template(data, steps[key : end + 1], places[texts[steps[key][1]]])
            for key, end in zip(keys, ends, strict=True)
        ],
        data[steps[at][2] :],
    )


def _template(data: bytes, steps: Sequence[tuple[str, Any, int]], text: int) -> Template:
    """Return one record, whose text has that place in the memo; the last step belongs to what follows it."""
    start, end, number = steps[0][2], steps[-1][2], steps[0][1]
    steps = steps[:-1]
    written = {value for name, value, _ in steps if name in REMEMBERS}
    assert not any(name == "BINPUT" for name, _, _ in steps)
    plain = [(name, value, at) for name, value, at in steps if name not in REMEMBERS]
    values = [
        at + 1 - start
        for (kind, key, _), (name, _, at) in pairwise(plain)
        if name == "BINFLOAT" and (kind == "BININT1" or (kind in ("BINUNICODE", "SHORT_BINUNICODE") and "@" in key))
    ]
    return Template(
        np.frombuffer(data[start:end], np.uint8),
        np.array([at + 1 - start for name, value, at in steps if name == "BININT2" and value == number]),
        np.array([at + 1 - start for name, value, at in steps if name == "LONG_BINGET" and value == text]),
        np.array([at + 1 - start for name, value, at in steps if "LONG" in name and value in written], np.int64),
        np.array(values),
        len(written),
    )


def _of_four_bytes(data: NDArray[np.uint8], positions: NDArray[np.int64]) -> NDArray[np.uint32]:
    return data[positions[:, None] + np.arange(4)].view("<u4")[:, 0]


def _put(data: NDArray[np.uint8], positions: NDArray[np.int64], values: NDArray[Any]) -> None:
    """Write the bytes of one value, or of each its own, at every position."""
    data[positions[:, None] + np.arange(values.itemsize)] = values.view(np.uint8).reshape(-1, values.itemsize)
