"""The script that measures verification on a GPU runs from end to end, with a few images on the CPU."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_gpu_benchmark_runs_from_end_to_end(tmp_path: Path) -> None:
    script = [sys.executable, "-m", "benchmarks.verification.run", "gpu", "--tiny", "--device", "cpu"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([*script, "--out", str(tmp_path)], check=True, cwd=ROOT, env=environment, timeout=600)
    machine, *records = [json.loads(line) for line in (tmp_path / "gpu-tiny.jsonl").read_text().splitlines()]
    assert machine["torch"]
    assert {record["question"] for record in records} == {
        "seconds of an epoch",
        "three seeds at once against one",
        "whole run",
    }
