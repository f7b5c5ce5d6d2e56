"""The script that measures verification on a GPU runs from end to end, with a few images on the CPU."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PARTS = ["epoch fp32 eager", "epoch bf16 eager", "whole bf16", "three bf16", *["losses"] * 3, "cell 0", "cell 1"]


def measure(folder: Path, *options: str) -> tuple[str, list[dict[str, Any]]]:
    """Return what the script prints and what its results hold."""
    script = [sys.executable, "-m", "benchmarks.verification.run", "gpu", "--tiny", "--out", str(folder), *options]
    done = subprocess.run(script, check=True, cwd=ROOT, capture_output=True, text=True, timeout=600)
    lines = (folder / "gpu-tiny.jsonl").read_text().splitlines()
    return done.stdout, [json.loads(line) for line in lines]


@pytest.mark.slow
def test_one_command_measures_everything_whatever_fails(tmp_path: Path) -> None:
    """A folder stands where a checkpoint belongs: that part fails, and is done when the command is given again."""
    obstacle = tmp_path / "checkpoints" / "whole-bf16-777.npz"
    obstacle.mkdir(parents=True)
    told, records = measure(tmp_path, "--device", "cpu", "--table", "nb201-digits")
    assert [record["part"] for record in records] == PARTS
    (failed,) = (record for record in records if "failed" in record)
    assert failed["part"] == "whole bf16"
    assert "whole-bf16-777.npz" in failed["failed"]
    assert "not measured: whole bf16; table: nb201-digits" in told
    obstacle.rmdir()
    told, records = measure(tmp_path, "--device", "cpu", "--table", "nb201-digits")
    assert [record["part"] for record in records] == [*PARTS, "whole bf16"]
    assert "[1 of 1] whole bf16" in told
    assert "not measured: nothing" in told
