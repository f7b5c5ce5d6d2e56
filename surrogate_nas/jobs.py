"""The jobs of the command line: each runs from a configuration and leaves a run folder."""

from __future__ import annotations

import importlib.metadata
import logging
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from surrogate_nas import configuration
from surrogate_nas.errors import RunFolderError, SettingError, expected
from surrogate_nas.record import Record, write_aside, write_csv, write_json
from surrogate_nas.run_folder import claimed, describe
from surrogate_nas.settings import integer
from surrogate_nas.shell import copyable
from surrogate_nas.space import Population, get_space
from surrogate_nas.split import Split

PACKAGES = (
    "surrogate-nas",
    "torch",
    "torch-geometric",
    "xgboost",
    "optuna",
    "scikit-learn",
    "numpy",
    "pyarrow",
    "hydra-core",
)
TRAINING_SETTINGS = ("seeds", "workers", "device", "precision", "compiled", "checkpoint_every", "tensorboard")
SEARCH_SETTINGS = (
    *("split", "epochs", "fidelities", "budget", "seconds", "seed", "objectives", "constraint", "warm_start"),
    *("workers", "storage", "study", "heartbeat"),
)
TOP = 3  # architectures that a search verifies where its table can be trained again
log = logging.getLogger(__name__)


def search(config: Mapping[str, Any], folder: Path, chosen: Mapping[str, str]) -> None:
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
    result.update(job="search", provenance=provenance, **_circumstances(started))
    write_csv(folder / "trials.csv", result.trials)
    if "front" in result:
        write_csv(folder / "front.csv", result.front)
    _finish(result, config, folder)
    log.info("%s", _found(result))


def fit(config: Mapping[str, Any], folder: Path, chosen: Mapping[str, str]) -> None:
    """Fit a predictor, score it, and write it with its metrics, its predictions and a report."""
    from surrogate_nas.fit import fit as run_fit
    from surrogate_nas.table import load_table

    if config["tasks"] is not None:
        _fit_tasks(config, folder)
        return
    started = datetime.now().astimezone()
    table = load_table(config["table"])
    names = ("dataset", "split", "epochs", "train_size", "protocol", "draws", "seed", "sources")
    predictor = configuration.instantiated(config["predictor"], "predictor")
    result = run_fit(table=table, predictor=predictor, **{name: config[name] for name in names})
    result.predictor_.save(folder / "predictor.safetensors")
    write_csv(folder / "predictions.csv", result.predictions)
    result.update(job="fit", provenance=dict(table.provenance), **_circumstances(started))
    _finish(result, config, folder)
    for name, moments in result.metrics.items():
        log.info("%s: %.3f (deviation over %d draws: %.3f)", name, moments["mean"], result.draws, moments["std"])
    for told in result.get("sources", []):
        log.info("source %s: slope %.2f, in %.0f %% of the draws", told.source, told.slope["mean"], 100 * told.used)


def _fit_tasks(config: Mapping[str, Any], folder: Path) -> None:
    """Fit a predictor to several tasks of a table, and write it with what each gains, its predictions and a report."""
    from surrogate_nas.fit_tasks import fit_tasks
    from surrogate_nas.table import load_table

    started = datetime.now().astimezone()
    for name in ("dataset", "epochs", "sources"):
        if config[name]:
            raise SettingError(f"each task says what it is of, as in tasks=[cifar10,cifar100@12]; leave {name} out.")
    table = load_table(config["table"])
    names = ("train_size", "protocol", "draws", "seed", "split")
    predictor = configuration.instantiated(config["predictor"], "predictor")
    tasks = _listed(config["tasks"])
    result = fit_tasks(table=table, tasks=tasks, predictor=predictor, **{name: config[name] for name in names})
    result.predictor_.save(folder / "predictor.safetensors")
    write_csv(folder / "predictions.csv", result.predictions)
    result.update(job="fit tasks", provenance=dict(table.provenance), **_circumstances(started))
    _finish(result, config, folder)
    for task in result.tasks:
        together, alone = task.metrics.kendall_tau.mean, task.metrics_alone.kendall_tau.mean
        log.info("%s, %d labels: Kendall's tau %.3f, alone %.3f", task.name, task.train_size, together, alone)


