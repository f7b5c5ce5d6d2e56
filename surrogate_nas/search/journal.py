"""The journal file that keeps a study: its lock does not outlive a worker, and a trial waits for the disk once."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from optuna.storages import JournalStorage
from optuna.storages.journal import BaseJournalBackend
from optuna.trial import TrialState

from surrogate_nas.journal import drop_torn_line

ENCODER = json.JSONEncoder(separators=(",", ":"))


def journal_storage(path: Path) -> JournalStorage:
    """Return the storage in a journal file, a new one if there is none."""
    path.touch()
    journal = Journal(path)
    journal.append_logs([])  # removes what a kill left of a line
    return JournalStorage(journal)


class Journal(BaseJournalBackend):
    """A line an entry, in the format of Optuna's own journal file, read on from where it was read last.

    Only the end of a trial waits until it is on the disk: that is what was paid for. All else, and so a trial that a
    power cut takes, is done again with the same proposals; no kill of a process takes anything. A file that is away is
    an ``OSError``, never a new file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = 0, 0  # entries that were read, and the bytes that they fill

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """Yield the entries from a number on."""
        number, end = self._seen if self._seen[0] == log_number_from else (0, 0)
        for line in self._lines(end):
            number, end = number + 1, end + len(line) + 1
            self._seen = number, end  # an entry that its reader refuses was read, too
            if number > log_number_from:
                yield json.loads(line)

    def _lines(self, start: int) -> list[bytes]:
        """Return the lines from a byte on, without one that is being written."""
        if self._path.stat().st_size == start:  # mostly so, and quicker found than by opening it
            return []
        file = os.open(self._path, os.O_RDONLY)
        try:
            *lines, _ = os.pread(file, os.fstat(file).st_size - start, start).split(b"\n")
        finally:
            os.close(file)
        return lines

    def append_logs(self, logs: Sequence[Mapping[str, Any]]) -> None:
        """Append the entries."""
        lines = "".join(ENCODER.encode(entry) + "\n" for entry in logs).encode()
        with self._locked() as file:
            while lines:
                lines = lines[os.write(file, lines) :]
            if any(map(_ends_trial, logs)):
                os.fsync(file)

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """Give the open file to one worker at a time; the lock does not outlive a worker that is killed.

        Who gets it removes a line that the last holder was killed in.
        """
        file = os.open(self._path, os.O_RDWR | os.O_APPEND)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            size = os.fstat(file).st_size
            if size and os.pread(file, 1, size - 1) != b"\n":
                drop_torn_line(self._path)
            yield file
        finally:
            os.close(file)


def _ends_trial(entry: Mapping[str, Any]) -> bool:
    return "state" in entry and TrialState(entry["state"]).is_finished()
