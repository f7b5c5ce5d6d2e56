"""Fit a predictor, to one task or to several at once."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from surrogate_nas import configuration
from surrogate_nas.errors import SettingError
from surrogate_nas.jobs.outcome import circumstances, finish
from surrogate_nas.record import write_csv
from surrogate_nas.settings import listed

log = logging.getLogger(__name__)


def run(config: Mapping[str, Any], folder: Path, chosen: Mapping[str, str]) -> None:
    """Fit a predictor, score it, and write it with its metrics, its predictions and a report."""
    from surrogate_nas.fit import fit as run_fit
    from surrogate_nas.table import load_table

    if config["tasks"] is not None:
        _fit_tasks(config, folder)
        return
    started = datetime.now().astimezone()
    table = load_table(config["table"])
    names = ("dataset", "split", "epochs", "train_size", "protocol", "draws", "seed", "sources", "growth")
    predictor = configuration.instantiated(config["predictor"], "predictor")
    result = run_fit(table=table, predictor=predictor, **{name: config[name] for name in names})
    result.predictor_.save(folder / "predictor.safetensors")
    write_csv(folder / "predictions.csv", result.predictions)
    result.update(job="fit", provenance=dict(table.provenance), **circumstances(started))
    finish(result, config, folder)
    for name, moments in result.metrics.items():
        log.info("%s: %.3f (deviation over %d draws: %.3f)", name, moments["mean"], result.draws, moments["std"])
    for told in result.get("sources", []):
        log.info("source %s: slope %.2f, in %.0f %% of the draws", told.source, told.slope["mean"], 100 * told.used)


def _fit_tasks(config: Mapping[str, Any], folder: Path) -> None:
    """Fit a predictor to several tasks of a table, and write it with what each gains, its predictions and a report."""
    from surrogate_nas.fit_tasks import fit_tasks
    from surrogate_nas.table import load_table

    started = datetime.now().astimezone()
    if config["growth"] is not None:
        raise SettingError(
            f"of several tasks the source of the table says it; leave growth out, got {config['growth']!r}."
        )
    for name in ("dataset", "epochs", "sources"):
        if config[name]:
            raise SettingError(f"each task says what it is of, as in tasks=[cifar10,cifar100@12]; leave {name} out.")
    table = load_table(config["table"])
    names = ("train_size", "protocol", "draws", "seed", "split")
    predictor = configuration.instantiated(config["predictor"], "predictor")
    tasks = listed(config["tasks"])
    result = fit_tasks(table=table, tasks=tasks, predictor=predictor, **{name: config[name] for name in names})
    result.predictor_.save(folder / "predictor.safetensors")
    write_csv(folder / "predictions.csv", result.predictions)
    result.update(job="fit tasks", provenance=dict(table.provenance), **circumstances(started))
    finish(result, config, folder)
    for task in result.tasks:
        together, alone = task.metrics.kendall_tau.mean, task.metrics_alone.kendall_tau.mean
        log.info("%s, %d labels: Kendall's tau %.3f, alone %.3f", task.name, task.train_size, together, alone)
