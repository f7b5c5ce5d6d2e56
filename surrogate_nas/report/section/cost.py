"""Cost: what the measurements cost to train, against measuring every candidate."""

from __future__ import annotations

import math

from markupsafe import Markup

from surrogate_nas.report.run import Run
from surrogate_nas.report.section.base import Figure, Section
from surrogate_nas.report.wording import count, duration

SIDE = 240  # of the square that stands for all candidates, in the drawing's own units

_SQUARES = Markup(
    '<svg class="squares" viewBox="0 0 {side} {side}" role="img"><title>{title}</title>'
    '<rect class="all" width="{side}" height="{side}" rx="6"/>'
    '<rect class="paid" y="{top}" width="{paid}" height="{paid}" rx="2"/></svg>'
)


def of_search(run: Run) -> Section:
    """Return the cost of a search, in training time where the table tells it, otherwise in architectures."""
    result, seconds = run.result, run.result.seconds
    timed = seconds.training is not None and bool(seconds.training_all)
    paid, everything = (seconds.training, seconds.training_all) if timed else (result.queries, result.candidates)
    values = {
        "timed": timed,
        "figures": _figures(run, timed),
        "factor": everything / paid if paid else None,
        "wall": seconds.wall,
        "table": result.table is not None,
        "squares": _squares(paid / everything),
    }
    return Section("cost", "Cost", values)


def _figures(run: Run, timed: bool) -> list[Figure]:
    queries, candidates = count(run.result.queries), count(run.result.candidates)
    paid, everything = "paid", "everything"
    if not timed:
        return [Figure(paid, queries, "measured architectures"), Figure(everything, candidates, "candidates")]
    seconds = run.result.seconds
    return [
        Figure(paid, duration(seconds.training), f"of training for {queries} measured architectures"),
        Figure(everything, duration(seconds.training_all), f"to train all {candidates} candidates"),
    ]


def _squares(part: float) -> Markup:
    """Return a square for everything with one for the paid part in its corner; the areas are in proportion."""
    paid = SIDE * math.sqrt(min(part, 1.0))
    title = f"The areas are in proportion: {100 * part:.2f} percent was paid."
    return _SQUARES.format(side=SIDE, title=title, top=f"{SIDE - paid:.1f}", paid=f"{paid:.1f}")
