"""What a section is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Section:
    """A section of a page.

    Attributes:
        name: of its template in this folder, and its anchor on the page.
        title: its heading.
        values: what the template inserts, as ``values``.
        tables: rows by name that are also wanted as CSV, Markdown and LaTeX; the template has them as ``tables``.
    """

    name: str
    title: str
    values: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Figure:
    """A number worth large type, with what it is and what to hold it against."""

    label: str
    value: str
    note: str = ""
