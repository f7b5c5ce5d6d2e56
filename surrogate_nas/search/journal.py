"""The journal file that keeps a study: its lock does not outlive a worker, and a trial waits for the disk once."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from surrogate_nas.journal import drop_torn_line

ENCODER = json.JSONEncoder(separators=(",", ":"))


def journal_storage(path: Path) -> JournalStorage:
    """Return the storage in a journal file, after removing what a kill left of a line."""
    lock = JournalLock(path)
    lock.acquire()
    lock.release()
    return JournalStorage(Journal(path, lock))


class Journal(JournalFileBackend):
    """Optuna's journal file, except that only the end of a trial waits until it is on the disk.

    That is what was paid for. All else, and so a trial that a power cut takes, is done again with the same proposals;
    no kill of a process takes anything.
    """

    def __init__(self, path: Path, lock: JournalLock) -> None:
        super().__init__(str(path), lock_obj=lock)  # type: ignore[arg-type]  # as good as theirs
        self._path = path
        self._held = lock

    def append_logs(self, logs: Sequence[Mapping[str, Any]]) -> None:
        """Append a line for each entry."""
        lines = "".join(ENCODER.encode(entry) + "\n" for entry in logs)
        self._held.acquire()
        try:
            with self._path.open("ab") as file:
                file.write(lines.encode())
                file.flush()
                if any(map(_ends_trial, logs)):
                    os.fsync(file.fileno())
        finally:
            self._held.release()


def _ends_trial(entry: Mapping[str, Any]) -> bool:
    return "state" in entry and TrialState(entry["state"]).is_finished()


class JournalLock:
    """The lock of a journal file: unlike Optuna's own ones, it does not outlive a worker that is killed.

    Who gets it removes a line that the last holder was killed in.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = -1

    def acquire(self) -> bool:
        """Wait for the lock."""
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        size = os.fstat(self._file).st_size
        if size and os.pread(self._file, 1, size - 1) != b"\n":
            drop_torn_line(self._path)
        return True

    def release(self) -> None:
        """Release the lock."""
        os.close(self._file)
