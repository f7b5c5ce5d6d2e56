"""The architecture of the package: imports point one way, and importing it loads nothing heavy."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import surrogate_nas

PACKAGE = Path(surrogate_nas.__file__).parent

# What each part may import besides itself and the modules that belong to all of them.
COMMON = {"errors", "extras", "settings", "split", "record", "journal", "pareto", "threads", "worker_process"}
ALLOWED: dict[str, set[str]] = {
    "space": set(),
    "encoding": {"space"},
    "predictor": {"space", "encoding"},
    "sampler": {"space", "encoding", "predictor"},
    "table": {"space"},
    "verification": {"space"},
}


def imported(path: Path) -> set[str]:
    """Return the parts of the package that a module imports, anywhere in it."""
    parts = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        parts |= {name.split(".")[1] for name in names if name.startswith("surrogate_nas.")}
    return parts


@pytest.mark.parametrize("part", ALLOWED)
def test_imports_point_one_way(part: str) -> None:
    modules = sorted((PACKAGE / part).rglob("*.py"))
    assert modules
    wrong = {
        str(module.relative_to(PACKAGE)): surplus
        for module in modules
        if (surplus := imported(module) - ALLOWED[part] - COMMON - {part})
    }
    assert wrong == {}


@pytest.mark.parametrize("part", ["encoding", "predictor", "sampler"])
def test_what_could_leak_labels_cannot_see_a_table(part: str) -> None:
    assert all("table" not in imported(module) for module in (PACKAGE / part).rglob("*.py"))


def test_what_all_parts_share_depends_on_none_of_them() -> None:
    assert {name: imported(PACKAGE / f"{name}.py") - COMMON for name in COMMON} == {name: set() for name in COMMON}


def test_importing_the_package_loads_neither_torch_nor_xgboost() -> None:
    program = "import sys, surrogate_nas; print(*{'torch', 'torch_geometric', 'xgboost', 'optuna'} & set(sys.modules))"
    output = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert output.stdout.split() == []
