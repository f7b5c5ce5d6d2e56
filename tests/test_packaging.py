"""The built wheel holds configuration and embedded table, and works from any folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

CHECKOUT = Path(__file__).parent.parent


@pytest.mark.slow
def test_an_installed_wheel_runs_a_search_from_any_folder(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path, CHECKOUT], check=True
    )
    (wheel,) = tmp_path.glob("surrogate_nas-*.whl")
    held = set(ZipFile(wheel).namelist())
    assert "surrogate_nas/table/embedded/nb201-digits.parquet" in held
    assert "surrogate_nas/predictor/shipped/nb201-digits.safetensors" in held
    source = {path.relative_to(CHECKOUT).as_posix() for path in (CHECKOUT / "conf").rglob("*.yaml")}
    assert {f"surrogate_nas/{name}" for name in source} <= held
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--target", tmp_path / "site", wheel], check=True)
    anywhere = tmp_path / "anywhere"
    anywhere.mkdir()
    code = (
        "import surrogate_nas, surrogate_nas.cli, sys; print(surrogate_nas.__file__); "
        "sys.exit(surrogate_nas.cli.main(['search', 'budget=12', 'verification.top=0', 'folder=run']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=anywhere,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / "site") in done.stdout  # the installed package, not the checkout
    assert json.loads((anywhere / "run" / "result.json").read_text())["queries"] == 12
    assert (anywhere / "run" / "report.html").exists()
