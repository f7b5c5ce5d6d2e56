"""Train architectures for several tasks at once, and each task alone, and compare."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from surrogate_nas.errors import TrainingError
from surrogate_nas.journal import append, read
from surrogate_nas.record import Record
from surrogate_nas.space.population import Population
from surrogate_nas.verification.checkpoint import Checkpoint
from surrogate_nas.verification.data import ImageTask
from surrogate_nas.verification.executor import Executor, resolved_device
from surrogate_nas.verification.multitask import train_jointly
from surrogate_nas.verification.recipe import Recipe
from surrogate_nas.verification.trainer import Run
from surrogate_nas.verification.verify import MEASURED, moments, verify


def verify_jointly(
    architectures: Population,
    make_tasks: Mapping[str, Callable[[], ImageTask]],
    recipe: Recipe,
    *,
    seeds: Sequence[int],
    folder: Path,
    task_weights: Sequence[float] | None = None,
    device: str = "auto",
    precision: str = "fp32",
    checkpoint_every: int = 1,
    workers: int | None = None,
    executor: Executor | None = None,
) -> list[Record]:
    """Train each architecture with each seed once for all tasks, and once for each task alone, by the same recipe.

    The joint trainings run here, one after the other, with one thread; those of single tasks through the executor.
    Finished ones are remembered in the folder, and unfinished ones have checkpoints there.

    Args:
        architectures: what to train.
        make_tasks: makes the images of each task; picklable.
        recipe: how to train.
        seeds: of the trainings.
        folder: of the run.
        task_weights: of the tasks' losses, on top of the learned ones; None for ones.
        device: a torch device; "auto" for the GPU where there is one.
        precision: "fp32", "tf32" or "bf16".
        checkpoint_every: epochs between two checkpoints of a training.
        workers: trainings of single tasks at the same time; None for as many as the executor has room for.
        executor: where trainings of single tasks run; None for processes of this machine.

    Returns:
        A record for each architecture, seed and task: ``joint`` and ``alone`` (percent by split, None where there are
        no such images), ``balance`` (what the task's loss was multiplied with in the end), ``seconds`` (of the joint
        training), and ``failure`` (None, or why a training failed).

    Raises:
        DataError: the images of the tasks are not of one shape.
        SettingError: as for ``train_jointly``.
    """
    tasks = {name: make() for name, make in make_tasks.items()}
    torch.set_num_threads(1)  # as in every other training, so that the result does not depend on the machine's cores
    journal = folder / "joint.journal"
    known = {(record["architecture"], record["seed"]): record for record in read(journal)}
    for architecture in architectures:
        for seed in seeds:
            if (architecture.text, seed) in known:
                continue
            name = f"joint-{int(architecture.index[0])}-seed{seed}.npz"
            checkpoint = Checkpoint(folder / "checkpoints" / name, checkpoint_every)
            record: dict[str, Any] = {"architecture": architecture.text, "seed": seed}
            try:
                trained = train_jointly(
                    architecture,
                    tasks,
                    recipe,
                    seed=seed,
                    weights=task_weights,
                    device=resolved_device(device),
                    precision=precision,
                    run=Run(architecture, seed, checkpoint),
                )
            except TrainingError as error:
                known[architecture.text, seed] = {**record, "failure": str(error)}
                continue
            record |= {
                "accuracy": {
                    name: {str(split): value for split, value in accuracy.items()}
                    for name, accuracy in trained.accuracy.items()
                },
                "balance": trained.balance,
                "seconds": trained.seconds,
                "failure": None,
            }
            append(journal, record)
            checkpoint.path.unlink(missing_ok=True)
            known[architecture.text, seed] = record
    records = []
    for name, make_task in make_tasks.items():
        (folder / "alone" / name).mkdir(parents=True, exist_ok=True)
        singles = verify(
            architectures,
            make_task,
            recipe,
            seeds=seeds,
            workers=workers,
            device=device,
            precision=precision,
            checkpoint_every=checkpoint_every,
            executor=executor,
            folder=folder / "alone" / name,
        )
        records += [_compared(known[single.architecture, single.seed], single, name) for single in singles]
    return records


def _compared(joint: Mapping[str, Any], single: Record, task: str) -> Record:
    """Return the record of one task of a joint training beside its own training."""
    accuracy = joint["accuracy"][task] if joint["failure"] is None else {}
    return Record(
        architecture=single.architecture,
        seed=single.seed,
        task=task,
        joint={str(split): accuracy.get(str(split)) for split in MEASURED},
        alone={str(split): single[split] for split in MEASURED},
        balance=joint["balance"][task] if joint["failure"] is None else None,
        seconds=joint.get("seconds"),
        failure=joint["failure"] or single.failure,
    )


def summarise_jointly(records: Iterable[Record]) -> list[Record]:
    """Return a record for each architecture and task: moments over the seeds of ``joint``, ``alone`` and ``gain``.

    The gain of a seed is its joint accuracy minus its own training's, in percentage points.
    """
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        groups.setdefault((record.architecture, record.task), []).append(record)
    return [
        Record(
            architecture=architecture,
            task=task,
            seeds=[record.seed for record in group],
            joint={str(split): moments([record.joint[split] for record in group]) for split in MEASURED},
            alone={str(split): moments([record.alone[split] for record in group]) for split in MEASURED},
            gain={str(split): moments([_gain(record, str(split)) for record in group]) for split in MEASURED},
            balance=moments([record.balance for record in group]),
            failures=[record.failure for record in group if record.failure],
        )
        for (architecture, task), group in groups.items()
    ]


def joint_rows(records: Iterable[Record]) -> list[dict[str, Any]]:
    """Return a row for each architecture, seed, task and split, for a CSV file."""
    return [
        {
            **{name: record[name] for name in ("architecture", "seed", "task")},
            "split": str(split),
            "joint": record.joint[split],
            "alone": record.alone[split],
            "balance": record.balance,
            "seconds": record.seconds,
            "failure": record.failure,
        }
        for record in records
        for split in MEASURED
        if record.joint[split] is not None or record.alone[split] is not None or record.failure
    ]


def _gain(record: Record, split: str) -> float | None:
    joint, alone = record.joint[split], record.alone[split]
    return None if joint is None or alone is None else joint - alone
