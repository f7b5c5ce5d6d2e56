"""Search: the best accuracy so far, query by query, against what random search expects."""

from __future__ import annotations

from typing import Any

import altair as alt

from surrogate_nas.record import Record
from surrogate_nas.report.chart import ACCENT, CONTRAST, QUIET, SURFACE, Domain, below, focus, rounded, specification
from surrogate_nas.report.run import Run
from surrogate_nas.report.section.base import Section
from surrogate_nas.report.wording import split_name

HEIGHT = 340
EDGE = 5  # CSS pixels beside the first and the last query, so that their dots are whole
COLUMN_WIDTH = 12  # in CSS pixels: hovering within half of it from a query shows that query


def of_search(run: Run) -> Section:
    """Return the course of a search."""
    result = run.result
    band = result.get("random_search")
    rows = _rows(run, band)
    optimum = None if result.optimum is None else result.optimum[result.split]
    domain = focus([optimum, *(value for row in rows for value in (row["best"], row["mean"]))])
    values = {
        "sampler": result.sampler,
        "split": split_name(result.split),
        "chart": _best_so_far(rows, optimum, domain, split_name(result.split)),
        "hidden": below([trial.measured for trial in run.shown], domain),
        "floor": domain[0],
        "failed": sum(trial.measured is None for trial in run.trials),
        "optimum": optimum,
        "best": None if result.best is None else result.best[result.split],
        "random": band.mean[-1] if band else None,
        "queries": result.queries,
        "shown": len(run.shown),
    }
    return Section("search", "Search", values)


def _rows(run: Run, band: Record | None) -> list[dict[str, Any]]:
    """Return what the plot shows at each query; None where nothing is known."""
    return [
        {
            "query": trial.query,
            "architecture": trial.architecture,
            "measured": rounded(trial.measured),
            "best": rounded(trial.best),
            **{name: rounded(band[name][trial.query - 1]) if band else None for name in ("mean", "low", "high")},
        }
        for trial in run.shown
    ]


def _best_so_far(rows: list[dict[str, Any]], optimum: float | None, domain: Domain, split: str) -> dict[str, Any]:
    axis = alt.Axis(tickMinStep=1, tickCount=8)
    x = alt.X("query:Q", title="queries", axis=axis, scale=alt.Scale(nice=False, zero=False, padding=EDGE))
    base = alt.Chart().encode(x=x)

    def height_of(field: str) -> Any:
        scale = alt.Scale(domain=list(domain), zero=False, nice=False)
        return alt.Y(f"{field}:Q", title=f"{split} accuracy (%)", scale=scale, axis=alt.Axis(tickCount=6))

    goals = [] if optimum is None else [{"optimum": optimum}]
    goal = alt.Chart(alt.Data(values=goals)).mark_rule(color=CONTRAST, strokeDash=[6, 4])
    layers = (
        base.mark_area(color=QUIET, opacity=0.22, clip=True).encode(y=height_of("low"), y2="high:Q"),
        base.mark_line(color=QUIET, strokeWidth=2, clip=True).encode(y=height_of("mean")),
        goal.encode(y=height_of("optimum"), size=alt.value(1.5)),
        base.mark_line(color=ACCENT, interpolate="step-after", clip=True).encode(
            y=height_of("best"), size=alt.value(2.5)
        ),
        *_measurements(base, height_of("measured")),
    )
    beside = "" if optimum is None else ", with random search and the table's optimum"
    described = f"Best {split} accuracy so far by query{beside}."
    return specification(layers, rows, height=HEIGHT, description=described)


def _measurements(base: Any, y: Any) -> tuple[Any, Any]:
    """Return a dot for each query, and an invisible column that shows the query while it is hovered over."""
    hovered = alt.selection_point(on="pointerover", empty=False, fields=["query"])
    dots = base.mark_circle(color=ACCENT, stroke=SURFACE, strokeWidth=1, clip=True).encode(
        y=y,
        size=alt.condition(hovered, alt.value(130), alt.value(45)),
        opacity=alt.condition(hovered, alt.value(1), alt.value(0.55)),
    )
    columns = base.mark_rule(color=ACCENT, strokeWidth=COLUMN_WIDTH).encode(
        opacity=alt.condition(hovered, alt.value(0.1), alt.value(0)),
        tooltip=[
            alt.Tooltip("query:Q"),
            alt.Tooltip("architecture:N", title="cell"),
            alt.Tooltip("measured:Q", title="measured (%)", format=".2f"),
            alt.Tooltip("best:Q", title="best so far (%)", format=".2f"),
            alt.Tooltip("mean:Q", title="random search (%)", format=".2f"),
        ],
    )
    return dots, columns.add_params(hovered)
