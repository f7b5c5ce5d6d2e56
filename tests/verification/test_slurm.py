"""Jobs of Slurm: through submitit's own executor on this machine, and on a Slurm of one node where it is installed."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from submitit.local.local import LocalJob

from surrogate_nas.errors import MissingExtraError, SettingError
from surrogate_nas.verification import slurm
from surrogate_nas.verification.executor import Epoch, Failure, Job, Work
from surrogate_nas.verification.slurm import SlurmExecutor
from surrogate_nas.verification.trainer import Training
from tests.slurm_node import slurm_node
from tests.verification.small import CELLS, TINY, few_digits

pytest.importorskip("submitit", reason="needs the extra slurm")


@pytest.mark.slow
def test_submitit_on_this_machine_trains_and_continues_after_a_preemption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slurm, "POLL_SECONDS", 0.2)
    jobs: list[LocalJob[Training]] = []
    kept = SlurmExecutor._submit

    def remembered(self: SlurmExecutor, *given: object) -> list[LocalJob[Training]]:
        jobs.extend(kept(self, *given))  # type: ignore[arg-type]
        return jobs

    monkeypatch.setattr(SlurmExecutor, "_submit", remembered)
    work = Work(few_digits, replace(TINY, epochs=20), folder=tmp_path)
    told = []
    for event in SlurmExecutor(cluster="local", minutes=5).run([Job(cell, 1) for cell in CELLS], work):
        told.append(event)
        if isinstance(event, Epoch) and len(told) == 1:
            started_by = jobs[0]._process.pid
            (task,) = Path(f"/proc/{started_by}/task/{started_by}/children").read_text().split()
            os.kill(int(task), signal.SIGUSR2)  # as Slurm does before it takes a node away
    trained = [event for event in told if isinstance(event, Training)]
    assert sorted(event.architecture for event in trained) == sorted(CELLS.texts)
    assert [len(event.losses) for event in trained] == [20, 20]
    assert "Requeued job" in "".join(log.read_text() for log in (tmp_path / "slurm").glob("*_log.out"))
    epochs = Counter((event.architecture, event.epoch) for event in told if isinstance(event, Epoch))
    assert len(epochs) == 2 * 20  # each was reported,
    assert sum(epochs.values()) <= 2 * 20 + 2  # and only what came after the checkpoint was trained again


@pytest.fixture
def slurm_of_one_node() -> Iterator[None]:
    with slurm_node():
        yield


def squeue(state: str) -> list[str]:
    """The numbers of the jobs in a state."""
    asked = ("squeue", "--noheader", "--format=%A", f"--states={state}")
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()


def preempt_once(started: Path) -> None:
    """Take the node away from a training that has begun, and give it back at once instead of after two minutes."""
    while not list(started.glob("*.epochs")):
        time.sleep(0.1)
    job = squeue("RUNNING")[0]
    subprocess.run(["scancel", "--signal=USR2", job], check=True)
    while job not in squeue("PENDING"):
        time.sleep(0.1)
    subprocess.run(["scontrol", "update", f"JobId={job}", "StartTime=now"], check=True)


def kill_once() -> None:
    """Kill the first training as soon as it runs."""
    while not (running := squeue("RUNNING")):
        time.sleep(0.1)
    subprocess.run(["scancel", "--signal=KILL", *running], check=True)


@pytest.mark.slow
@pytest.mark.usefixtures("slurm_of_one_node")
def test_slurm_itself_trains_and_goes_on_after_a_preemption(tmp_path: Path) -> None:
    work = Work(few_digits, replace(TINY, epochs=40), folder=tmp_path)
    preempting = threading.Thread(target=preempt_once, args=[tmp_path / "slurm"], daemon=True)
    preempting.start()
    told = list(SlurmExecutor(minutes=5).run([Job(cell, 1) for cell in CELLS], work))
    preempting.join()
    trained = [event for event in told if isinstance(event, Training)]
    assert sorted(event.architecture for event in trained) == sorted(CELLS.texts)
    assert [len(event.losses) for event in trained] == [40, 40]
    assert "Requeued job" in "".join(log.read_text() for log in (tmp_path / "slurm").glob("*_log.out"))


@pytest.mark.slow
@pytest.mark.usefixtures("slurm_of_one_node")
def test_a_job_that_is_killed_is_recorded_and_the_other_one_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This Slurm keeps no accounts, so that only its queue tells."""
    monkeypatch.setattr(slurm, "QUEUE_SECONDS", 1.0)
    monkeypatch.setattr(slurm, "POLL_SECONDS", 0.1)
    work = Work(few_digits, replace(TINY, epochs=40), folder=tmp_path)
    killing = threading.Thread(target=kill_once, daemon=True)
    killing.start()
    told = list(SlurmExecutor(minutes=5).run([Job(cell, 1) for cell in CELLS], work, workers=1))
    killing.join()
    (failure,) = [event for event in told if isinstance(event, Failure)]
    assert (
        failure.reason
        == f"the Slurm job of {failure.architecture} with seed 1 failed: it left no result in {tmp_path}/slurm"
    )
    (trained,) = [event for event in told if isinstance(event, Training)]
    assert sorted([failure.architecture, trained.architecture]) == sorted(CELLS.texts)


def test_without_slurm_there_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SettingError, match="Slurm does not take the trainings: Could not detect"):
        list(SlurmExecutor().run([Job(CELLS[0], 1)], Work(few_digits, TINY, folder=tmp_path)))


def test_a_refused_submission_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs, folder = tmp_path / "programs", tmp_path / "run"
    programs.mkdir()
    for name in ("srun", "sbatch"):
        (programs / name).write_text("#!/bin/sh\necho no such partition >&2\nexit 1\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    folder.mkdir()
    with pytest.raises(SettingError, match=r"Slurm does not take the trainings: .*no such partition"):
        next(SlurmExecutor().run([Job(CELLS[0], 1)], Work(few_digits, TINY, folder=folder)))
    assert list(folder.iterdir()) == []


def test_a_folder_is_needed_since_nodes_meet_there() -> None:
    with pytest.raises(SettingError, match="needs a run folder that all nodes share"):
        list(SlurmExecutor().run([Job(CELLS[0], 1)], Work(few_digits, TINY)))


def test_a_missing_extra_and_impossible_numbers_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingError, match=r"executor\.minutes must be at least 1, got 0"):
        SlurmExecutor(minutes=0)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"executor=slurm needs .* pip install 'surrogate-nas\[slurm\]'"):
        SlurmExecutor()
