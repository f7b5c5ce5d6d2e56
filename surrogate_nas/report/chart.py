"""The look that all plots of a page share."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np

# Colours are the page's own CSS variables, so that plots follow its light and dark.
ACCENT, CONTRAST, QUIET = "var(--accent)", "var(--contrast)", "var(--quiet)"
MUTED, LINE, SURFACE, INK = "var(--muted)", "var(--line)", "var(--surface)", "var(--ink)"
SERIES = 8  # colours that the page has for methods; a ninth one begins anew

# Interquartile ranges below the lower quartile (J. W. Tukey, Exploratory Data Analysis, 1977, section 2D).
OUTER_FENCE = 3
MARGIN = 0.05  # of the range of an axis, at both ends

Domain = tuple[float, float]


def specification(
    layers: Sequence[Any], rows: Sequence[Mapping[str, Any]], *, height: int, description: str
) -> dict[str, Any]:
    """Return a plot as Vega-Lite JSON: as wide as its place on the page, and in the page's colours.

    Args:
        layers: Altair charts to draw over each other, the first at the bottom.
        rows: what they draw, those apart that have data of their own.
        height: of the whole, axes included, in CSS pixels.
        description: what the plot shows, for readers who do not see it.
    """
    axis = {
        "labelColor": MUTED,
        "titleColor": MUTED,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "gridColor": LINE,
        "domain": False,
        "ticks": False,
        "labelPadding": 6,
        "titlePadding": 10,
    }
    upright = {"titleAngle": 0, "titleAlign": "left", "titleAnchor": "end", "titleY": -12, "titleX": 0}
    plot = alt.layer(*layers, data=alt.Data(values=list(rows)))
    styled = plot.properties(width="container", height=height, description=description).configure(
        font="system-ui, sans-serif",
        background="transparent",
        padding={"left": 4, "top": 22, "right": 8, "bottom": 0},
        autosize=alt.AutoSizeParams(type="fit", contains="padding"),
        view=alt.ViewConfig(stroke=None),
        axis=alt.AxisConfig(**axis),
        axisX=alt.AxisConfig(grid=False),
        axisY=alt.AxisConfig(**upright),
    )
    plain: dict[str, Any] = styled.to_dict()
    del plain["$schema"]  # an address, and the page has none
    return plain


def series(names: Sequence[str]) -> Any:
    """Return a scale that gives each name its colour, the same in every plot of a page."""
    return alt.Scale(domain=list(names), range=[f"var(--series-{at % SERIES})" for at in range(len(names))])


def focus(values: Iterable[float | None]) -> Domain:
    """Return the ends of an axis that leaves out what lies far below the rest, such as trainings that failed."""
    known = np.array([value for value in values if value is not None])
    low, high = _without_outliers(known) if len(known) else (0.0, 100.0)
    margin = MARGIN * (high - low) or 0.5
    return low - margin, high + margin


def _without_outliers(values: Any) -> Domain:
    lower, upper = np.quantile(values, [0.25, 0.75])
    fence = lower - OUTER_FENCE * (upper - lower)
    return float(values[values >= fence].min()), float(values.max())


def below(values: Iterable[float | None], domain: Domain) -> int:
    """Return how many values an axis leaves out."""
    return sum(value is not None and value < domain[0] for value in values)


def rounded(value: float | None) -> float | None:
    """Return a percentage with the digits that a plot can show; the page is shorter for it."""
    return None if value is None or not math.isfinite(value) else round(value, 3)
