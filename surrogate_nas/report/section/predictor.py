"""Predictor: what was expected of architectures before they were seen, against what was measured."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import altair as alt
import numpy as np

from surrogate_nas.metrics import coverage, kendall_tau
from surrogate_nas.report.chart import ACCENT, MUTED, SURFACE, Domain, below, focus, rounded, specification
from surrogate_nas.report.run import Measured, Run, evenly
from surrogate_nas.report.section.base import Figure, Section
from surrogate_nas.report.wording import count, number, percent, split_name

HEIGHT, RELIABILITY_HEIGHT = 420, 300
LEVEL = 0.9  # of the intervals whose coverage is told
METRIC_NAMES = {
    "kendall_tau": "Kendall's τ",
    "spearman": "Spearman's rank correlation",
    "precision_at_1pct": "precision at the top 1 %",
    "precision_at_10": "precision at the top 10",
    "regret_top1": "regret of the predicted best, in points",
    "coverage_90": "coverage of 90 % intervals",
    "fit_seconds": "seconds to fit",
    "predict_seconds": "seconds to predict",
}


def of_search(run: Run) -> Section:
    """Return the predictions that were cross-validated over the trials of a search."""
    source = "Each architecture is predicted by a fit that has not seen it (cross-validation over the trials)."
    bias = (
        "The trials are those that the sampler chose, good ones mostly, and good ones are the hardest to rank: "
        "over the whole space the rank correlation would differ."
    )
    return _section(run.trials, split_name(run.result.split), source, bias, {})


def of_fit(run: Run) -> Section:
    """Return the metrics of a fit, and the predictions of its first draw."""
    result = run.result
    metrics = {METRIC_NAMES.get(name, name.replace("_", " ")): metric for name, metric in result.metrics.items()}
    protocol = f"protocol {result.protocol}" + (f" ({result.partition})" if result.get("partition") else "")
    source = f"Predictions of the first draw, {protocol}."
    if (growth := result.get("growth", 1)) != 1:
        source += f" Test networks were trained on {growth:g} times the images, and predictions are told of it."
    section = _section(run.predictions, split_name(result.split), source, "", metrics)
    reliability = result.get("reliability")
    beside = {"reliability": reliability_plot(reliability) if reliability else None, "sources": result.get("sources")}
    return replace(section, values={**section.values, **beside})


def _section(rows: Sequence[Measured], split: str, source: str, bias: str, metrics: dict[str, Any]) -> Section:
    known = [row for row in rows if row.measured is not None and row.predicted is not None]
    shown = [_plain(row) for row in evenly(known)]
    domain = focus(value for row in shown for value in (row["measured"], row["predicted"]))
    values = {
        "chart": _predicted_against_measured(shown, domain, split) if shown else None,
        "figures": _figures(known),
        "deviations": any(row["std"] is not None for row in shown),
        "shown": len(shown),
        "known": len(known),
        "hidden": sum(below([row["measured"], row["predicted"]], domain) > 0 for row in shown),
        "floor": domain[0],
        "source": source,
        "bias": bias,
        "metrics": metrics,
        "reliability": None,
        "sources": None,
    }
    return Section("predictor", "Predictor", values)


def _figures(rows: Sequence[Measured]) -> list[Figure]:
    """Return how well the predictions rank, and whether their uncertainties are right."""
    columns = [(row.predicted, row.predicted_std, row.measured) for row in rows]
    mean, std, measured = np.array(columns, dtype=np.float64).reshape(-1, 3).T  # (n,) each, NaN where there is none
    figures = []
    tau = kendall_tau(mean, measured)
    if not math.isnan(tau):
        note = f"over {count(len(rows))} architectures; 1 is the true ranking, 0 a random one"
        figures.append(Figure("Kendall's τ", number(tau), note))
    uncertain = ~np.isnan(std)
    if uncertain.any():
        inside = coverage(mean[uncertain], std[uncertain], measured[uncertain], LEVEL)
        level = percent(100 * LEVEL, 0)
        label, note = f"inside their {level} interval", f"{level} if the uncertainty is right"
        figures.append(Figure(label, percent(100 * inside, 0), note))
    return figures


def _plain(row: Measured) -> dict[str, Any]:
    """Return what the plot shows of an architecture."""
    low, high = (
        None if row.predicted is None or row.predicted_std is None else row.predicted + sign * row.predicted_std
        for sign in (-1, 1)
    )
    return {
        "architecture": row.architecture,
        "measured": rounded(row.measured),
        "predicted": rounded(row.predicted),
        "std": rounded(row.predicted_std),
        "low": rounded(low),
        "high": rounded(high),
    }


def reliability_plot(rows: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """Return the plot of how many labels lie inside intervals, against how many should."""
    scale, axis = alt.Scale(domain=[0, 1], nice=False), alt.Axis(format="%", tickCount=6)
    x = alt.X("level:Q", title="probability of the interval", scale=scale, axis=axis)
    y = alt.Y("covered:Q", title="labels inside", scale=scale, axis=axis)
    ends = alt.Data(values=[{"level": end, "covered": end} for end in (0, 1)])
    diagonal = alt.Chart(ends).mark_line(color=MUTED, strokeDash=[2, 4], strokeWidth=1.5).encode(x=x, y=y)
    tooltip = [
        alt.Tooltip("level:Q", title="should be inside", format=".0%"),
        alt.Tooltip("covered:Q", title="are inside", format=".1%"),
    ]
    points = (
        alt.Chart()
        .mark_line(color=ACCENT, point=alt.OverlayMarkDef(color=ACCENT, size=60))
        .encode(x=x, y=y, tooltip=tooltip)
    )
    described = "Share of held-out labels inside predicted intervals, against the intervals' probability."
    return specification((diagonal, points), rows, height=RELIABILITY_HEIGHT, description=described)


def _predicted_against_measured(rows: list[dict[str, Any]], domain: Domain, split: str) -> dict[str, Any]:
    scale = alt.Scale(domain=list(domain), zero=False, nice=False)
    axis = alt.Axis(tickCount=6)
    x = alt.X("measured:Q", title=f"measured {split} accuracy (%)", scale=scale, axis=axis)
    y, low = (alt.Y(f"{field}:Q", title="predicted (%)", scale=scale, axis=axis) for field in ("predicted", "low"))
    base = alt.Chart()
    ends = alt.Data(values=[{"measured": end, "predicted": end} for end in domain])
    diagonal = alt.Chart(ends).mark_line(color=MUTED, strokeDash=[2, 4], strokeWidth=1.5).encode(x=x, y=y)
    errors = base.mark_rule(color=ACCENT, opacity=0.35, clip=True).encode(x=x, y=low, y2="high:Q")
    points = base.mark_circle(color=ACCENT, stroke=SURFACE, strokeWidth=1, size=60, opacity=0.85, clip=True).encode(
        x=x,
        y=y,
        tooltip=[
            alt.Tooltip("architecture:N", title="cell"),
            alt.Tooltip("measured:Q", title="measured (%)", format=".2f"),
            alt.Tooltip("predicted:Q", title="predicted (%)", format=".2f"),
            alt.Tooltip("std:Q", title="± (points)", format=".2f"),
        ],
    )
    described = f"Predicted against measured {split} accuracy, with one standard deviation."
    return specification((diagonal, errors, points), rows, height=HEIGHT, description=described)
