"""How to repeat: the command, the configuration, the versions and the machine."""

from __future__ import annotations

from surrogate_nas.report.run import Run
from surrogate_nas.report.section.base import Section


def section(run: Run) -> Section:
    """Return what a reader needs to run the same again."""
    result = run.result
    versions = {name: version for name, version in result.versions.items() if version is not None}
    machine = {name: str(value) for name, value in result.machine.items()}
    seed = {} if result.get("seed") is None else {"seed": str(result.seed)}
    values = {
        "command": result.command,
        "configuration": run.configuration,
        "circumstances": {"started": result.started, **seed, **machine},
        "versions": versions,
    }
    return Section("repeat", "How to repeat", values)
