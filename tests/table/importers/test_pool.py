"""Parts are read in several processes, and what comes of them is what one process would have made."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from surrogate_nas.errors import ForbiddenTypeError, TableFormatError
from surrogate_nas.table.importers import pool
from surrogate_nas.table.importers.pool import in_order


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "available_cores", lambda: 2)


def slow_when_even(part: int) -> tuple[int, int]:
    """The part, and which process did it; every second one takes longer."""
    time.sleep(0.2 * (part % 2 == 0))
    return part, os.getpid()


def refused(part: int) -> int:
    if part == 3:
        raise ForbiddenTypeError("some.pth is refused: it names os.system")
    return part


def killed(part: int) -> int:
    if part == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return part


def test_results_come_in_the_order_of_the_parts_from_other_processes() -> None:
    parts, processes = zip(*in_order(slow_when_even, range(8), 8), strict=True)
    assert parts == (0, 1, 2, 3, 4, 5, 6, 7)
    assert len({*processes}) == 2
    assert os.getpid() not in processes


def test_few_parts_are_done_here() -> None:
    assert [*in_order(slow_when_even, range(2), 2)] == [(0, os.getpid()), (1, os.getpid())]


def test_one_core_needs_no_other_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "available_cores", lambda: 1)
    assert {process for _, process in in_order(slow_when_even, range(8), 8)} == {os.getpid()}


def test_only_a_few_parts_are_taken_ahead() -> None:
    taken = []

    def parts() -> Iterator[int]:
        for part in range(20):
            taken.append(part)
            yield part

    results = in_order(refused, parts(), 20)
    assert next(results) == 0
    assert len(taken) == 3
    results.close()


def test_an_error_is_the_one_that_was_raised_and_comes_after_what_is_before_it() -> None:
    results = in_order(refused, range(8), 8)
    assert [next(results), next(results), next(results)] == [0, 1, 2]
    with pytest.raises(ForbiddenTypeError, match=r"^some\.pth is refused: it names os\.system$"):
        next(results)


def test_a_killed_process_is_told_in_a_sentence() -> None:
    with pytest.raises(TableFormatError, match="one of the 2 processes that read the source was killed"):
        list(in_order(killed, range(8), 8))


def patient(part: int) -> int:
    time.sleep(600 * (part > 0))
    return part


def test_nobody_waits_for_what_still_runs_when_no_more_is_wanted() -> None:
    results = in_order(patient, range(8), 8)
    assert next(results) == 0
    results.close()  # returns at once, or after ten minutes


SCRIPT = """
import os, time
from surrogate_nas.table.importers import pool
from tests.table.importers.test_pool import slow_when_even, waits
pool.available_cores = lambda: 2
print({!r}, flush=True)
print(sorted(part for part, _ in pool.in_order({}, range(8), 8)))
"""


def waits(part: int) -> tuple[int, int]:
    """Say which process this is, and wait for longer than any test."""
    print(os.getpid(), flush=True)
    time.sleep(600)
    return part, 0


def test_a_script_that_does_not_expect_it_is_not_run_again(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT.format("once", "slow_when_even"))
    done = subprocess.run([sys.executable, tmp_path / "script.py"], env=environment(), capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("once\n[0, 1, 2, 3, 4, 5, 6, 7]\n", "")


def test_no_process_outlives_a_killed_parent(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT.format("started", "waits"))
    command = [sys.executable, tmp_path / "script.py"]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "started\n"
        workers = [int(parent.stdout.readline()), int(parent.stdout.readline())]
        assert all(map(alive, workers))
        parent.kill()
        assert parent.stdout.read() == ""  # which ends with the last process that could write
    while any(map(alive, workers)):  # a little later, or for ever
        time.sleep(0.01)


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}


def alive(process: int) -> bool:
    """Whether a process runs; one that ended and that nobody has asked for is none."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
