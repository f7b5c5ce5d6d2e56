"""Append-only files of JSON lines that survive a kill at any moment."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def append(journal: Path, record: Mapping[str, Any]) -> None:
    """Append one record as a line; when this returns, it is on the disk."""
    with journal.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")
        file.flush()
        os.fsync(file.fileno())


def read(journal: Path) -> list[dict[str, Any]]:
    """Return the records of a journal, none if there is no file; a last line that a kill cut off is removed."""
    if not journal.exists():
        return []
    drop_torn_line(journal)
    return [json.loads(line) for line in journal.read_bytes().splitlines()]


def drop_torn_line(journal: Path) -> None:
    """Remove what follows the last newline: a record whose writing was cut off, so that it never counted."""
    whole = journal.read_bytes()
    kept = whole.rfind(b"\n") + 1
    if kept < len(whole):
        os.truncate(journal, kept)
