"""Train architectures with several seeds each, and summarise what they reach."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from surrogate_nas.journal import append, read
from surrogate_nas.record import Record
from surrogate_nas.space.population import Population
from surrogate_nas.split import Split
from surrogate_nas.verification.data import ImageTask
from surrogate_nas.verification.executor import Failure, Job, run_trainings
from surrogate_nas.verification.recipe import Recipe
from surrogate_nas.verification.trainer import Training

MEASURED = (Split.VALID, Split.TEST)


def verify(
    architectures: Population,
    make_task: Callable[[], ImageTask],
    recipe: Recipe,
    *,
    seeds: Sequence[int],
    workers: int | None = None,
    device: str = "auto",
    journal: Path | None = None,
    progress: bool = False,
) -> list[Record]:
    """Train each architecture once for each seed.

    Args:
        architectures: what to train.
        make_task: makes the images, once in each worker; must be picklable.
        recipe: how to train.
        seeds: of the trainings.
        workers: trainings at the same time; None for one a core.
        device: a torch device; "auto" for the GPU where there is one.
        journal: where finished trainings are remembered, so that a verification can be resumed; None for nowhere.
        progress: show a progress bar.

    Returns:
        A record a training: architecture, seed, valid and test (percent; None where the task has no such images or the
        training failed), seconds, and failure (None, or why it failed), in the order of architectures and seeds.
    """
    finished = {(record["architecture"], record["seed"]): record for record in (read(journal) if journal else [])}
    jobs = [Job(architecture, seed) for architecture in architectures for seed in seeds]
    todo = [job for job in jobs if (job.architecture.text, job.seed) not in finished]
    results = run_trainings(todo, make_task, recipe, workers=workers, device=device)
    for result in tqdm(results, total=len(todo), unit="training", disable=not progress):
        record = _record(result)
        if journal:
            append(journal, record)
        finished[result.architecture, result.seed] = record
    return [Record(finished[job.architecture.text, job.seed]) for job in jobs]


def summarise(trainings: Iterable[Record]) -> list[Record]:
    """Return a record an architecture: seeds, mean and deviation over the seeds of each accuracy, seconds, failures.

    The deviation is the sample's (n - 1); None for a single seed.
    """
    by_architecture: dict[str, list[Record]] = {}
    for training in trainings:
        by_architecture.setdefault(training.architecture, []).append(training)
    return [
        Record(
            architecture=architecture,
            seeds=[training.seed for training in group],
            **{str(split): _moments([training[split] for training in group]) for split in MEASURED},
            seconds=sum(training.seconds or 0.0 for training in group),
            failures=[training.failure for training in group if training.failure],
        )
        for architecture, group in by_architecture.items()
    ]


def _record(result: Training | Failure) -> dict[str, Any]:
    if isinstance(result, Failure):
        nothing = dict.fromkeys(map(str, MEASURED))
        return {
            "architecture": result.architecture,
            "seed": result.seed,
            **nothing,
            "seconds": None,
            "failure": result.reason,
        }
    return {
        "architecture": result.architecture,
        "seed": result.seed,
        **{str(split): result.accuracy.get(split) for split in MEASURED},
        "seconds": result.seconds,
        "failure": None,
    }


def _moments(values: Sequence[float | None]) -> dict[str, float | None] | None:
    known = [value for value in values if value is not None]
    if not known:
        return None
    return {"mean": float(np.mean(known)), "std": float(np.std(known, ddof=1)) if len(known) > 1 else None}
