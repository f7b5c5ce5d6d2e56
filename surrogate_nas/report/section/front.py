"""Front: the trade-off between accuracy and a cost, and how near it is to the true one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from surrogate_nas.record import Record
from surrogate_nas.report.chart import ACCENT, CONTRAST, SURFACE, Domain, below, focus, rounded, specification
from surrogate_nas.report.run import Run
from surrogate_nas.report.section.base import Section
from surrogate_nas.report.wording import split_name

HEIGHT = 380
Rows = list[dict[str, Any]]


def of_search(run: Run) -> Section | None:
    """Return the front of a search of several objectives, a plot for each cost; None for other searches."""
    result = run.result
    costs = result.get("objectives", [])[1:]
    if not costs:
        return None
    true, split = result.true_front, result.split
    measured = [
        {
            "query": trial.query,
            "architecture": trial.architecture,
            "accuracy": rounded(trial.measured),
            **dict(zip(costs, trial.costs, strict=True)),
        }
        for trial in run.shown
    ]
    low, high = focus(point[split] for point in result.front)
    ends = [] if true is None else [point[split] for point in true.points]
    domain = low, max([high, *ends])
    values = {
        "charts": [_chart(cost, measured, result, domain, split_name(split)) for cost in costs],
        "costs": costs,
        "hypervolume": result.hypervolume,
        "fraction": None if true is None else result.hypervolume / true.hypervolume,
        "reference": {cost: result.reference[cost] for cost in costs},
        "size": len(result.front),
        "hidden": below([row["accuracy"] for row in measured], domain),
        "floor": domain[0],
    }
    return Section("front", "Front", values, {"Front": result.front})


def _chart(cost: str, measured: Rows, result: Record, domain: Domain, split: str) -> dict[str, Any]:
    """Return a plot of all measurements, the front among them and the true front, over one cost."""
    x = alt.X(f"{cost}:Q", title=cost.replace("_", " "), scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=8))
    scale = alt.Scale(domain=list(domain), zero=False, nice=False)
    y = alt.Y("accuracy:Q", title=f"{split} accuracy (%)", scale=scale, axis=alt.Axis(tickCount=6))
    true = [] if result.true_front is None else _points(result.true_front.points, result.split, cost)
    own = _points(result.front, result.split, cost)
    stairs = {"interpolate": "step-after", "clip": True}
    layers = (
        alt.Chart(alt.Data(values=true))
        .mark_line(color=CONTRAST, strokeDash=[6, 4], strokeWidth=1.5, **stairs)
        .encode(x=x, y=y),
        alt.Chart(alt.Data(values=own)).mark_line(color=ACCENT, strokeWidth=2.5, **stairs).encode(x=x, y=y),
        _dots(alt.Chart(), x, y, cost),
    )
    described = f"Every measured architecture by {cost} and {split} accuracy, with the front that was found."
    return specification(layers, measured, height=HEIGHT, description=described)


def _points(points: Sequence[Mapping[str, Any]], split: str, cost: str) -> Rows:
    """Return the points of a front over one cost, the cheapest first."""
    rows = [{"accuracy": rounded(point[split]), cost: point[cost]} for point in points]
    return sorted(rows, key=lambda row: row[cost])


def _dots(base: Any, x: Any, y: Any, cost: str) -> Any:
    """Return a dot for each measurement, which tells its cell while it is hovered over; drag and scroll to zoom."""
    hovered = alt.selection_point(on="pointerover", empty=False, fields=["query"])
    dots = base.mark_circle(color=ACCENT, stroke=SURFACE, strokeWidth=1, clip=True).encode(
        x=x,
        y=y,
        size=alt.condition(hovered, alt.value(150), alt.value(50)),
        opacity=alt.condition(hovered, alt.value(1), alt.value(0.55)),
        tooltip=[
            alt.Tooltip("query:Q"),
            alt.Tooltip("architecture:N", title="cell"),
            alt.Tooltip("accuracy:Q", title="accuracy (%)", format=".2f"),
            alt.Tooltip(f"{cost}:Q", title=cost.replace("_", " "), format=".4g"),
        ],
    )
    return dots.add_params(hovered, alt.selection_interval(bind="scales"))
