"""A file of any size in the form of NAS-Bench-201's, made from the trainings of a few official architectures.

The real one has 4.7 GB, and ``torch.save`` would take many times more memory to write such a file. So it writes one
with a few records, stated by the package's own classes, and every architecture gets a copy of one of them, with its own
number and text, with invented numbers of epochs, and with places in the pickle's memo that go on counting.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

FIRST = 300  # number of the first of the few: of two bytes, as all others are written
FEWEST = 256  # texts that fill the places of one byte in the memo, so that records have none
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
    rng = np.random.default_rng(seed)
    few = {FIRST + at: _renamed(record, FIRST + at, texts[FIRST + at]) for at, record in enumerate(records)}
    stream = io.BytesIO()
    content = {"meta_archs": list(texts), "total_archs": len(texts), "arch2infos": few, "evaluated_indexes": {*few}}
    torch.save(content, stream, _use_new_zipfile_serialization=False)
    before, templates, after = _dissected(stream.getvalue(), texts)
    first_text = int(templates[0].data[templates[0].texts[0] :][:4].view("<u4")[0]) - FIRST
    shift = 0
    with path.open("wb") as file:
        file.write(before)
        for number in range(len(texts)):
            if number and number % BATCH == 0:
                file.write(b"u(")
            template = templates[number % len(templates)]
            data = template.data.copy()
            _put(data, template.numbers, np.array([number], "<u2"))
            _put(data, template.texts, np.array([first_text + number], "<u4"))
            _put(data, template.places, _of_four_bytes(data, template.places) + np.uint32(shift))
            _put(data, template.values, (rng.random(len(template.values)) * 100).astype(">f8"))
            file.write(data.tobytes())
            if template is templates[-1]:
                shift += sum(each.written for each in templates)
        file.write(after)


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


def _dissected(data: bytes, texts: Sequence[str]) -> tuple[bytes, list[Template], bytes]:
    """Return what comes before the records of a file, the records, and what comes after them."""
    stream = io.BytesIO(data)
    for _ in range(3):  # the first three pickles tell the form of the container
        pickle.load(stream)
    start = stream.tell()
    steps = [(code.name, value, start + at) for code, value, at in pickletools.genops(data[start:])]
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
    written = {value for name, value, _ in steps if name == "LONG_BINPUT"}
    assert not any(name == "BINPUT" for name, _, _ in steps)
    plain = [(name, value, at) for name, value, at in steps if name != "LONG_BINPUT"]
    values = [
        at + 1 - start
        for (kind, key, _), (name, _, at) in pairwise(plain)
        if name == "BINFLOAT" and (kind == "BININT1" or (kind == "BINUNICODE" and "@" in key))
    ]
    return Template(
        np.frombuffer(data[start:end], np.uint8),
        np.array([at + 1 - start for name, value, at in steps if name == "BININT2" and value == number]),
        np.array([at + 1 - start for name, value, at in steps if name == "LONG_BINGET" and value == text]),
        np.array([at + 1 - start for name, value, at in steps if "LONG" in name and value in written]),
        np.array(values),
        len(written),
    )


def _of_four_bytes(data: NDArray[np.uint8], positions: NDArray[np.int64]) -> NDArray[np.uint32]:
    return data[positions[:, None] + np.arange(4)].view("<u4")[:, 0]


def _put(data: NDArray[np.uint8], positions: NDArray[np.int64], values: NDArray[Any]) -> None:
    """Write the bytes of one value, or of each its own, at every position."""
    data[positions[:, None] + np.arange(values.itemsize)] = values.view(np.uint8).reshape(-1, values.itemsize)
