"""The Optuna study of a search: opened in a folder or a database, shared by workers, patient when it is away."""

from __future__ import annotations

import json
import logging
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

import optuna
from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning, StorageInternalError, UpdateFinishedTrialError
from optuna.storages import BaseStorage, InMemoryStorage, RDBStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from surrogate_nas.errors import StudyError, StudyStorageError
from surrogate_nas.run_folder import differences
from surrogate_nas.search.journal import journal_storage
from surrogate_nas.search.measurement import Measured
from surrogate_nas.search.pulse import Alone, FileLocks, Heartbeats, Pulse

FAILURE = "failure"  # user attribute of a trial whose measurement was paid and failed: why
SECONDS = "seconds"  # user attribute of a measured trial: what its training took
ANSWERED = "answered"  # user attribute of a trial that was answered without a measurement
TAKEN_OVER = "taken_over"  # user attribute of a trial that is done again: how often its workers died
IDENTITY = "identity"  # user attribute of a study: what its measurements belong to
MOST_DEATHS = 5  # of workers on one trial, before it counts as one that cannot be measured
AWAY = 300.0  # seconds that a storage may be away
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0  # seconds between two tries
MAKING_TABLES = 10  # seconds in which another worker has made the tables of an empty database
GRACE = 3  # heartbeats that may be missing

Direction = Literal["maximize", "minimize"]
Answer = TypeVar("Answer")
log = logging.getLogger(__name__)


class SharedStudy:
    """The trials of a search, of which several workers take, measure and finish one at a time.

    A worker adds a proposal as a waiting trial with all its parameters. Whoever gets it from waiting to running, which
    a storage lets one worker do, measures it, unless an earlier trial claims the same architecture.

    Args:
        study: of Optuna.
        pulse: the sign of life of the worker that has a trial.
        where: the storage, as messages call it.
    """

    def __init__(self, study: optuna.Study, pulse: Pulse | None = None, *, where: str = "memory") -> None:
        self.study = study
        self.where = where
        self._storage: BaseStorage = study._storage
        self._pulse = pulse or Alone()

    def trials(self) -> list[FrozenTrial]:
        """Return all trials, in the order of their numbers; they must not be changed."""
        return self._patiently(lambda: self._storage.get_all_trials(self.study._study_id, deepcopy=False))

    def propose(
        self, parameters: Mapping[str, Any], distributions: Mapping[str, BaseDistribution], system: Mapping[str, Any]
    ) -> FrozenTrial:
        """Add a trial that waits for a worker, and return it."""
        return self._add(
            create_trial(
                state=TrialState.WAITING,
                params=dict(parameters),
                distributions=dict(distributions),
                system_attrs=dict(system),
            )
        )

    def answer(
        self,
        parameters: Mapping[str, Any],
        distributions: Mapping[str, BaseDistribution],
        system: Mapping[str, Any],
        values: Sequence[float] | None,
    ) -> FrozenTrial:
        """Add a finished trial that was not measured: with the values known before, or failed without any."""
        return self._add(
            create_trial(
                state=TrialState.FAIL if values is None else TrialState.COMPLETE,
                values=values,
                params=dict(parameters),
                distributions=dict(distributions),
                user_attrs={ANSWERED: True},
                system_attrs=dict(system),
            )
        )

    @contextmanager
    def taken(self, trial: FrozenTrial) -> Iterator[bool]:
        """Take a waiting trial for as long as the context lasts; its value is False if another worker was quicker."""
        with self._pulse.held(trial._trial_id) as free:
            yield free and self._patiently(lambda: self._set(trial, TrialState.RUNNING))

    def finish(self, trial: FrozenTrial, measured: Measured, values: tuple[float, ...] | None = None) -> None:
        """Finish a trial that was taken, with what it gave, and the values of all objectives if there are several."""
        key, value = (SECONDS, measured.seconds) if measured.failure is None else (FAILURE, measured.failure)
        state = TrialState.COMPLETE if measured.failure is None else TrialState.FAIL
        values = (values or (measured.value,)) if measured.failure is None else None
        self._patiently(lambda: self._note(trial, key, value))
        self._patiently(lambda: self._set(trial, state, values))

    def withdraw(self, trial: FrozenTrial) -> None:
        """Give up a trial that was taken, unmeasured: an earlier one claims its architecture or the last budget."""
        self._patiently(lambda: self._set(trial, TrialState.FAIL))

    def revive(self) -> None:
        """Have the trials done again whose workers died."""
        self._patiently(lambda: self._pulse.bury(self.study))

    def belongs_to(self, identity: Mapping[str, Any]) -> None:
        """Note what the study belongs to.

        Raises:
            StudyError: it belongs to something else.
        """
        wanted = json.loads(json.dumps(identity))
        known = self._patiently(lambda: self.study.user_attrs).get(IDENTITY)
        if known is None and not self.trials():
            self._patiently(lambda: self.study.set_user_attr(IDENTITY, wanted))
        elif known != wanted:
            what = "no search of this package" if known is None else f"something else: {differences(known, wanted)}"
            raise StudyError(
                f"the study {self.study.study_name!r} in {self.where} belongs to {what}. Choose another one with "
                "study=NAME."
            )

    def _add(self, trial: FrozenTrial) -> FrozenTrial:
        study = self.study._study_id
        trial_id = self._patiently(lambda: self._storage.create_new_trial(study, template_trial=trial))
        return self._patiently(lambda: self._storage.get_trial(trial_id))

    def _note(self, trial: FrozenTrial, key: str, value: Any) -> None:
        try:
            self._storage.set_trial_user_attr(trial._trial_id, key, value)
        except UpdateFinishedTrialError:
            self._explain(trial)

    def _set(self, trial: FrozenTrial, state: TrialState, values: tuple[float, ...] | None = None) -> bool:
        try:
            return self._storage.set_trial_state_values(trial._trial_id, state, values)
        except UpdateFinishedTrialError:
            self._explain(trial)
            return False

    def _explain(self, trial: FrozenTrial) -> None:
        """Say that a trial was finished by somebody else, who took this worker for dead; its measurement is lost."""
        log.debug("trial %d was finished by another worker.", trial.number)

    def _patiently(self, call: Callable[[], Answer]) -> Answer:
        """Return what a call to the storage returns; while the storage is away, try again.

        Raises:
            StudyStorageError: it stayed away for too long.
        """
        start, pause = time.monotonic(), FIRST_PAUSE
        while True:
            try:
                return call()
            except (StorageInternalError, OSError) as error:
                if time.monotonic() - start > AWAY:
                    raise StudyStorageError(
                        f"the storage {self.where} has been away for {AWAY:.0f} seconds ({_reason(error)}). Nothing "
                        "that was measured is lost: give the same command again when it is back."
                    ) from error
                if pause == FIRST_PAUSE:
                    log.warning("the storage %s is away (%s); waiting for it.", self.where, _reason(error))
                time.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)


