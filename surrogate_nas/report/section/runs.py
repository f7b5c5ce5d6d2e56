"""Runs: every one of a comparison, those that failed first."""

from __future__ import annotations

from surrogate_nas.compare.run import FINISHED
from surrogate_nas.report.run import Run, evenly
from surrogate_nas.report.section.base import Section
from surrogate_nas.report.section.predictor import METRIC_NAMES


def section(run: Run) -> Section:
    """Return the runs, and how many did not finish."""
    result = run.result
    failed = [row for row in result.runs if row.status != FINISHED]
    finished = [row for row in result.runs if row.status == FINISHED]
    numbers = {name: title for name, title in METRIC_NAMES.items() if any(name in row for row in finished)}
    columns = numbers or {
        "queries": "queries",
        "regret": "regret",
        "test": "test (%)",
        "queries_to_target": "queries to target",
    }
    values = {
        "rows": [*failed, *evenly(finished)],
        "columns": columns,
        "failed": len(failed),
        "noted": sum(bool(row.note) for row in finished),
        "all": len(result.runs),
        "finished": FINISHED,
        "whole": {"queries", "queries_to_target"},
    }
    return Section("runs", "Runs", values)
