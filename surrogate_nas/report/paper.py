"""Tables for a paper: the same rows as CSV, as Markdown and as LaTeX."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tabulate import tabulate

from surrogate_nas.record import write_aside, write_csv

Rows = Sequence[Mapping[str, Any]]


def markdown(rows: Rows) -> str:
    """Return rows of the same keys as a Markdown table; what a value holds is neither a new cell nor HTML."""
    safe = [{_plain(name): _plain(value) for name, value in row.items()} for row in rows]
    return tabulate(safe, headers="keys", tablefmt="github", disable_numparse=True)


def latex(rows: Rows) -> str:
    """Return rows of the same keys as a LaTeX table of package booktabs, its special characters escaped."""
    return tabulate([dict(row) for row in rows], headers="keys", tablefmt="latex_booktabs", disable_numparse=True)


def write_tables(folder: Path, tables: Mapping[str, Rows]) -> None:
    """Write each table as NAME.csv, NAME.md and NAME.tex into a folder, which is made if there is any."""
    for name, rows in tables.items():
        if rows:
            folder.mkdir(exist_ok=True)
            stem = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
            write_csv(folder / f"{stem}.csv", rows)
            write_aside(folder / f"{stem}.md", markdown(rows) + "\n")
            write_aside(folder / f"{stem}.tex", latex(rows) + "\n")


def spread(interval: Mapping[str, float | None], digits: int = 3) -> str:
    """Return a mean and its interval, such as 0.132 [0.101, 0.160]; nothing where there is none."""
    mean, low, high = (interval[name] for name in ("mean", "low", "high"))
    if mean is None:
        return ""
    return f"{mean:.{digits}f}" + ("" if low is None else f" [{low:.{digits}f}, {high:.{digits}f}]")


def _plain(value: Any) -> str:
    return str(value).replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
