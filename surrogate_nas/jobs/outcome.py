"""What every job leaves: its configuration, its result with what a reader needs to repeat it, and a report."""

from __future__ import annotations

import importlib.metadata
import logging
import os
import platform
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from surrogate_nas.overrides import typed
from surrogate_nas.record import Record, write_aside, write_json
from surrogate_nas.shell import copyable

PACKAGES = (
    "surrogate-nas",
    "torch",
    "torch-geometric",
    "xgboost",
    "optuna",
    "scikit-learn",
    "numpy",
    "pyarrow",
    "hydra-core",
)
log = logging.getLogger(__name__)


def finish(result: Record, config: Mapping[str, Any], folder: Path) -> None:
    """Write the configuration, the result and the report."""
    write_result(result, config, folder)
    try:
        from surrogate_nas.report import write_report

        log.info("report: %s", write_report(folder))
    except ModuleNotFoundError as error:  # a lean training node; the folder has all that a report needs
        log.info("no page: %s is missing here. Elsewhere: surrogate-nas report %s", error.name, folder)


def write_result(result: Record, config: Mapping[str, Any], folder: Path) -> None:
    """Write the configuration and the result."""
    import yaml

    write_aside(folder / "config.yaml", yaml.safe_dump(dict(config), sort_keys=False))
    write_json(folder / "result.json", result)


def circumstances(started: datetime) -> dict[str, Any]:
    """Return what a reader needs to repeat a run."""
    return {
        "command": f"{sys.argv[0]} {copyable(map(typed, sys.argv[1:]))}".strip(),
        "started": started.isoformat(timespec="seconds"),
        "versions": {name: _version(name) for name in PACKAGES},
        "machine": {
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "platform": platform.platform(),
        },
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
