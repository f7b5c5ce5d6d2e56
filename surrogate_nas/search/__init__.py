"""The search: ask, measure, tell. An Optuna study remembers every measurement.

A search that was interrupted at any moment goes on where it stopped; with one worker, with the same proposals as if
nothing had happened. Several workers, on one machine or on several, share a study and never measure an architecture
twice.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from surrogate_nas.configuration import load_sampler
from surrogate_nas.errors import SettingError
from surrogate_nas.run_folder import claimed, describe
from surrogate_nas.sampler.base import Sampler
from surrogate_nas.sampler.hyperband import Hyperband
from surrogate_nas.search.ledger import Known
from surrogate_nas.search.lengths import (
    alone,
    checked_lengths,
    each_limited,
    for_length,
    lengths_result,
    only_lengths,
    proposes_lengths,
)
from surrogate_nas.search.limits import Limited, limited
from surrogate_nas.search.loop import run
from surrogate_nas.search.measurement import Evaluator, TrainingEvaluator
from surrogate_nas.search.objectives import ACCURACY, add_front, objective_costs, serves_several
from surrogate_nas.search.proposer import OptunaSamplerFactory
from surrogate_nas.search.quiet import quiet_optuna
from surrogate_nas.search.result import SearchResult, table_result, training_result
from surrogate_nas.search.variants import Variants, by_seed
from surrogate_nas.search.warm_start import guided_by, is_other_task, known_measurements
from surrogate_nas.search.workers import Place, run_workers
from surrogate_nas.settings import integer, number
from surrogate_nas.split import Split
from surrogate_nas.table import Table
from surrogate_nas.table.chosen import chosen
from surrogate_nas.table.evaluator import TableEvaluator

__all__ = ["Evaluator", "SearchResult", "TrainingEvaluator", "by_seed", "run", "search"]


def search(
    *,
    table: str | Path | Table | None = None,
    evaluator: TrainingEvaluator | None = None,
    dataset: str | None = None,
    sampler: str | Sampler | Hyperband | OptunaSamplerFactory = "surrogate",
    budget: int | None = None,
    seconds: float | None = None,
    seed: int,
    split: Split | str = Split.VALID,
    epochs: int | None = None,
    fidelities: Sequence[int] | None = None,
    objectives: Sequence[str] = (ACCURACY,),
    constraint: Mapping[str, float] | None = None,
    warm_start: str | Path | None = None,
    workers: int = 1,
    storage: str | None = None,
    study: str | None = None,
    heartbeat: int = 10,
    folder: str | Path | None = None,
    progress: bool = False,
) -> SearchResult:
    """Search for the architecture of the highest accuracy, in a table or by real training.

    Args:
        table: a table, its name or its file.
        evaluator: trains for real, instead of a table.
        dataset: what the architectures were trained on; may be left out where the table has one data set.
        sampler: what proposes; a name, one of this package's samplers, or a factory of Optuna ones that takes ``seed``.
        budget: measurements that may be paid, by all workers together; every label that the sampler sees counts. None
            for as many as ``seconds`` pay.
        seconds: of training that may be paid. Another training begins as long as fewer are paid, so the last one may go
            beyond; with several workers, as many as there are.
        seed: of the proposals.
        split: the images whose accuracy is searched on.
        epochs: length of the trainings of a table; None for the longest.
        fidelities: several lengths of training, in epochs, such as (12, 200): short trainings decide which
            architectures deserve long ones. Each training is paid in full, and ``seconds`` is the budget.
        objectives: "accuracy", and beside it costs to keep low, by the names of ``constraint``; costs are known of
            every candidate, and are not modelled.
        constraint: the highest value of costs, by name: ``params_millions``, ``flops_millions``, or those of the table.
        warm_start: measurements that are known already and not charged: a CSV with the columns ``architecture`` and
            ``accuracy``, or the folder of an earlier search. Or another task, ``TABLE:DATASET``, all of whose labels
            say where the search begins and what the surrogate sampler expects; they are no measurements of this one.
        workers: processes that measure at the same time; what several find depends on which is quicker.
        storage: address of a database that keeps the study, such as ``postgresql://USER@HOST/NAME``; searches on other
            machines with the same address and settings take part. None for a journal in the folder.
        study: name of the study in the storage; None for one made of the settings.
        heartbeat: seconds between two signs of life of a worker in a database; after three missing ones it is dead.
        folder: where the study is kept, so that it can be resumed; None for in memory.
        progress: show a progress bar.

    Returns:
        What ``result.json`` holds (see the README), and ``trials``: one record a query, in order.

    Raises:
        SettingError: the budget is below 1 or above what can be measured; neither a table nor an evaluator, or both.
        RunFolderError: the folder belongs to another search, or cannot be written.
        StudyStorageError: the storage cannot be opened, or stayed away.
        StudyError: the study in the storage belongs to another search.
        WarmStartError: what is known already cannot be understood.
        MeasurementError: measurements keep failing.
    """
    start = time.perf_counter()
    name, proposer = _named(sampler)
    measures: Limited | Variants
    if fidelities is None:
        only_lengths(proposer, name)
        one, about = _measures(table, evaluator, dataset, Split.of(split), epochs)
        one = limited(one, constraint or {}, dataset=about["dataset"])
        costs_named, measures, costs = objective_costs(objectives, one, dataset=about["dataset"])
    else:
        several = None if list(objectives) == [ACCURACY] else objectives
        alone(seconds, epochs=epochs, objectives=several, warm_start=warm_start)
        proposer, costs_named, costs = proposes_lengths(proposer, name), [], Known().costs
        each, about = _each_length(checked_lengths(fidelities), table, evaluator, dataset, Split.of(split))
        measures = each_limited(each, constraint or {}, dataset=about["dataset"])
    if constraint:
        about["constraint"] = dict(constraint)
    if costs_named:
        serves_several(proposer, name)
        about["objectives"] = [ACCURACY, *costs_named]
    known, described = Known(costs=costs), describe(proposer)
    if warm_start is not None and is_other_task(warm_start):
        proposer = guided_by(str(warm_start), proposer, name, dataset=about["dataset"])
        about["warm_start"] = str(warm_start)
    elif warm_start is not None and not isinstance(measures, Variants):
        known = Known(known_measurements(warm_start, measures, split=Split(about["split"])), costs)
        about["known"] = sorted(known.values.items())
    held = len(measures.candidates) - len(known.values)
    what = about.pop("what")
    if seconds is not None and number("seconds", seconds) <= 0:
        raise SettingError(f"seconds must be above 0, got {seconds}.")
    if budget is not None:
        integer("budget", budget, least=1, most=held, why=f" (what {what})")
    elif seconds is None:
        raise SettingError("a search needs a budget of measurements, or of seconds of training.")
    most, paid = budget or held, np.inf if seconds is None else float(seconds)
    integer("seed", seed)
    integer("workers", workers, least=1)
    integer("heartbeat", heartbeat, least=1)
    identity = {**about, "sampler": described, "seed": seed}
    with (
        quiet_optuna(),
        threadpool_limits(1, user_api="blas"),  # small matrices: threads cost more than they give
        tempfile.TemporaryDirectory() as temporary,
        nullcontext() if folder is None else claimed(folder, "search", identity) as own,
    ):
        if own is None and workers > 1 and storage is None:
            own = Path(temporary)
        name_of_study = study or "-".join([about.get("table", "training"), about["dataset"], name, f"seed{seed}"])
        place = Place(own, storage, name_of_study, known.directions, heartbeat)
        shared = place.open()
        shared.belongs_to(identity)
        if workers > 1:
            history, took = run_workers(
                place,
                measures,
                proposer,
                workers=workers,
                budget=most,
                seconds=paid,
                seed=seed,
                known=known,
                progress=progress,
            )
        else:
            history, took = run(
                shared, measures, proposer, budget=most, seconds=paid, seed=seed, known=known, progress=progress
            )
    wall = time.perf_counter() - start
    settings = {**identity, "sampler": name, "budget": budget, "wall": wall}
    if isinstance(measures, Variants):
        return lengths_result(measures, history, took, settings)
    if isinstance(measures, TableEvaluator):
        result, values = table_result(measures, history, took, settings), measures.values
    else:
        result, values = training_result(history, took, settings), None
    if costs_named:
        add_front(result, history, costs_named, costs, values)
    return result


def _measures(
    table: str | Path | Table | None,
    evaluator: TrainingEvaluator | None,
    dataset: str | None,
    split: Split,
    epochs: int | None,
) -> tuple[TableEvaluator | TrainingEvaluator, dict[str, Any]]:
    """Return what measures, and what its measurements belong to.

    Raises:
        SettingError: neither a table nor an evaluator is given, or both are.
    """
    if (table is None) == (evaluator is None):
        raise SettingError("a search needs either a table or an evaluator that trains for real, got neither or both.")
    if evaluator is not None:
        settings = {name: describe(value) for name, value in evaluator.settings().items()}
        about = {**settings, "dataset": dataset or "trained"}
        return evaluator, {**about, "what": f"space {evaluator.space.name!r} has"}
    table, dataset = chosen(table, dataset)  # type: ignore[arg-type]  # there is one
    epochs = max(table.epochs(dataset, split)) if epochs is None else epochs
    looks_up = TableEvaluator(table, dataset=dataset, split=split, epochs=epochs)
    labels = hashlib.sha256(looks_up.candidates.decisions.tobytes() + looks_up.values.tobytes()).hexdigest()
    about = {"table": table.name, "labels": labels, "dataset": dataset, "split": str(split), "epochs": epochs}
    return looks_up, {**about, "what": f"table {table.name!r} holds of {dataset} on split {split}"}


def _each_length(
    lengths: Sequence[int],
    table: str | Path | Table | None,
    evaluator: TrainingEvaluator | None,
    dataset: str | None,
    split: Split,
) -> tuple[dict[int, Limited], dict[str, Any]]:
    """Return what measures each length of training, and what the measurements belong to.

    Raises:
        SettingError: neither a table nor an evaluator is given, or both are.
        NotMeasuredError: the table does not hold a length.
    """
    each: dict[int, Limited] = {}
    labels = []
    for length in lengths:
        trains = None if evaluator is None else for_length(evaluator, length)
        each[length], about = _measures(table, trains, dataset, split, length)
        labels.append(about.get("labels"))
    return each, {**about, "labels": labels, "fidelities": list(lengths)}


def _named(
    sampler: str | Sampler | Hyperband | OptunaSamplerFactory,
) -> tuple[str, Sampler | Hyperband | OptunaSamplerFactory]:
    """Return what a result calls a sampler, and the sampler."""
    if isinstance(sampler, str):
        return sampler, load_sampler(sampler)
    kind = type(sampler) if isinstance(sampler, Sampler | Hyperband) else getattr(sampler, "func", sampler)
    return getattr(kind, "__name__", str(kind)).lower(), sampler
