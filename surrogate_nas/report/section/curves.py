"""Curves: the regret at any time, against queries and against the training that was paid for."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np

from surrogate_nas.record import Record
from surrogate_nas.report.chart import series, specification
from surrogate_nas.report.run import Run
from surrogate_nas.report.section.base import Section

HEIGHT = 340
HIDDEN = 0.1  # of a curve: its beginning, which may be high and then does not decide how high the plot is
HEADROOM = 1.15
HOUR = 3600


def section(run: Run) -> Section:
    """Return the anytime curves of each task."""
    result = run.result
    charts = {}
    for task in result.tasks:
        curves = [curve for curve in result.curves if curve.task == task]
        charts[task] = [
            _chart(result, _by_queries(curves), "queries", "queries", ".0f"),
            *(
                [_chart(result, _by_hours(curves), "hours", "training paid for (hours)", ".2f")]
                if curves and all(curve.by_seconds for curve in curves)
                else []
            ),
        ]
    values = {"charts": charts, "methods": result.methods, "several": len(result.tasks) > 1}
    return Section("curves", "At any time", values)


def _by_queries(curves: list[Any]) -> list[dict[str, Any]]:
    return [
        _row(curve.method, at, mean, low, high)
        for curve in curves
        for at, mean, low, high in zip(curve.queries, curve.mean, curve.low, curve.high, strict=True)
    ]


def _by_hours(curves: list[Any]) -> list[dict[str, Any]]:
    return [
        _row(curve.method, seconds / HOUR, mean, low, high)
        for curve in curves
        for seconds, mean, low, high in zip(
            *(curve.by_seconds[n] for n in ("seconds", "mean", "low", "high")), strict=True
        )
    ]


def _row(method: str, at: float, *interval: float | None) -> dict[str, Any]:
    mean, low, high = (None if value is None else round(value, 4) for value in interval)
    return {"method": method, "at": round(at, 4), "mean": mean, "low": low, "high": high}


def _chart(result: Record, rows: list[dict[str, Any]], name: str, title: str, digits: str) -> dict[str, Any]:
    """Return curves over a square-root axis: it has a zero, where curves end, and room for what differs near it."""
    last = max((row["at"] for row in rows), default=1)
    seen = [row["mean"] for row in rows if row["mean"] is not None and row["at"] >= HIDDEN * last]
    top = HEADROOM * float(np.max(seen, initial=0.01))
    scale = alt.Scale(type="sqrt", domain=[0, top], nice=False)
    x = alt.X("at:Q", title=title, axis=alt.Axis(tickCount=8), scale=alt.Scale(nice=False, zero=False))
    base = alt.Chart().encode(x=x, color=alt.Color("method:N", scale=series(result.methods), legend=None))
    hovered = alt.selection_point(on="pointerover", nearest=True, empty=False, fields=["at", "method"])
    regret = alt.Y("mean:Q", title="mean regret (points)", scale=scale, axis=alt.Axis(tickCount=6))
    dots = base.mark_circle(size=90).encode(
        y=regret,
        opacity=alt.condition(hovered, alt.value(1), alt.value(0)),
        tooltip=[
            alt.Tooltip("method:N"),
            alt.Tooltip("at:Q", title=name, format=digits),
            alt.Tooltip("mean:Q", title="mean regret (points)", format=".3f"),
            alt.Tooltip("low:Q", title="95 % interval from", format=".3f"),
            alt.Tooltip("high:Q", title="to", format=".3f"),
        ],
    )
    layers = (
        base.mark_area(opacity=0.16, clip=True).encode(y=alt.Y("low:Q", title="", scale=scale), y2="high:Q"),
        base.mark_line(strokeWidth=2.5, clip=True).encode(y=regret),
        dots.add_params(hovered),
    )
    described = f"Mean regret of each method by {title}, with 95 % intervals."
    shown = [row for row in rows if row["mean"] is not None and row["mean"] <= top]
    return specification(layers, shown, height=HEIGHT, description=described)
