"""Trainings that a job asks for: checked, run, written as CSV, summarised and judged against a table."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from surrogate_nas.errors import SettingError
from surrogate_nas.record import Record, write_csv
from surrogate_nas.run_folder import claimed, describe
from surrogate_nas.settings import integer
from surrogate_nas.space import Population

TRAINING_SETTINGS = ("seeds", "workers", "device", "precision", "compiled", "checkpoint_every", "tensorboard")
log = logging.getLogger(__name__)


@contextmanager
def claimed_by_training(folder: Path, settings: Mapping[str, Any], recipe: Any, **images: Any) -> Iterator[None]:
    """Check how to train, and claim the run folder for these trainings; ``images`` describes what they train on.

    Raises:
        SettingError: there is no seed, or a seed, the workers or the distance of checkpoints is no whole number or too
            small.
        RunFolderError: the folder cannot be written, or belongs to other trainings.
    """
    if not isinstance(settings["seeds"], list) or not settings["seeds"]:
        raise SettingError(f"seeds must be a list of one or more, such as [1,2,3], got {settings['seeds']!r}.")
    for seed in settings["seeds"]:
        integer("seeds", seed)
    if settings["workers"] is not None:
        integer("workers", settings["workers"], least=1)
    integer("checkpoint_every", settings["checkpoint_every"], least=1)
    with claimed(folder, "verification", {**images, "recipe": describe(recipe), "precision": settings["precision"]}):
        yield


def trained(
    architectures: Population, make_task: Any, recipe: Any, settings: Mapping[str, Any], folder: Path, executor: Any
) -> list[Record]:
    """Train each architecture with each seed, write trainings and learning curves as CSV, and summarise each cell."""
    from surrogate_nas.verification.verify import curves, summarise, verify

    with claimed_by_training(folder, settings, recipe, data=describe(make_task)):
        trainings = verify(
            architectures,
            make_task,
            recipe,
            **{name: settings[name] for name in TRAINING_SETTINGS},
            executor=executor,
            folder=folder,
            progress=True,
        )
    write_csv(folder / "trainings.csv", ({name: one[name] for name in one if name != "losses"} for one in trainings))
    write_csv(folder / "curves.csv", curves(trainings, recipe))
    return summarise(trainings)


def judged(
    summary: list[Record], compared: tuple[Any, str] | None, recipe: Any, folder: Path, chosen_by: str | None = None
) -> Record | None:
    """Compare trained cells with a table, if there is one, and write a row for each split of each as CSV."""
    from surrogate_nas.verification.verify import summary_rows

    verdict = None
    if compared is not None:
        from surrogate_nas.verdict import add_verdict

        table, dataset = compared
        verdict = add_verdict(summary, table, dataset=dataset, epochs=recipe.epochs, chosen_by=chosen_by)
        log.info("%s", _agreement(verdict))
    write_csv(folder / "verification.csv", summary_rows(summary))
    return verdict


def _agreement(verdict: Record) -> str:
    """Return in one sentence whether trained cells agree with a table."""
    judged = (
        f"{verdict.agree} of {verdict.tested} means agree with table {verdict.table} at level {verdict.level}."
        if verdict.tested
        else f"agreement with table {verdict.table} was not tested."
    )
    return f"{judged} Note: {verdict.note}" if verdict.note else judged
