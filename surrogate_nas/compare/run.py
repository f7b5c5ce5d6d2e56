"""One run of a comparison: a method on a task with a seed, in whatever process; what it gives is plain JSON values."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from surrogate_nas.compare.method import Method
from surrogate_nas.compare.task import Task, opened
from surrogate_nas.sampler.base import History, Sampler
from surrogate_nas.space import Population, concatenate

FORMAT = 1  # of a run's record; a record of another one is not read
FINISHED, CRASHED, TIMED_OUT = "finished", "crashed", "timed out"
LEFT_OUT = "left out"  # of a comparison of several run folders: what cannot be compared; it counts neither way
NOTE_LENGTH = 300  # characters of an error message that a record keeps


@dataclass(frozen=True)
class Run:
    """What one run is of.

    Attributes:
        method: who takes part.
        task: on what.
        seed: of all that is random in it.
        size: the budget of a search, or the labels that a predictor is fitted to.
        protocol: how a predictor is scored; None for a search.
    """

    method: Method
    task: Task
    seed: int
    size: int
    protocol: str | None = None

    @property
    def key(self) -> dict[str, Any]:
        """What a record of this run begins with."""
        return {
            "format": FORMAT,
            "kind": self.method.kind,
            "method": self.method.name,
            "task": self.task.name,
            "seed": self.seed,
            "size": self.size,
        }

    @functools.cached_property
    def identity(self) -> str:
        """A digest of all that the result depends on."""
        return identity(self.method, self.task, self.protocol)


@functools.cache
def _fingerprint(task: Task) -> str:
    return task.fingerprint


def identity(method: Method, task: Task, protocol: str | None) -> str:
    """Return a digest of a method, the labels of a task and the version of this package."""
    parts = {
        "method": method.identity,
        "labels": _fingerprint(task),
        "split": task.split,
        "epochs": task.epochs,
        "protocol": protocol,
        "version": importlib.metadata.version("surrogate-nas"),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def execute(run: Run) -> dict[str, Any]:
    """Return the record of a run; one of a method that crashed says how."""
    start = time.perf_counter()
    try:
        found = _searched(run) if run.method.kind == "sampler" else _fitted(run)
        status = {"status": FINISHED, "note": "", **found}
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 (anybody's method: whatever it raises, sys.exit() too, is what happened)
        status = {"status": CRASHED, "note": " ".join(f"{type(error).__name__}: {error}".split())[:NOTE_LENGTH]}
    return {**run.key, "identity": run.identity, **status, "wall": time.perf_counter() - start}


def _searched(run: Run) -> dict[str, Any]:
    from surrogate_nas.search import search

    table = opened(run.task.table)
    watched = Watch(run.method.make())
    result = search(
        table=table,
        dataset=run.task.dataset,
        split=run.task.split,
        epochs=run.task.epochs,
        sampler=watched.sampler,
        budget=run.size,
        seed=run.seed,
    )
    texts = [trial.architecture for trial in result.trials]
    rows = table.find(table.space.parse(texts))
    return {
        "note": watched.note(table.population[rows]),
        "architectures": texts,
        "values": _plain([trial[run.task.split] for trial in result.trials]),
        "tests": _plain(run.task.tests()[rows]),
        "seconds": _plain([trial.seconds for trial in result.trials]),
    }


def _fitted(run: Run) -> dict[str, Any]:
    from surrogate_nas.fit import fit

    result = fit(
        table=opened(run.task.table),
        dataset=run.task.dataset,
        split=run.task.split,
        epochs=run.task.epochs,
        predictor=run.method.make(),
        train_size=run.size,
        protocol=str(run.protocol),
        seed=run.seed,
    )
    means = {name: moments["mean"] for name, moments in result.metrics.items() if not name.endswith("_seconds")}
    return {"metrics": dict(zip(means, _plain(list(means.values())), strict=True))}


def _plain(values: Any) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]


class Watch:
    """Counts the proposals of a sampler that could not be measured, and what was measured in their place.

    Args:
        sampler: one of this package's kind, or a factory of Optuna's.

    Attributes:
        sampler: the same, counted.
    """

    def __init__(self, sampler: Any) -> None:
        self.asked = self.known = self.outside = 0
        self.proposed: list[Population] = []
        self.own = isinstance(sampler, Sampler)
        if self.own:
            sampler.ask = functools.partial(self._asked, sampler.ask)
        self.sampler: Any = sampler if self.own else functools.partial(self._made, sampler)

    def note(self, measured: Population) -> str:
        """Return in words what was proposed in vain, of a search that measured these; nothing where nothing was."""
        if not self.own:
            counts = {"proposals measured before or outside the table": self.asked - len(measured)}
        else:
            counts = {
                "proposals measured before": self.known,
                "proposals outside the table": self.outside,
                "drawn at random instead": int((~measured.isin(concatenate(self.proposed))).sum()),
            }
        return "; ".join(f"{what}: {count}" for what, count in counts.items() if count)

    def _asked(self, ask: Callable[..., Population], n: int, history: History, **generator: Any) -> Population:
        proposals = ask(n, history, **generator)
        if not isinstance(proposals, Population):
            return proposals  # the search tells what is wrong with it
        self.proposed.append(proposals)
        known = proposals.isin(history.population)
        self.known += int(known.sum())
        self.outside += int((~known & ~proposals.isin(history.candidates)).sum())
        return proposals

    def _made(self, factory: Callable[..., Any], *, seed: int) -> Any:
        self.asked += 1  # a search makes an Optuna sampler for every question
        return factory(seed=seed)
