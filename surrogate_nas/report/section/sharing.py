"""Sharing: what several tasks have in common, and whether it helped each of them."""

from __future__ import annotations

from typing import Any

from surrogate_nas.record import Record
from surrogate_nas.report.run import Run
from surrogate_nas.report.section.base import Section
from surrogate_nas.report.section.predictor import reliability_plot
from surrogate_nas.report.wording import count, number

METRICS = {"kendall_tau": "Kendall's τ", "precision_at_1pct": "precision at the top 1 %"}


def headline(run: Run) -> str:
    """Return in one line what was fitted."""
    result = run.result
    return f"Predictor {result.predictor}, fitted to {len(result.tasks)} tasks of {result.table}"


def section(run: Run) -> Section:
    """Return each task together with the others and alone, the relations of all, and how reliable intervals are."""
    result = run.result
    names = [task.name for task in result.tasks]
    relations = [
        {"task": name, **dict(zip(names, row, strict=True))} for name, row in zip(names, result.relations, strict=True)
    ]
    draws = "one draw of labels" if result.draws == 1 else f"means over {count(result.draws)} draws of labels"
    values = {
        "columns": [_column(task, result.draws) for task in result.tasks],
        "names": names,
        "relations": relations,
        "source": f"Protocol {result.protocol} ({result.partition}); {draws}.",
        "plots": {task.name: reliability_plot(task.reliability) for task in result.tasks},
    }
    tables = {"sharing": [_numbers(task) for task in result.tasks], "relations": relations}
    return Section("sharing", "Sharing", values, tables)


def _column(task: Record, draws: int) -> dict[str, str]:
    """Return what the table says of a task."""
    row = {"labels": count(task.train_size)}
    for name, title in METRICS.items():
        row[f"{title}, together"] = _spread(task.metrics[name], draws)
        row[f"{title}, alone"] = _spread(task.metrics_alone[name], draws)
    row["inside 90 % intervals"] = number(task.metrics.coverage_90.mean)
    row["held-out error, together"] = number(task.sharing.error_together.mean)
    row["held-out error, alone"] = number(task.sharing.error_alone.mean)
    row["sharing helped"] = f"in {round(task.sharing.helped.mean * draws)} of {count(draws)} draws"
    row["share of what was fitted together"] = number(task.sharing.share.mean)
    return row


def _numbers(task: Record) -> dict[str, Any]:
    """Return the same as numbers, for a paper."""
    row: dict[str, Any] = {"task": task.name, "labels": task.train_size}
    for name in METRICS:
        row[name] = task.metrics[name].mean
        row[f"{name}_alone"] = task.metrics_alone[name].mean
    return {**row, "helped": task.sharing.helped.mean, "share": task.sharing.share.mean}


def _spread(moments: Record, draws: int) -> str:
    return number(moments.mean) if draws == 1 else f"{number(moments.mean)} ± {number(moments.std)}"
