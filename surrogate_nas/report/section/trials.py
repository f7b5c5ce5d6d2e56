"""Trials: every query of a search, to sort and to look at."""

from __future__ import annotations

from surrogate_nas.report.cell import drawing
from surrogate_nas.report.run import Run
from surrogate_nas.report.section.base import Section
from surrogate_nas.report.wording import split_name


def of_search(run: Run) -> Section:
    """Return the queries of a search."""
    shown = run.shown
    drawings = [drawing(run.architecture(trial.architecture), labelled=False) for trial in shown]
    values = {
        "trials": list(zip(shown, drawings, strict=True)),
        "improvements": run.improvements,
        "queries": len(run.trials),
        "split": split_name(run.result.split),
        "predicted": any(trial.predicted is not None for trial in shown),
        "timed": any(trial.seconds is not None for trial in shown),
    }
    return Section("trials", "Trials", values)
