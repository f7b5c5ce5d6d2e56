"""Many runs, several at a time, each recorded as soon as it has ended: killed at any moment, what ended is kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, as_completed
from concurrent.futures import TimeoutError as RunTimeoutError
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from pebble import ProcessExpired, ProcessPool

from surrogate_nas import journal
from surrogate_nas.compare.run import CRASHED, FORMAT, TIMED_OUT, Run, execute
from surrogate_nas.errors import RunFolderError
from surrogate_nas.worker_process import spawning

JOURNAL = "runs.journal"
Report = Callable[[dict[str, Any]], None]
SLOWEST = "surrogate_nas.search"  # to import
# Whose threads would make a result depend on how many cores are free, and two processes slower than one.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
# A method that walks through a set of texts, as SMAC does, would differ between processes without a fixed hash.
REPEATABLE = {**dict.fromkeys(THREAD_VARIABLES, "1"), "PYTHONHASHSEED": "0"}


def execute_all(
    runs: Sequence[Run], *, folder: Path, workers: int, time_limit: float, ended: Report
) -> list[dict[str, Any]]:
    """Return the record of each run, in the order of the runs; those that the folder holds are not run again.

    Args:
        runs: what to run.
        folder: where each record is kept as soon as its run has ended.
        workers: processes at the same time.
        time_limit: seconds of wall time after which a run is ended by force and recorded as timed out.
        ended: is given each record, also those that were there before.

    Raises:
        RunFolderError: the folder holds records of an older version, or of methods or tables that have changed since.
    """
    records = _known(runs, folder, time_limit)
    for record in records.values():
        ended(record)
    missing = [run for run in runs if _key(run.key) not in records]
    for record in _pooled(missing, workers, time_limit):
        journal.append(folder / JOURNAL, record)
        records[_key(record)] = record
        ended(record)
    return [records[_key(run.key)] for run in runs]


def read_records(folder: Path) -> list[dict[str, Any]]:
    """Return all records that a folder holds.

    Raises:
        RunFolderError: the journal is damaged, or of another version.
    """
    path = folder / JOURNAL
    try:
        records = journal.read(path)
        formats = {record["format"] for record in records}
    except (ValueError, KeyError, TypeError) as error:
        raise RunFolderError(f"{path} is damaged ({error}); choose another folder.") from error
    if formats - {FORMAT}:
        raise RunFolderError(
            f"{path} is of format {min(formats - {FORMAT})}, and this version writes {FORMAT}; choose another folder."
        )
    return records


def _known(runs: Sequence[Run], folder: Path, time_limit: float) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Return the records that need not be made again: all but those that had less time than now."""
    wanted = {_key(run.key): run for run in runs}
    found = {}
    for record in read_records(folder):
        run = wanted.get(_key(record))
        if run is None or (record["status"] == TIMED_OUT and record["time_limit"] < time_limit):
            continue
        if record["identity"] != run.identity:
            raise RunFolderError(
                f"the folder {folder} holds runs of {run.method.name!r} on {run.task.name} from before its settings, "
                "its source, the labels or this package changed; choose another folder."
            )
        found[_key(record)] = record
    return found


def _key(record: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(record[name] for name in ("kind", "method", "task", "seed", "size"))


def _pooled(runs: Sequence[Run], workers: int, time_limit: float) -> Iterator[dict[str, Any]]:
    """Yield the record of each run as it ends; a process that hangs or dies is replaced by a new one."""
    if not runs:
        return
    with _repeatable(), _started(workers) as pool:
        futures: dict[Future[dict[str, Any]], Run] = {
            pool.schedule(execute, args=[run], timeout=time_limit): run for run in runs
        }
        try:
            for future in as_completed(futures):
                run = futures[future]
                try:
                    yield future.result()
                except RunTimeoutError:
                    lost = _failed(run, TIMED_OUT, f"no end after {time_limit:g} seconds")
                    yield {**lost, "time_limit": time_limit, "wall": time_limit}
                except ProcessExpired as error:
                    yield {**_failed(run, CRASHED, f"its process died with exit code {error.exitcode}"), "wall": 0.0}
        except BaseException:
            pool.stop()  # type: ignore[no-untyped-call]  # whatever still runs; without it the block would wait for its end
            raise


def _started(workers: int) -> ProcessPool:
    """Return a pool whose processes have imported what runs need before the time of the first one begins."""
    return ProcessPool(max_workers=workers, context=spawning(), initializer=import_module, initargs=[SLOWEST])


def _failed(run: Run, status: str, note: str) -> dict[str, Any]:
    return {**run.key, "identity": run.identity, "status": status, "note": note}


@contextmanager
def _repeatable() -> Iterator[None]:
    """Let the processes that are started meanwhile use one thread and the same hashes."""
    before = {name: os.environ.get(name) for name in REPEATABLE}
    os.environ.update(REPEATABLE)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