def compare(config: Mapping[str, Any], folder: Path, chosen: Mapping[str, str]) -> None:
    """Compare samplers or predictors, and write every run, the statistics and a report."""
    from surrogate_nas.compare import compare as run_compare
    from surrogate_nas.compare.rows import run_rows, trial_rows

    started = datetime.now().astimezone()
    sys.path.insert(0, str(Path.cwd()))  # where somebody's own sampler lies
    names = ("samplers", "predictors", "seeds", "budget", "train_size", "protocol", "metric", "split", "epochs")
    result = run_compare(
        tables=_listed(config["tables"] if config["tables"] is not None else config["table"]),
        datasets=_listed(config["dataset"]),
        **{name: config[name] for name in (*names, "target", "time_limit")},
        workers=config["workers"],
        folder=folder,
        progress=True,
    )
    write_csv(folder / "runs.csv", run_rows(result))
    write_csv(folder / "trials.csv", trial_rows(result))
    result.update(job="compare", **_circumstances(started))
    _finish(result, config, folder)
    if result.failed:
        log.warning("%d of %d runs failed; runs.csv tells why.", result.failed, len(result.runs))


def side_by_side(folders: Sequence[Path], folder: Path) -> None:
    """Compare what several run folders hold, and write that as a comparison of its own."""
    from surrogate_nas.compare.rows import run_rows
    from surrogate_nas.report.side_by_side import side_by_side as compared

    started = datetime.now().astimezone()
    result = compared(folders)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_csv(folder / "runs.csv", run_rows(result))
    except OSError as error:
        raise RunFolderError(f"cannot write to {folder} ({error.strerror}); choose another --folder.") from error
    result.update(_circumstances(started))
    _finish(result, {"folders": [str(path) for path in folders]}, folder)


def verify(config: Mapping[str, Any], folder: Path, chosen: Mapping[str, str]) -> None:
    """Train the given architectures and write their accuracies and a report."""
    started = datetime.now().astimezone()
    architectures = get_space(config["space"]).parse(list(config["architectures"]))
    if len(architectures) == 0:
        raise SettingError(
            "verify needs at least one architecture: architectures=['|op~0|+|op~0|op~1|+|op~0|op~1|op~2|']."
        )
    recipe = configuration.instantiated(config["recipe"], "recipe")
    executor = configuration.instantiated(config["executor"], "executor")
    if config["tasks"] is not None:
        _verify_jointly(architectures, recipe, executor, config, folder, started)
        return
    make_task = configuration.instantiated({**config["data"], "_partial_": True}, "data")
    compared = None
    if config["table"] is not None:  # imported only here: a node that only trains has no tables
        from surrogate_nas.table.chosen import chosen as chosen_table

        compared = chosen_table(config["table"], config["dataset"])
    summary = _trained(architectures, make_task, recipe, config, folder, executor)
    if config["predictor"] is not None:
        _add_forecasts_of(config["predictor"], summary, architectures)
    verdict = _judged(summary, compared, recipe, folder)
    result = Record(
        job="verify",
        data=chosen.get("data", "custom"),
        recipe=chosen.get("recipe", "custom"),
        space=config["space"],
        verification=summary,
        verdict=verdict,
        **_circumstances(started),
    )
    _finish(result, config, folder)
    for cell in summary:
        log.info("%s: %s", cell.architecture, _accuracies(cell))


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def _verify_jointly(
    architectures: Population,
    recipe: Any,
    executor: Any,
    config: Mapping[str, Any],
    folder: Path,
    started: datetime,
) -> None:
    """Train each architecture for several tasks at once and for each alone, and write how they compare."""
    from surrogate_nas.verification.joint import joint_rows, summarise_jointly, verify_jointly

    make_tasks = {name: configuration.load("data", name, _partial_=True) for name in _listed(config["tasks"])}
    identity = {
        "tasks": {name: describe(make) for name, make in make_tasks.items()},
        "task_weights": config["task_weights"],
        "recipe": describe(recipe),
        "precision": config["precision"],
    }
    names = ("seeds", "task_weights", "workers", "device", "precision", "checkpoint_every")
    with claimed(folder, "verification", identity):
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
    result = Record(job="verify", tasks=summary, space=config["space"], **_circumstances(started))
    _write_result(result, config, folder)
    for task in summary:
        gains = [f"{split} {task.gain[split].mean:+.2f}" for split in task.gain if task.gain[split] is not None]
        failed = f"failed: {'; '.join(task.failures)}"
        log.info("%s: %s, jointly rather than alone: %s", task.architecture, task.task, ", ".join(gains) or failed)


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
    summary = _trained(architectures, make_task, recipe, settings, folder, executor)
    _add_forecasts(summary, result)
    return summary, _judged(summary, table and chosen(table, result.dataset), recipe, folder, chosen_by=result.split)


