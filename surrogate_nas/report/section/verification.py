"""Verification: what cells reach when they are trained for real, beside what the table says."""

from __future__ import annotations

from typing import Any

import altair as alt

from surrogate_nas.record import Record
from surrogate_nas.report.cell import drawing
from surrogate_nas.report.chart import ACCENT, CONTRAST, SURFACE, focus, rounded, specification
from surrogate_nas.report.run import Run
from surrogate_nas.report.section.base import Section
from surrogate_nas.report.wording import split_name

FRAME_HEIGHT, ROW_HEIGHT = 80, 30  # of what surrounds the plotting area, and of a cell in it; in CSS pixels
SPLITS = ("valid", "test")


def section(run: Run) -> Section:
    """Return what the trained cells reached, or that none was trained."""
    cells = [_cell(run, number, record) for number, record in enumerate(run.result.verification, start=1)]
    rows = [{name: row[name] for name in row if name != "verdict"} for cell in cells for row in cell["rows"]]
    values = {
        "cells": cells,
        "charts": [_trained_beside_table(part, split) for split, part in _by_split(rows).items()],
        "compared": any(row["table"] is not None for row in rows),
        "verdict": run.result.get("verdict"),
        "addition": _addition(run.result),
        "forecast": any(cell["forecast"] for cell in cells),
        "unseen": run.result.job == "search",  # whose forecasts are cross-validated
        "spread": any(row["low"] is not None for row in rows),
    }
    return Section("verification", "Verification", values)


def _addition(result: Record) -> str | None:
    """Return what would let a search train its best cells again; None for a verification, of which none was trained."""
    if result.job != "search":
        return None
    top = "verification.top=3"
    return top if result.provenance.get("training") else f"{top} verification.data=NAME verification.recipe=NAME"


def _cell(run: Run, number: int, record: Record) -> dict[str, Any]:
    table = record.get("table") or {}
    return {
        "number": number,
        "architecture": record.architecture,
        "drawing": drawing(run.architecture(record.architecture), labelled=False),
        "seeds": len(record.seeds),
        "seconds": record.seconds,
        "failures": record.failures,
        "forecast": _forecast(record.get("forecast")),
        "rows": [
            {**_row(number, record, split, table.get(split)), "verdict": (record.get("verdict") or {}).get(split)}
            for split in SPLITS
            if record.get(split)
        ],
    }


def _forecast(forecast: Record | None) -> dict[str, Any] | None:
    return forecast and {**forecast, "split": forecast.split and split_name(forecast.split)}


def _by_split(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    splits = dict.fromkeys(row["split"] for row in rows)
    return {split: [row for row in rows if row["split"] == split] for split in splits}


def _row(number: int, record: Record, split: str, table: float | None) -> dict[str, Any]:
    mean, std = record[split].mean, record[split].std
    return {
        "number": number,
        "split": split_name(split),
        "architecture": record.architecture,
        "mean": rounded(mean),
        "std": rounded(std),
        "low": None if std is None else rounded(mean - std),
        "high": None if std is None else rounded(mean + std),
        "table": rounded(table),
    }


def _trained_beside_table(rows: list[dict[str, Any]], split: str) -> dict[str, Any]:
    domain = focus(row[name] for row in rows for name in ("mean", "low", "high", "table"))
    scale = alt.Scale(domain=list(domain), zero=False, nice=False)
    base = alt.Chart().encode(
        y=alt.Y("number:O", title="cell"),
        tooltip=[
            alt.Tooltip("architecture:N", title="cell"),
            alt.Tooltip("mean:Q", title="trained (%)", format=".2f"),
            alt.Tooltip("std:Q", title="± (points)", format=".2f"),
            alt.Tooltip("table:Q", title="table (%)", format=".2f"),
        ],
    )

    def along(field: str) -> Any:
        return alt.X(f"{field}:Q", title=f"{split} accuracy (%)", scale=scale, axis=alt.Axis(tickCount=5))

    spread = base.mark_rule(color=ACCENT, strokeWidth=2, opacity=0.5, clip=True).encode(x=along("low"), x2="high:Q")
    table = base.mark_tick(color=CONTRAST, thickness=3, height=18, clip=True).encode(x=along("table"))
    trained = base.mark_circle(color=ACCENT, stroke=SURFACE, strokeWidth=1, size=110, opacity=1, clip=True)
    layers = (spread, table, trained.encode(x=along("mean")))
    described = (
        f"{split.capitalize()} accuracy of each trained cell, mean and deviation over seeds, beside the table's."
    )
    height = FRAME_HEIGHT + ROW_HEIGHT * len(rows)
    return specification(layers, rows, height=height, description=described)
