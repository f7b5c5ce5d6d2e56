"""Standings: what each method reached, with intervals over its runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt

from surrogate_nas.record import Record
from surrogate_nas.report.chart import MUTED, SURFACE, series, specification
from surrogate_nas.report.paper import spread
from surrogate_nas.report.run import Run
from surrogate_nas.report.section.base import Section
from surrogate_nas.report.section.predictor import METRIC_NAMES

ROW = 34  # CSS pixels for each method of a plot
EDGES = 60  # of a plot: its axis and its padding


def of_samplers(run: Run) -> Section:
    """Return regret, test accuracy and oracle of each sampler after each budget."""
    result = run.result
    paper = [
        {
            "table": row.task,
            "sampler": row.method,
            "queries": row.queries,
            "runs": row.runs,
            "failed": row.failed,
            "regret": spread(row.regret),
            "test accuracy (%)": spread(row.test),
            "best test seen (%)": spread(row.oracle),
            f"within {result.target:g} points": f"{row.reached} of {row.runs + row.failed}",
        }
        for row in result.standings
    ]
    final = [row for row in result.standings if row.queries == result.sizes[-1]]
    values = {
        "rows": result.standings,
        "charts": _charts(result, final, "regret", "regret (points)"),
        "target": result.target,
        "tested": any(row.test.mean is not None for row in result.standings),
        "several": len(result.tasks) > 1,
        "methods": result.methods,
    }
    return Section("standings", "Standings", values, {"standings": paper})


def of_predictors(run: Run) -> Section:
    """Return the metrics of each predictor."""
    result = run.result
    named = {name: METRIC_NAMES[name] for name in METRIC_NAMES if any(name in row for row in result.standings)}
    paper = [
        {
            "table": row.task,
            "predictor": row.method,
            "runs": row.runs,
            "failed": row.failed,
            **{title: spread(row[name]) if name in row else "" for name, title in named.items()},
        }
        for row in result.standings
    ]
    values = {
        "rows": result.standings,
        "charts": _charts(result, result.standings, result.metric, METRIC_NAMES[result.metric]),
        "metrics": named,
        "metric": METRIC_NAMES[result.metric],
        "methods": result.methods,
    }
    return Section("scores", "Standings", values, {"standings": paper})


def _charts(result: Record, rows: list[Any], quantity: str, title: str) -> dict[str, dict[str, Any]]:
    """Return for each task a plot of means with their intervals, a row a method."""
    tasks = dict.fromkeys(row.task for row in rows)
    return {task: _dots(result, [row for row in rows if row.task == task], quantity, title) for task in tasks}


def _dots(result: Record, rows: list[Any], quantity: str, title: str) -> dict[str, Any]:
    known = [
        {"method": row.method, "runs": row.runs, **_rounded(row[quantity])}
        for row in rows
        if quantity in row and row[quantity].mean is not None
    ]
    order = [method for method in result.methods if method in {row["method"] for row in known}]
    y = alt.Y("method:N", sort=order, title=None, axis=alt.Axis(grid=False, labelLimit=160, labelColor=MUTED))
    colour = alt.Color("method:N", scale=series(result.methods), legend=None)
    x = alt.X("mean:Q", title=title, scale=alt.Scale(zero=quantity == "regret"), axis=alt.Axis(tickCount=6, grid=True))
    base = alt.Chart().encode(y=y, color=colour)
    tooltip = [
        alt.Tooltip("method:N"),
        alt.Tooltip("mean:Q", format=".3f"),
        alt.Tooltip("low:Q", title="95 % interval from", format=".3f"),
        alt.Tooltip("high:Q", title="to", format=".3f"),
        alt.Tooltip("runs:Q"),
    ]
    layers = (
        base.mark_rule(strokeWidth=3).encode(x=alt.X("low:Q", title=title), x2="high:Q"),
        base.mark_circle(size=130, stroke=SURFACE, strokeWidth=1.5, opacity=1).encode(x=x, tooltip=tooltip),
    )
    described = f"Mean {title} of each method with its 95 % interval."
    return specification(layers, known, height=ROW * len(order) + EDGES, description=described)


def _rounded(interval: Mapping[str, float | None]) -> dict[str, float | None]:
    return {name: None if value is None else round(value, 4) for name, value in interval.items()}
