"""Search a table or by real training, then train the winners again."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from surrogate_nas import configuration
from surrogate_nas.errors import SettingError, expected
from surrogate_nas.jobs.outcome import circumstances, finish
from surrogate_nas.jobs.training import judged, trained
from surrogate_nas.record import Record, write_csv
from surrogate_nas.settings import integer
from surrogate_nas.space import get_space
from surrogate_nas.split import Split

SEARCH_SETTINGS = (
    *("split", "epochs", "fidelities", "budget", "seconds", "seed", "objectives", "constraint", "warm_start"),
    *("workers", "storage", "study", "heartbeat"),
)
TOP = 3  # architectures that a search verifies where its table can be trained again
log = logging.getLogger(__name__)


def run(config: Mapping[str, Any], folder: Path, chosen: Mapping[str, str]) -> None:
    """Search a table or by training, train the winners again, and write result, trials and report."""
    from surrogate_nas.search import search as run_search

    started = datetime.now().astimezone()
    measures, provenance = _measures(config)
    table = measures.get("table")
    sampler = configuration.instantiated(config["sampler"], "sampler")
    plan = _verification(provenance, config["verification"])
    result = run_search(
        **measures,
        **{name: config[name] for name in SEARCH_SETTINGS},
        sampler=sampler,
        folder=folder,
        progress=True,
    )
    result["sampler"] = chosen.get("sampler", result.sampler)
    _add_predictions(result, sampler)
    result["verification"], result["verdict"] = _verify_best(result, table, plan, config["verification"], folder)
    result.update(job="search", provenance=provenance, **circumstances(started))
    write_csv(folder / "trials.csv", result.trials)
    if "front" in result:
        write_csv(folder / "front.csv", result.front)
    finish(result, config, folder)
    log.info("%s", _found(result))


def _measures(config: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a search measures with, as it takes it, and where the measurements come from.

    Raises:
        SettingError: there is no such evaluator.
    """
    from surrogate_nas.table import load_table

    if config["evaluator"] == "table":
        table = load_table(config["table"])
        return {"table": table, "dataset": config["dataset"]}, dict(table.provenance)
    if config["evaluator"] != "train":
        raise SettingError(expected("evaluator", config["evaluator"], ["table", "train"]))
    from surrogate_nas.search import TrainingEvaluator

    training = config["training"]
    evaluator = TrainingEvaluator(
        get_space(training["space"]),
        configuration.load("data", training["data"], _partial_=True),
        configuration.load("recipe", training["recipe"]),
        seed=integer("training.seed", training["seed"]),
        split=Split.of(config["split"]),
        device=training["device"],
    )
    how = {name: training[name] for name in ("data", "recipe")}
    return {"evaluator": evaluator, "dataset": training["data"]}, {"training": how}


def _verification(provenance: Mapping[str, Any], settings: Mapping[str, Any]) -> tuple[int, Any, Any]:
    """Return how many of a search's best are trained again, on what, and how.

    Raises:
        SettingError: some are asked for, and nobody says how the table was trained.
        UnknownMethodError: the data or the recipe has no configuration.
    """
    training = provenance.get("training", {})
    data, recipe = (settings[name] or training.get(name) for name in ("data", "recipe"))
    if settings["top"] is None and (data is None or recipe is None):
        return 0, None, None
    top = TOP if settings["top"] is None else integer("verification.top", settings["top"])
    if top and (data is None or recipe is None):
        raise SettingError(
            "the table does not say how it was trained; add verification.data=NAME verification.recipe=NAME."
        )
    return (
        (top, configuration.load("data", data, _partial_=True), configuration.load("recipe", recipe))
        if top
        else (0, None, None)
    )


def _verify_best(
    result: Record, table: Any, plan: tuple[int, Any, Any], settings: Mapping[str, Any], folder: Path
) -> tuple[list[Record], Record | None]:
    """Train the best cells of a search again, with other seeds than the table's, and compare them with it."""
    from surrogate_nas.table.chosen import chosen

    top, make_task, recipe = plan
    ranked = sorted(_longest(result), key=lambda trial: -np.nan_to_num(trial[result.split], nan=-1))
    architectures = get_space(result.space).parse([trial.architecture for trial in ranked[:top]])
    if top == 0:
        log.info("nothing was trained again: the table does not say how, or verification.top=0.")
        return [], None
    log.info("training the best %d architectures with seeds %s.", len(architectures), list(settings["seeds"]))
    executor = configuration.load("executor", settings["executor"])
    summary = trained(architectures, make_task, recipe, settings, folder, executor)
    _add_forecasts(summary, result)
    return summary, judged(summary, table and chosen(table, result.dataset), recipe, folder, chosen_by=result.split)


def _add_forecasts(cells: list[Record], result: Record) -> None:
    """Put beside each trained cell of a search what the search's predictor says of it, not having seen it."""
    known = {trial.architecture: trial for trial in result.trials if trial.predicted is not None}
    for cell in cells:
        trial = known.get(cell.architecture)
        cell["forecast"] = trial and Record(mean=trial.predicted, std=trial.predicted_std, split=result.split)


def _add_predictions(result: Record, sampler: Any) -> None:
    """Add to each trial what a predictor says of it that has not seen it."""
    from surrogate_nas.predictor.validation import FOLDS, cross_predict
    from surrogate_nas.sampler.surrogate import default_predictor

    trials = _longest(result)
    population = get_space(result.space).parse([trial.architecture for trial in trials])
    values = np.array([trial[result.split] for trial in trials])
    known = np.flatnonzero(np.isfinite(values))
    enough = len(np.unique(population[known].key)) >= 2 * FOLDS
    predictor = getattr(sampler, "predictor", None) or default_predictor()
    if enough:
        prediction = cross_predict(predictor, population[known], values[known], rng=np.random.default_rng(result.seed))
    for trial in result.trials:
        trial.update(predicted=None, predicted_std=None)
    for at, position in enumerate(known if enough else ()):
        trials[position].update(predicted=float(prediction.mean[at]), predicted_std=float(prediction.std[at]))


def _longest(result: Record) -> list[Record]:
    """Return the trials of a search that were trained longest: all, unless there are several lengths."""
    return [trial for trial in result.trials if trial.get("epochs", result.epochs) == result.epochs]


def _found(result: Record) -> str:
    """Return in one sentence what a search found."""
    if result.best is None:
        return "no measurement succeeded; see trials.csv."
    optimum = "" if result.optimum is None else f"; the table's optimum is {result.optimum[result.split]:.2f} %"
    test = "" if result.best.test is None or np.isnan(result.best.test) else f", test {result.best.test:.2f} %"
    front = "" if "front" not in result else f" The front has {len(result.front)} architectures; see front.csv."
    return (
        f"best of {result.queries} measured of {result.candidates}: {result.best.architecture} with {result.split} "
        f"{result.best[result.split]:.2f} %{test}{optimum}.{front}"
    )
