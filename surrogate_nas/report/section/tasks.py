"""Tables of a comparison: where the labels come from, how far they can be trusted, and whom to cite."""

from __future__ import annotations

from surrogate_nas.record import Record
from surrogate_nas.report.run import Run
from surrogate_nas.report.section.base import Section
from surrogate_nas.report.section.table import text
from surrogate_nas.report.wording import NOTHING, count, number, percent, split_name


def section(run: Run) -> Section:
    """Return the provenance and the noise of each table."""
    return Section("tasks", "Tables", {"tasks": {name: _facts(task) for name, task in run.result.tasks.items()}})


def _facts(task: Record) -> dict[str, str]:
    return {
        "space": task.space,
        "methods see": f"{split_name(task.split)} accuracies after {task.epochs} epochs",
        "candidates": NOTHING if task.candidates is None else count(task.candidates),
        "best label": percent(task.optimum),
        "noise ceiling": _noise(task.noise),
        **{name: text(value) for name, value in task.provenance.items() if value},
    }


def _noise(noise: Record | None) -> str:
    """Return in words how far labels can be trusted."""
    if noise is None:
        return "not known here: it takes two trainings of one architecture"
    between = (
        ""
        if noise.kendall_tau is None
        else f"; Kendall's τ between the labels of two seeds: {number(noise.kendall_tau)}"
    )
    return f"two trainings of a cell as good as the best deviate by {noise.points:.2f} points{between}"
