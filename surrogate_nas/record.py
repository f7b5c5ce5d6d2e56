"""Results as plain data: a dictionary whose keys are also attributes."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np


class Record(dict[str, Any]):
    """A dictionary whose keys can be read as attributes; nested mappings become records too."""

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        for key, value in self.items():
            self[key] = _recorded(value)

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"no {name!r} among {', '.join(self)}") from None


def _recorded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return Record(value)
    if isinstance(value, list | tuple):
        return [_recorded(part) for part in value]
    return value.item() if isinstance(value, np.generic) else value


def write_aside(path: Path, text: str) -> None:
    """Write a text file beside its place and rename it, so that a kill leaves the old file or the new one."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    aside.write_text(text, encoding="utf-8")
    os.replace(aside, path)


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a mapping as indented JSON; a number that is not finite becomes null."""
    write_aside(path, json.dumps(_finite(value), indent=2, ensure_ascii=False) + "\n")


def write_csv(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows of the same keys as CSV with a header."""
    rows = list(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_aside(path, text.getvalue())


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
