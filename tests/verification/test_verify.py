"""Verifying: each training counts once, what is finished is not trained again, what failed may be tried again."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from pathlib import Path

import pytest

from surrogate_nas.errors import MissingExtraError, SettingError
from surrogate_nas.split import Split
from surrogate_nas.verification.executor import Epoch, Event, Failure, Job, Work
from surrogate_nas.verification.trainer import Training
from surrogate_nas.verification.verify import curves, verify
from tests.verification.small import CELLS, TINY, few_digits


class Scripted:
    """An executor that invents what happens to each job, and remembers the jobs it was given."""

    def __init__(self, *endings: str) -> None:
        self.endings = endings or ("trained",)
        self.jobs: list[Job] = []

    def run(self, jobs: Sequence[Job], work: Work, *, workers: int | None) -> Generator[Event, None, None]:
        for job in jobs:
            self.jobs.append(job)
            text = job.architecture.text
            yield Epoch(text, job.seed, 1, 2.5)
            for ending in self.endings:
                if ending == "trained":
                    yield Epoch(text, job.seed, 2, 1.5)
                    yield Training(text, job.seed, 2, {Split.VALID: 50.0 + job.seed}, (2.5, 1.5), 3.0)
                else:
                    yield Failure(text, job.seed, f"it was {ending}.", final=ending == "diverged")


def test_a_training_counts_once_however_often_it_is_asked_for_or_comes_back(tmp_path: Path) -> None:
    twice = Scripted("trained", "trained")
    records = verify(CELLS[[0, 0]], few_digits, TINY, seeds=[1, 1], executor=twice, folder=tmp_path)
    assert len(twice.jobs) == len(records) == 1
    assert len((tmp_path / "verification.journal").read_text().splitlines()) == 1


@pytest.mark.parametrize(("ending", "tried_again"), [("trained", 0), ("diverged", 0), ("lost", 4)])
def test_resuming_repeats_only_what_might_end_otherwise(ending: str, tried_again: int, tmp_path: Path) -> None:
    first = verify(CELLS, few_digits, TINY, seeds=[1, 2], executor=Scripted(ending), folder=tmp_path)
    again = Scripted()
    second = verify(CELLS, few_digits, TINY, seeds=[1, 2], executor=again, folder=tmp_path)
    assert len(again.jobs) == tried_again
    assert tried_again or second == first
    failure = None if ending == "trained" else f"it was {ending}."
    assert [record.failure for record in first] == [failure] * 4


def test_curves_hold_every_epoch_of_every_training() -> None:
    records = verify(CELLS[:1], few_digits, TINY, seeds=[1], executor=Scripted())
    assert [(row["epoch"], row["learning_rate"], row["loss"]) for row in curves(records, TINY)] == [
        (1, 0.05, 2.5),
        (2, pytest.approx(0.025), 1.5),
    ]


def test_tensorboard_reads_loss_learning_rate_and_accuracy(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="needs the extra tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    verify(CELLS[:1], few_digits, TINY, seeds=[7], executor=Scripted(), folder=tmp_path, tensorboard=True)
    reader = EventAccumulator(str(tmp_path / "tensorboard" / "cell1-seed7"))
    reader.Reload()
    read = {tag: [(event.step, event.value) for event in reader.Scalars(tag)] for tag in reader.Tags()["scalars"]}
    assert read["loss/train"] == [(1, 2.5), (2, 1.5)]
    assert read["accuracy/valid"] == [(2, 57.0)]
    assert set(read) == {"loss/train", "learning_rate", "accuracy/valid"}


def test_tensorboard_without_its_extra_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(
        MissingExtraError, match=r"tensorboard=true needs .* pip install 'surrogate-nas\[tensorboard\]'"
    ):
        verify(CELLS[:1], few_digits, TINY, seeds=[1], executor=Scripted(), folder=tmp_path, tensorboard=True)


def test_the_bar_tells_of_all_trainings_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    verify(CELLS, few_digits, TINY, seeds=[1], executor=Scripted("diverged"), progress=True)
    told = capsys.readouterr().err
    assert "2 of 2 trainings: 100%" in told
    assert "it was diverged." in told


def test_of_what_is_refused_before_it_began_no_bar_stays(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SettingError, match="device must be"):
        verify(CELLS, few_digits, TINY, seeds=[1], device="tpu", progress=True)
    *_, before, last = capsys.readouterr().err.split("\r")
    assert before.strip() == last == ""  # the line was wiped


def test_the_journal_holds_losses_so_that_a_resumed_run_writes_whole_curves(tmp_path: Path) -> None:
    verify(CELLS[:1], few_digits, TINY, seeds=[1], executor=Scripted(), folder=tmp_path)
    assert json.loads((tmp_path / "verification.journal").read_text())["losses"] == [2.5, 1.5]
