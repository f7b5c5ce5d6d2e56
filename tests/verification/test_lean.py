"""A lean training node: PyTorch, NumPy and Hydra are all that a verification needs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

CELL = "|nor_conv_1x1~0|+|none~0|skip_connect~1|+|none~0|none~1|avg_pool_3x3~2|"


def lean(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(Path(__file__).parent / "lean.py"), *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=folder, timeout=300)


def test_a_cell_is_verified_without_the_other_packages(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images = {f"x_{split}": rng.integers(256, size=(60, 8, 8, 3), dtype=np.uint8) for split in ("train", "test")}
    np.savez(tmp_path / "i.npz", **images, y_train=np.arange(60) % 3, y_test=np.arange(60) % 3)
    done = lean(
        "verify",
        f"architectures=['{CELL}']",
        "data=npz",
        "data.path=i.npz",
        *("recipe.epochs=1", "recipe.channels=2", "seeds=[1]", "workers=1", "folder=run"),
        folder=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert 0 <= result["verification"][0]["test"]["mean"] <= 100
    assert "is missing here. Elsewhere: surrogate-nas report" in done.stdout + done.stderr
    assert (tmp_path / "run" / "trainings.csv").is_file()


def test_what_is_hidden_is_missing(tmp_path: Path) -> None:
    """So that the test above can fail: the same node cannot search."""
    done = lean("table", "list", folder=tmp_path)
    assert "ModuleNotFoundError" in done.stderr
