"""Train given architectures for real: for one task, or for several at once."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from surrogate_nas import configuration
from surrogate_nas.errors import SettingError
from surrogate_nas.jobs.outcome import circumstances, finish, write_result
from surrogate_nas.jobs.training import claimed_by_training, judged, trained
from surrogate_nas.record import Record, write_csv
from surrogate_nas.run_folder import describe
from surrogate_nas.settings import listed
from surrogate_nas.space import Population, get_space

log = logging.getLogger(__name__)


def run(config: Mapping[str, Any], folder: Path, chosen: Mapping[str, str]) -> None:
    """Train the given architectures and write their accuracies and a report."""
    started = datetime.now().astimezone()
    architectures = get_space(config["space"]).parse(listed(config["architectures"]))
    if len(architectures) == 0:
        raise SettingError(
            "verify needs at least one architecture: architectures=['|op~0|+|op~0|op~1|+|op~0|op~1|op~2|']."
        )
    recipe = configuration.instantiated(config["recipe"], "recipe")
    executor = configuration.instantiated(config["executor"], "executor")
    if config["tasks"] is not None:
        _jointly(architectures, recipe, executor, config, folder, started)
        return
    make_task = configuration.instantiated({**config["data"], "_partial_": True}, "data")
    compared = None
    if config["table"] is not None:  # imported only here: a node that only trains has no tables
        from surrogate_nas.table.chosen import chosen as chosen_table

        compared = chosen_table(config["table"], config["dataset"])
    forecasts = _forecasts(config["forecast"], architectures)
    summary = trained(architectures, make_task, recipe, config, folder, executor)
    for cell in summary if forecasts else ():
        cell["forecast"] = forecasts[cell.architecture]
    verdict = judged(summary, compared, recipe, folder)
    result = Record(
        job="verify",
        data=chosen.get("data", "custom"),
        recipe=chosen.get("recipe", "custom"),
        space=config["space"],
        verification=summary,
        verdict=verdict,
        **circumstances(started),
    )
    finish(result, config, folder)
    for cell in summary:
        log.info("%s: %s", cell.architecture, _accuracies(cell))


def _jointly(
    architectures: Population,
    recipe: Any,
    executor: Any,
    config: Mapping[str, Any],
    folder: Path,
    started: datetime,
) -> None:
    """Train each architecture for several tasks at once and for each alone, and write how they compare."""
    from surrogate_nas.verification.joint import joint_rows, summarise_jointly, verify_jointly

    make_tasks = {name: configuration.load("data", name, _partial_=True) for name in listed(config["tasks"])}
    names = ("seeds", "task_weights", "workers", "device", "precision", "checkpoint_every")
    images = {name: describe(make) for name, make in make_tasks.items()}
    with claimed_by_training(folder, config, recipe, tasks=images, task_weights=config["task_weights"]):
        records = verify_jointly(
            architectures,
            make_tasks,
            recipe,
            folder=folder,
            executor=executor,
            **{name: config[name] for name in names},
        )
    write_csv(folder / "tasks.csv", joint_rows(records))
    summary = summarise_jointly(records)
    result = Record(job="verify", tasks=summary, space=config["space"], **circumstances(started))
    write_result(result, config, folder)
    for task in summary:
        gains = [f"{split} {task.gain[split].mean:+.2f}" for split in task.gain if task.gain[split] is not None]
        failed = f"failed: {'; '.join(task.failures)}"
        log.info("%s: %s, jointly rather than alone: %s", task.architecture, task.task, ", ".join(gains) or failed)


def _forecasts(predictor: str | None, architectures: Population) -> dict[str, Record]:
    """Return what a saved predictor says of each architecture; the file does not tell of which split."""
    if predictor is None:
        return {}
    prediction = configuration.load_predictor(predictor).predict(architectures)
    moments = zip(architectures.texts, prediction.mean, prediction.std, strict=True)
    return {text: Record(mean=float(mean), std=float(std), split=None) for text, mean, std in moments}


def _accuracies(cell: Record) -> str:
    parts = [f"{split} {cell[split].mean:.2f} %" for split in ("valid", "test") if cell[split] is not None]
    return ", ".join(parts) or f"failed: {'; '.join(cell.failures)}"
