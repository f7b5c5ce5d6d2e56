"""Reaching: how many runs were within the target after how much, those that never were not left out."""

from __future__ import annotations

from typing import Any

import altair as alt

from surrogate_nas.record import Record
from surrogate_nas.report.chart import series, specification
from surrogate_nas.report.run import Run
from surrogate_nas.report.section.base import Section

HEIGHT = 300


def section(run: Run) -> Section:
    """Return the share of runs that reached the target, by queries."""
    result = run.result
    rows = result.reaching
    paper = [
        {
            "table": row.task,
            "sampler": row.method,
            "reached": f"{row.reached} of {row.runs}",
            "median queries": "" if row.median_queries is None else f"{row.median_queries:g}",
            "median training (hours)": "" if row.median_seconds is None else f"{row.median_seconds / 3600:.2f}",
        }
        for row in rows
    ]
    values = {
        "charts": {task: _chart(result, [row for row in rows if row.task == task]) for task in result.tasks},
        "rows": rows,
        "target": result.target,
        "budget": result.sizes[-1],
        "methods": result.methods,
        "several": len(result.tasks) > 1,
    }
    return Section("reaching", "Reaching the target", values, {"reaching": paper})


def _chart(result: Record, rows: list[Any]) -> dict[str, Any]:
    points = [point for row in rows for point in _steps(row, result.sizes[-1])]
    x = alt.X("queries:Q", title="queries", axis=alt.Axis(tickCount=8), scale=alt.Scale(nice=False, zero=True))
    y = alt.Y(
        "share:Q",
        title="runs within the target (%)",
        scale=alt.Scale(domain=[0, 100], nice=False),
        axis=alt.Axis(tickCount=5),
    )
    base = alt.Chart().encode(x=x, y=y, color=alt.Color("method:N", scale=series(result.methods), legend=None))
    hovered = alt.selection_point(on="pointerover", nearest=True, empty=False, fields=["queries", "method"])
    dots = base.mark_circle(size=90).encode(
        opacity=alt.condition(hovered, alt.value(1), alt.value(0)),
        tooltip=[
            alt.Tooltip("method:N"),
            alt.Tooltip("queries:Q", format=".0f"),
            alt.Tooltip("share:Q", title="runs within the target (%)", format=".0f"),
            alt.Tooltip("low:Q", title="95 % interval from", format=".0f"),
            alt.Tooltip("high:Q", title="to", format=".0f"),
        ],
    )
    layers = (base.mark_line(strokeWidth=2.5, interpolate="step-after"), dots.add_params(hovered))
    described = "Share of runs that have reached the target, by queries (Kaplan-Meier)."
    return specification(layers, points, height=HEIGHT, description=described)


def _steps(row: Record, budget: int) -> list[dict[str, Any]]:
    """Return the steps of one curve, from nothing at the start to the end of the budget."""
    known = [(0, 0.0, None, None), *zip(row.queries, row.share, row.low, row.high, strict=True)]
    if known[-1][0] < budget:
        known.append((budget, *known[-1][1:]))
    return [
        {
            "method": row.method,
            "queries": queries,
            **{
                name: None if value is None else round(100 * value, 1)
                for name, value in (("share", share), ("low", low), ("high", high))
            },
        }
        for queries, share, low, high in known
    ]