def _judged(
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


def _trained(
    architectures: Population, make_task: Any, recipe: Any, settings: Mapping[str, Any], folder: Path, executor: Any
) -> list[Record]:
    """Train each architecture with each seed, write trainings and learning curves as CSV, and summarise each cell."""
    from surrogate_nas.verification.verify import curves, summarise, verify

    for seed in settings["seeds"]:
        integer("seeds", seed)
    if settings["workers"] is not None:
        integer("workers", settings["workers"], least=1)
    integer("checkpoint_every", settings["checkpoint_every"], least=1)
    identity = {"data": describe(make_task), "recipe": describe(recipe), "precision": settings["precision"]}
    with claimed(folder, "verification", identity):
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


def _add_forecasts(cells: list[Record], result: Record) -> None:
    """Put beside each trained cell of a search what the search's predictor says of it, not having seen it."""
    known = {trial.architecture: trial for trial in result.trials if trial.predicted is not None}
    for cell in cells:
        trial = known.get(cell.architecture)
        cell["forecast"] = trial and Record(mean=trial.predicted, std=trial.predicted_std, split=result.split)


def _add_forecasts_of(predictor: str, cells: list[Record], architectures: Population) -> None:
    """Put beside each trained cell what a saved predictor says of it; the file does not tell of which split."""
    prediction = configuration.load_predictor(predictor).predict(architectures)
    for cell in cells:
        at = architectures.texts.index(cell.architecture)
        cell["forecast"] = Record(mean=float(prediction.mean[at]), std=float(prediction.std[at]), split=None)


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


def _circumstances(started: datetime) -> dict[str, Any]:
    """Return what a reader needs to repeat a run."""
    return {
        "command": f"{sys.argv[0]} {copyable(sys.argv[1:])}".strip(),
        "started": started.isoformat(timespec="seconds"),
        "versions": {name: _version(name) for name in PACKAGES},
        "machine": {
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "platform": platform.platform(),
        },
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _write_result(result: Record, config: Mapping[str, Any], folder: Path) -> None:
    """Write the configuration and the result."""
    import yaml

    write_aside(folder / "config.yaml", yaml.safe_dump(dict(config), sort_keys=False))
    write_json(folder / "result.json", result)


def _finish(result: Record, config: Mapping[str, Any], folder: Path) -> None:
    """Write the configuration, the result and the report."""
    _write_result(result, config, folder)
    try:
        from surrogate_nas.report import write_report

        log.info("report: %s", write_report(folder))
    except ModuleNotFoundError as error:  # a lean training node; the folder has all that a report needs
        log.info("no page: %s is missing here. Elsewhere: surrogate-nas report %s", error.name, folder)


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


def _agreement(verdict: Record) -> str:
    """Return in one sentence whether trained cells agree with a table."""
    judged = (
        f"{verdict.agree} of {verdict.tested} means agree with table {verdict.table} at level {verdict.level}."
        if verdict.tested
        else f"agreement with table {verdict.table} was not tested."
    )
    return f"{judged} Note: {verdict.note}" if verdict.note else judged


def _accuracies(cell: Record) -> str:
    parts = [f"{split} {cell[split].mean:.2f} %" for split in ("valid", "test") if cell[split] is not None]
    return ", ".join(parts) or f"failed: {'; '.join(cell.failures)}"
