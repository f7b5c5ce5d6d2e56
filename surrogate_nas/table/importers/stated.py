"""Write a pickle of protocol 4 in the form of protocol 2 that ``slices`` reads, with every place in its memo stated.

Protocol 4 numbers what it remembers without saying so and cuts the file into frames, so that nothing of it can be read
alone. Nothing is built here, and nothing is left out.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import IO

import numpy as np
from tqdm import tqdm

from surrogate_nas.table.importers.repetition import repeated
from surrogate_nas.table.importers.restricted_pickle import admit
from surrogate_nas.table.importers.runs import KEY_LENGTHS
from surrogate_nas.table.importers.tokens import WHOLE, tokens

# The opcodes as in ``tokens``. A run is entries of a dictionary, texts of one length that are remembered and their
# numbers; what stays the same names no place, or names it in full.
_RUN = b"|".join(
    repeated(rb"\x8c%b.{%d}(?:@\d\d\d|.@\d\d|..@\d)\x94G.{8}" % (re.escape(bytes([size])), size - 4))
    for size in KEY_LENGTHS
)
_SAME = repeated(rb"K.|M..|J.{4}|G.{8}|[hq].|[jr].{4}|[]N)}abR0(etus.\x85-\x89\x8f\x90]")
TOKEN = re.compile(
    rb"(?P<run>%b)|(?P<same>%b)"
    rb"|(?P<short>\x8c.)|(?P<memo>\x94)|(?P<frame>\x95.{8})|(?P<stacked>\x93)"
    rb"|(?P<text>[XB].{4})|(?P<long>[C\x8aTU].)"
    rb"|(?P<other>\x80.|[\x81\x91\x92Qdlo12]|\x82.|\x83..|\x84.{4}|[ci][^\n]{0,500}\n[^\n]{0,500}\n|[FILSVgpP][^\n]{0,500}\n)"
    % (_RUN, _SAME),
    re.DOTALL,
)


def write_stated(source: IO[bytes], target: IO[bytes], path: Path) -> None:
    """Write a pickle with every place stated.

    Args:
        source: the pickle.
        target: where to.
        path: what the progress bar calls it.

    Raises:
        ForbiddenTypeError: it names a type that no such file holds.
        TableFormatError: it is truncated or damaged.
    """
    places, recent = 0, list[str]()  # texts just before
    with tqdm(unit="B", unit_scale=True, desc=f"unpacking {path.name}") as bar:
        for kind, _, raw in tokens(source, WHOLE, bar, TOKEN):
            match kind:
                case "frame":
                    continue
                case "memo":
                    target.write(b"r" + places.to_bytes(4, "little"))
                    places += 1
                    continue
                case "run":
                    target.write(_stated(raw, places))
                    places += len(raw) // (raw[1] + 12)
                case "short":
                    target.write(b"X" + (len(raw) - 2).to_bytes(4, "little") + raw[2:])
                    recent.append(raw[2:].decode("utf-8", "replace"))
                    continue
                case "stacked" if len(recent) > 1:
                    admit(*recent[-2:])
                    target.write(raw)
                case _:
                    target.write(raw)
            recent.clear()


def _stated(run: bytes, place: int) -> bytes:
    """Return a run whose texts have the places from the one given on."""
    size = run[1]
    entries = np.frombuffer(run, [("opcode and size", "V2"), ("key", f"V{size}"), ("memo", "V1"), ("number", "V9")])
    stated = np.empty(
        len(entries),
        [("opcode and size", "V5"), ("key", f"V{size}"), ("memo", "V1"), ("place", "<u4"), ("number", "V9")],
    )
    stated["opcode and size"] = b"X" + size.to_bytes(4, "little")
    stated["key"], stated["number"] = entries["key"], entries["number"]
    stated["memo"] = b"r"
    stated["place"] = np.arange(place, place + len(entries))
    return stated.tobytes()
