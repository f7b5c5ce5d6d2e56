"""Significance: mean ranks with their critical difference, and every pair of methods tested."""

from __future__ import annotations

from typing import Any

import altair as alt

from surrogate_nas.compare.analysis import SIGNIFICANCE
from surrogate_nas.record import Record
from surrogate_nas.report.chart import INK, MUTED, series, specification
from surrogate_nas.report.paper import spread
from surrogate_nas.report.run import Run
from surrogate_nas.report.section.base import Section

ROW = 26  # CSS pixels for each method, and for each group of methods
EDGES = 64


def section(run: Run) -> Section:
    """Return ranks and paired tests for each way of scoring."""
    result = run.result
    tables = {
        f"pairs {comparison.name}": [
            {
                "first": pair.first,
                "second": pair.second,
                "blocks": pair.blocks,
                "wins": pair.wins,
                "ties": pair.ties,
                "losses": pair.losses,
                "difference": spread(pair.difference),
                "superiority": "" if pair.superiority is None else f"{pair.superiority:.2f}",
                "p (Holm)": f"{pair.p_holm:.4f}",
                "significant": "yes" if pair.significant else "no",
            }
            for pair in comparison.pairs
        ]
        for comparison in result.comparisons
    }
    values = {
        "comparisons": [(comparison, _diagram(result, comparison)) for comparison in result.comparisons],
        "kind": result.kind,
        "level": SIGNIFICANCE,
    }
    return Section("significance", "What the differences mean", values, tables)


def groups(ranks: list[Any], critical_difference: float) -> list[tuple[float, float]]:
    """Return the spans of mean ranks within which no two differ by the critical difference, none inside another."""
    ordered = sorted(row.rank for row in ranks)
    spans = [(low, max(rank for rank in ordered if rank - low < critical_difference)) for low in ordered]
    return [
        span
        for at, span in enumerate(spans)
        if span[0] < span[1] and not any(other[0] <= span[0] and span[1] <= other[1] for other in spans[:at])
    ]


def _diagram(result: Record, comparison: Record) -> dict[str, Any] | None:
    """Return a critical-difference diagram (Demsar, 2006, figure 1): a row a method, a bar over what may be equal."""
    if comparison.critical_difference is None:
        return None
    ranks = sorted(comparison.ranks, key=lambda row: row.rank)
    rows = [{"method": row.method, "rank": round(row.rank, 3), "row": at} for at, row in enumerate(ranks)]
    bars = [
        {"low": low, "high": high, "row": len(rows) + at}
        for at, (low, high) in enumerate(groups(ranks, comparison.critical_difference))
    ]
    depth = len(rows) + len(bars)
    y = alt.Y("row:Q", axis=None, scale=alt.Scale(domain=[-0.6, depth - 0.4], reverse=True, nice=False))
    ends = alt.Scale(domain=[0.9, len(ranks) + 0.1], nice=False, zero=False)
    x = alt.X("rank:Q", title="mean rank (1 is best)", scale=ends, axis=alt.Axis(tickMinStep=1, grid=True))
    base = alt.Chart().encode(y=y, color=alt.Color("method:N", scale=series(result.methods), legend=None))
    tooltip = [alt.Tooltip("method:N"), alt.Tooltip("rank:Q", title="mean rank", format=".2f")]
    spans = alt.Chart(alt.Data(values=bars)).mark_rule(color=INK, strokeWidth=5, strokeCap="round")
    right = (len(ranks) + 1) / 2  # of the middle of the axis a name stands to the left of its dot
    layers = (
        base.mark_circle(size=130, opacity=1).encode(x=x, tooltip=tooltip),
        base.mark_text(align="left", dx=12, fontSize=12)
        .encode(x=x, text="method:N", color=alt.value(MUTED))
        .transform_filter(f"datum.rank <= {right}"),
        base.mark_text(align="right", dx=-12, fontSize=12)
        .encode(x=x, text="method:N", color=alt.value(MUTED))
        .transform_filter(f"datum.rank > {right}"),
        spans.encode(x=alt.X("low:Q", scale=ends, title="mean rank (1 is best)"), x2="high:Q", y=y),
    )
    described = "Mean rank of each method; bars join methods whose ranks differ by less than the critical difference."
    return specification(layers, rows, height=ROW * depth + EDGES, description=described)
