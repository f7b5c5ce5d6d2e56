"""Parts of a comparison that a Hydra launcher starts: on this machine's cores, or as jobs of a batch system."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from surrogate_nas import compare
from surrogate_nas.compare.pool import read_records
from surrogate_nas.table import Table
from surrogate_nas.table.parquet import write_table
from tests.slurm_node import slurm_node


@pytest.mark.slow
@pytest.mark.parametrize(
    ("launcher", "module", "cluster"),
    [
        ("joblib", "hydra_joblib_launcher", nullcontext),
        ("submitit_local", "hydra_submitit_launcher", nullcontext),
        ("submitit_slurm", "hydra_submitit_launcher", slurm_node),
    ],
)
def test_parts_that_are_launched_are_those_of_the_whole(
    launcher: str,
    module: str,
    cluster: Callable[[], AbstractContextManager[None]],
    small_table: Table,
    tmp_path: Path,
) -> None:
    pytest.importorskip(f"hydra_plugins.{module}", reason="needs the extra 'launchers'")
    write_table(small_table, tmp_path / "small.parquet")
    shared = ["samplers=[random,evolution]", "budget=6", "workers=1", f"table={tmp_path / 'small.parquet'}"]
    command = [sys.executable, "-m", "surrogate_nas", "compare", "-m", f"hydra/launcher={launcher}", "seeds=[0],[1]"]
    with cluster():
        done = subprocess.run(
            [*command, "hydra.sweep.dir=parts", *shared], cwd=tmp_path, capture_output=True, text=True, timeout=300
        )
    assert done.returncode == 0, done.stderr
    parts = [read_records(tmp_path / "parts" / number) for number in ("0", "1")]
    whole = compare(
        tables=[str(tmp_path / "small.parquet")], samplers=["random", "evolution"], seeds=2, budget=6, workers=1
    )
    assert values([record for part in parts for record in part]) == values(whole.records)


def values(records: list[dict[str, Any]]) -> dict[tuple[str, int], list[float]]:
    """What each method measured with each seed."""
    return {(record["method"], record["seed"]): record["values"] for record in records}