def open_study(
    folder: Path | None, storage: str | None, *, name: str, directions: Sequence[Direction], heartbeat: int
) -> SharedStudy:
    """Return the study of a name, a new one if there is none.

    Args:
        folder: of the run; the study is a journal in it unless there is a storage.
        storage: the address of a database; without it and a folder, the study is in memory.
        name: of the study.
        directions: "maximize" or "minimize", for each objective.
        heartbeat: seconds between two signs of life of a worker in a database.

    Raises:
        StudyStorageError: the storage cannot be opened.
        StudyError: the study has other directions.
    """
    opened: BaseStorage
    if storage is not None:
        where = shown(storage)
        opened = _database(storage, heartbeat, where)
    elif folder is not None:
        where = str(folder / "study.journal")
        opened = journal_storage(folder / "study.journal")
    else:
        where, opened = "memory", InMemoryStorage()
    # Optuna's default sampler takes a second to import, and is not asked.
    study = optuna.create_study(
        study_name=name,
        storage=opened,
        directions=list(directions),
        load_if_exists=True,
        sampler=optuna.samplers.RandomSampler(),
    )
    there = [direction.name.lower() for direction in study.directions]
    if there != list(directions):
        raise StudyError(
            f"the study {name!r} in {where} has the directions {', '.join(there)}, this search "
            f"{', '.join(directions)}. Choose another one with study=NAME."
        )
    pulse: Pulse = Alone()
    if storage is not None:
        pulse = Heartbeats(study._storage, heartbeat)
    elif folder is not None:
        pulse = FileLocks(folder / "study.running", _again)
    return SharedStudy(study, pulse, where=where)


def _again(study: optuna.Study, dead: FrozenTrial) -> None:
    """Let a trial whose worker died wait for another worker; one that kills them again and again has failed."""
    deaths = dead.user_attrs.get(TAKEN_OVER, 0) + 1
    hopeless = deaths >= MOST_DEATHS
    log.warning("the worker of trial %d died; %s.", dead.number, "it has failed" if hopeless else "it is done again")
    failure = {FAILURE: f"{deaths} workers died while they measured it"} if hopeless else {}
    study.add_trial(
        create_trial(
            state=TrialState.FAIL if hopeless else TrialState.WAITING,
            params=dead.params,
            distributions=dead.distributions,
            user_attrs={TAKEN_OVER: deaths, **failure},
            system_attrs=dead.system_attrs,
        )
    )


def shown(storage: str) -> str:
    """Return the address of a database without its password."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(storage).render_as_string(hide_password=True)
    except ArgumentError as error:
        raise StudyStorageError(
            f"{storage!r} is no address of a storage; expected sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME."
        ) from error


def _database(storage: str, heartbeat: int, where: str) -> RDBStorage:
    """Return the storage in a database.

    Raises:
        StudyStorageError: its driver is not installed, or it cannot be reached.
    """
    from sqlalchemy.exc import IntegrityError, ProgrammingError, SQLAlchemyError

    if storage.startswith("postgresql://"):  # the driver that the extra postgresql installs
        storage = storage.replace("postgresql://", "postgresql+psycopg://", 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        opened = partial(
            RDBStorage,
            storage,
            engine_kwargs={"pool_pre_ping": True},  # a database that was away has dropped its connections
            heartbeat_interval=heartbeat,
            grace_period=GRACE * heartbeat,
            heartbeat_stale_trial_callback=_again,
        )
        try:
            for _ in range(MAKING_TABLES):
                with suppress(IntegrityError, ProgrammingError):  # another worker makes the tables, too
                    return opened()
                time.sleep(1)
            return opened()
        except ImportError as error:
            raise StudyStorageError(
                f"the storage {where} needs a driver that is not installed ({error.__cause__ or error}); for "
                'PostgreSQL: pip install "surrogate-nas[postgresql]".'
            ) from error
        except (SQLAlchemyError, StorageInternalError) as error:
            raise StudyStorageError(
                f"the storage {where} cannot be opened: {_reason(error)}. Check the address; does the database run?"
            ) from error


def _reason(error: BaseException) -> str:
    """Return the first line of the deepest cause of an error."""
    while error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).strip().split("\n")[0].rstrip(".") or type(error).__name__
