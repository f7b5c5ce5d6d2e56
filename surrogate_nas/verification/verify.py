"""Train architectures with several seeds each, and summarise what they reach."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import numpy as np

from surrogate_nas.journal import append, read
from surrogate_nas.record import Record
from surrogate_nas.space.population import Population
from surrogate_nas.split import Split
from surrogate_nas.verification.data import ImageTask
from surrogate_nas.verification.executor import Epoch, Executor, Failure, Job, Work
from surrogate_nas.verification.local import LocalExecutor
from surrogate_nas.verification.recipe import Recipe
from surrogate_nas.verification.trainer import Training
from surrogate_nas.verification.watching import ProgressBar, TensorBoard

MEASURED = (Split.VALID, Split.TEST)
JUDGED = ("difference", "deviation", "freedom", "p", "p_holm", "agrees")  # see ``surrogate_nas.verdict``


def verify(
    architectures: Population,
    make_task: Callable[[], ImageTask],
    recipe: Recipe,
    *,
    seeds: Sequence[int],
    workers: int | None = None,
    device: str = "auto",
    precision: str = "fp32",
    compiled: bool | None = None,
    checkpoint_every: int = 1,
    executor: Executor | None = None,
    folder: Path | None = None,
    progress: bool = False,
    tensorboard: bool = False,
) -> list[Record]:
    """Train each architecture once for each seed.

    Args:
        architectures: what to train.
        make_task: makes the images, once in each process; must be picklable.
        recipe: how to train.
        seeds: of the trainings.
        workers: trainings at the same time; None for as many as the executor has room for.
        device: a torch device; "auto" for the GPU where there is one.
        precision: "fp32", "tf32" or "bf16"; see ``train``.
        compiled: let torch.compile fuse the network's kernels; None for where it pays.
        checkpoint_every: epochs between two checkpoints of a training.
        executor: where the trainings run; None for processes of this machine.
        folder: of the run. Its journal remembers finished trainings and its checkpoints unfinished ones, so that a
            verification can be resumed: a training counts once, however often it was tried. None to remember nothing.
        progress: show how far all trainings are.
        tensorboard: write learning curves to ``folder``'s ``tensorboard`` while they grow.

    Returns:
        A record a training: architecture, seed, valid and test (percent; None where the task has no such images or the
        training failed), seconds, failure (None, or why it failed), and losses (mean training loss of each epoch), in
        the order of architectures and seeds.

    Raises:
        DataError: the images cannot be trained on.
        SettingError: there is no such device or precision.
        CheckpointError: a checkpoint in the folder is damaged, of another run or of another version.
        MissingExtraError: TensorBoard is asked for and not installed.
    """
    journal = None if folder is None else folder / "verification.journal"
    finished = {(record["architecture"], record["seed"]): record for record in (read(journal) if journal else [])}
    jobs = {(one.text, seed): Job(one, seed) for one in architectures for seed in seeds}
    todo = [job for key, job in jobs.items() if key not in finished]
    work = Work(make_task, recipe, device, precision, compiled, folder, checkpoint_every)
    with ExitStack() as stack:
        watchers: list[Any] = []
        if progress:
            watchers.append(stack.enter_context(ProgressBar(len(todo), recipe.epochs)))
        if tensorboard and folder is not None:
            watchers.append(stack.enter_context(TensorBoard(folder / "tensorboard", list(jobs), recipe)))
        for event in stack.enter_context(closing((executor or LocalExecutor()).run(todo, work, workers=workers))):
            for watcher in watchers:
                watcher.see(event)
            if isinstance(event, Epoch) or (event.architecture, event.seed) in finished:
                continue
            record = _record(event)
            if journal and (isinstance(event, Training) or event.final):
                append(journal, record)
                _forget_checkpoint(work, jobs[event.architecture, event.seed])
            finished[event.architecture, event.seed] = record
    return [Record(finished[key]) for key in jobs]


def summarise(trainings: Iterable[Record]) -> list[Record]:
    """Return a record an architecture: seeds; mean, std and n of each accuracy; seconds; failures.

    The deviation over the n seeds whose training ended is the sample's (n - 1); None for a single seed.
    """
    by_architecture: dict[str, list[Record]] = {}
    for training in trainings:
        by_architecture.setdefault(training.architecture, []).append(training)
    return [
        Record(
            architecture=architecture,
            seeds=[training.seed for training in group],
            **{str(split): moments([training[split] for training in group]) for split in MEASURED},
            seconds=sum(training.seconds or 0.0 for training in group),
            failures=[training.failure for training in group if training.failure],
        )
        for architecture, group in by_architecture.items()
    ]


def curves(trainings: Iterable[Record], recipe: Recipe) -> list[dict[str, Any]]:
    """Return a row an epoch of each training: architecture, seed, epoch (from 1), learning_rate and loss."""
    return [
        {
            "architecture": training.architecture,
            "seed": training.seed,
            "epoch": epoch + 1,
            "learning_rate": recipe.learning_rate_at(epoch),
            "loss": loss,
        }
        for training in trainings
        for epoch, loss in enumerate(training.losses)
    ]


def summary_rows(cells: Iterable[Record]) -> list[dict[str, Any]]:
    """Return a row for each split of each cell: what was trained, the table's value, the verdict and the forecast."""
    return [
        {
            "architecture": cell.architecture,
            "split": str(split),
            "seeds": cell[split].n,
            "mean": cell[split].mean,
            "std": cell[split].std,
            "table": (cell.get("table") or {}).get(split),
            **{name: (cell.get("verdict") or {}).get(split, {}).get(name) for name in JUDGED},
            **_forecast(cell, split),
            "seconds": cell.seconds,
        }
        for cell in cells
        for split in MEASURED
        if cell[split]
    ]


def _forecast(cell: Record, split: Split) -> dict[str, float | None]:
    """Return a predictor's forecast where it is one of this split, or nobody knows of which."""
    forecast = cell.get("forecast")
    if forecast is None or forecast.split not in (split, None):
        return {"forecast": None, "forecast_std": None}
    return {"forecast": forecast.mean, "forecast_std": forecast.std}


def _forget_checkpoint(work: Work, job: Job) -> None:
    """Remove the state of a training whose result is in the journal."""
    checkpoint = work.checkpoint(job)
    if checkpoint:
        checkpoint.path.unlink(missing_ok=True)


def _record(result: Training | Failure) -> dict[str, Any]:
    identity = {"architecture": result.architecture, "seed": result.seed}
    if isinstance(result, Failure):
        nothing = dict.fromkeys(map(str, MEASURED))
        return {**identity, **nothing, "seconds": None, "failure": result.reason, "losses": []}
    measured = {str(split): result.accuracy.get(split) for split in MEASURED}
    return {**identity, **measured, "seconds": result.seconds, "failure": None, "losses": list(result.losses)}


def moments(values: Sequence[float | None]) -> dict[str, float | int | None] | None:
    """Return mean, sample deviation (None for one value) and n of the known values; None where there are none."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    std = float(np.std(known, ddof=1)) if len(known) > 1 else None
    return {"mean": float(np.mean(known)), "std": std, "n": len(known)}
