"""How workers know that another one has died in the middle of a trial."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import optuna
from optuna.exceptions import ExperimentalWarning, OptunaError, UpdateFinishedTrialError
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

Again = Callable[[optuna.Study, FrozenTrial], None]


class Pulse(Protocol):
    """The sign of life of a worker while it has a trial."""

    def held(self, trial_id: int) -> contextlib.AbstractContextManager[bool]:
        """Give the sign while the context lasts; the context's value is False if another worker gives it."""

    def bury(self, study: optuna.Study) -> None:
        """Fail each running trial without a sign of life, and say that it has to be done again."""


class Alone:
    """In memory there is no other worker."""

    @contextmanager
    def held(self, trial_id: int) -> Iterator[bool]:
        """Do nothing."""
        yield True

    def bury(self, study: optuna.Study) -> None:
        """Do nothing."""


class FileLocks:
    """On one machine: a worker locks one byte of a file for each trial; a lock does not outlive its process.

    Args:
        path: of the file.
        again: called with each trial that has to be done again.
    """

    def __init__(self, path: Path, again: Again) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT)
        self._again = again
        self._own: set[int] = set()  # a process does not see its own locks

    @contextmanager
    def held(self, trial_id: int) -> Iterator[bool]:
        """Lock the byte of the trial."""
        if not self._lock(trial_id):
            yield False
            return
        self._own.add(trial_id)
        try:
            yield True
        finally:
            self._own.discard(trial_id)
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, trial_id)

    def bury(self, study: optuna.Study) -> None:
        """Fail the running trials whose bytes are free."""
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if trial._trial_id in self._own or not self._lock(trial._trial_id):
                continue
            try:
                failed = study._storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)
            except UpdateFinishedTrialError:  # its worker finished it, or another one was quicker
                failed = False
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN, 1, trial._trial_id)
            if failed:
                self._again(study, trial)

    def _lock(self, trial_id: int) -> bool:
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, trial_id)
        except OSError:
            return False
        return True


class Heartbeats:
    """On several machines: a worker tells the database again and again, in a thread, that its trial is alive.

    Args:
        storage: with heartbeats.
        interval: seconds between two of them.
    """

    def __init__(self, storage: BaseStorage, interval: float) -> None:
        self._storage = storage
        self._interval = interval
        self._trial_id: int | None = None
        self._thread: threading.Thread | None = None

    @contextmanager
    def held(self, trial_id: int) -> Iterator[bool]:
        """Keep the trial alive."""
        self._record(trial_id)
        self._trial_id = trial_id
        if self._thread is None:
            self._thread = threading.Thread(target=self._beat, daemon=True)
            self._thread.start()
        try:
            yield True
        finally:
            self._trial_id = None

    def bury(self, study: optuna.Study) -> None:
        """Let Optuna fail the running trials whose last heartbeat is too long ago; the storage does them again."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            optuna.storages.fail_stale_trials(study)

    def _beat(self) -> None:
        pause = threading.Event()
        while not pause.wait(self._interval):
            if (trial_id := self._trial_id) is not None:
                self._record(trial_id)

    def _record(self, trial_id: int) -> None:
        with contextlib.suppress(OptunaError):  # the database is away; the loop notices, and waits for it
            self._storage.record_heartbeat(trial_id)  # type: ignore[attr-defined]  # of storages with heartbeats
