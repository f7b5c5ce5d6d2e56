"""Winners: the cells that runs ended with, drawn, and which method found each how often."""

from __future__ import annotations

from surrogate_nas.report.cell import drawing
from surrogate_nas.report.run import Run
from surrogate_nas.report.section.base import Section
from surrogate_nas.space import get_space

SHOWN = 12  # of each task


def section(run: Run) -> Section:
    """Return the most frequent winners of each task."""
    result = run.result
    rows = []
    for name, task in result.tasks.items():
        own = [row for row in result.winners if row.task == name]
        space = get_space(task.space)
        rows += [(row, drawing(space.parse(row.architecture), labelled=False)) for row in own[:SHOWN]]
    values = {
        "rows": rows,
        "all": len(result.winners),
        "methods": result.methods,
        "several": len(result.tasks) > 1,
        "tasks": result.tasks,
    }
    return Section("winners", "What was found", values)
