"""The job ``verify``: what a run leaves behind, and how it goes on."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.command import COMMAND, surrogate_nas
from tests.conftest import CONVOLUTIONS


def test_verify_trains_given_architectures(tmp_path: Path) -> None:
    done = surrogate_nas(
        "verify",
        f"architectures='{CONVOLUTIONS}'",  # a list of one may be given without its brackets
        "seeds=[1,2]",
        "recipe.epochs=1",
        "data.train=200",
        "table=nb201-digits",
        "forecast=nb201-digits",  # a fitted predictor that ships with the package; a file that fit saved does, too
        "folder=run",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    (cell,) = json.loads((tmp_path / "run" / "result.json").read_text())["verification"]
    assert cell["architecture"] == CONVOLUTIONS
    assert cell["seeds"] == [1, 2]
    assert 0 < cell["valid"]["mean"] < 100
    assert cell["failures"] == []
    assert cell["forecast"]["std"] > 0


def test_a_training_that_diverges_is_a_recorded_failure(tmp_path: Path) -> None:
    done = surrogate_nas(
        "verify",
        f"architectures=['{CONVOLUTIONS}']",
        "seeds=[1]",
        "recipe.epochs=1",
        "recipe.learning_rate=1e30",
        "data.train=200",
        "folder=run",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    (cell,) = json.loads((tmp_path / "run" / "result.json").read_text())["verification"]
    assert cell["valid"] is None
    assert "diverged" in cell["failures"][0]


@pytest.mark.slow
def test_sigterm_leaves_a_checkpoint_from_which_the_same_command_goes_on(tmp_path: Path) -> None:
    def verify(folder: str) -> list[str]:
        settings = ("recipe.epochs=12", "data.train=300", "data.views=1", "seeds=[1]", f"folder={folder}")
        return [*COMMAND, "verify", f"architectures=['{CONVOLUTIONS}']", *settings]

    running = subprocess.Popen(verify("run"), cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    while running.poll() is None and not list(tmp_path.glob("run/checkpoints/*.npz")):
        time.sleep(0.01)
    running.send_signal(signal.SIGTERM)
    _, complaint = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "interrupted; nothing is lost. Go on with: surrogate-nas verify" in complaint
    assert len(list(tmp_path.glob("run/checkpoints/*.npz"))) == 1
    for folder in ("run", "whole"):
        done = subprocess.run(verify(folder), cwd=tmp_path, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "curves.csv").read_bytes() == (tmp_path / "whole" / "curves.csv").read_bytes()
    assert not list(tmp_path.glob("run/checkpoints/*.npz"))
