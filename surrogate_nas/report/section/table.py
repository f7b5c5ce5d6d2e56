"""Table: where the numbers come from and whom to cite; of a search by training, how it trained."""

from __future__ import annotations

from collections.abc import Mapping

from surrogate_nas.report.run import Run
from surrogate_nas.report.section.base import Section
from surrogate_nas.report.wording import split_name


def section(run: Run) -> Section:
    """Return the provenance of the table that measurements were read from, or of the trainings that gave them."""
    result = run.result
    facts = {
        **({} if result.table is None else {"table": result.table}),
        "space": result.space,
        "data set": result.dataset,
        "split": split_name(result.split),
        "epochs": str(result.epochs),
        **{name: text(value) for name, value in result.provenance.items() if value},
    }
    return Section("table", "Training" if result.table is None else "Table", {"facts": facts})


def text(value: object) -> str:
    """Return a value as text, settings inside settings in parentheses."""
    if not isinstance(value, Mapping):
        return str(value)
    parts = ((name.replace("_", " "), text(part), isinstance(part, Mapping)) for name, part in value.items())
    return ", ".join(f"{name} ({text})" if nested else f"{name} {text}" for name, text, nested in parts)
