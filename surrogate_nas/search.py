"""The loop: ask, measure, tell. The only spender of budget.

A search is an Optuna study. Its storage remembers every measurement, so a search that was interrupted at any moment
goes on where it stopped, with the same proposals as if nothing had happened.
"""

from __future__ import annotations

import hashlib
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from surrogate_nas.configuration import load_sampler
from surrogate_nas.errors import NotMeasuredError, SurrogateNASError
from surrogate_nas.journal import drop_torn_line
from surrogate_nas.metrics import expected_best
from surrogate_nas.record import Record
from surrogate_nas.run_folder import claim, describe
from surrogate_nas.sampler.base import History, Sampler, draw
from surrogate_nas.sampler.optuna import (
    FAILURE,
    INTERRUPTED,
    SECONDS,
    Ledger,
    StudySampler,
    distributions,
    parameters_of,
)
from surrogate_nas.settings import integer
from surrogate_nas.space import Population
from surrogate_nas.split import Split
from surrogate_nas.table import Table
from surrogate_nas.table.chosen import chosen
from surrogate_nas.table.evaluator import TableEvaluator

STUDY_NAME = "search"
UNCHARGED_ASKS = 100  # repeated proposals in a row before a random candidate is measured instead

OptunaSamplerFactory = Callable[..., optuna.samplers.BaseSampler]
log = logging.getLogger(__name__)


class SearchResult(Record):
    """What ``result.json`` holds, and the trials: a record a query, in order."""

    trials: list[Record]


class Evaluator(Protocol):
    """What measures architectures: a table or a real training."""

    candidates: Population

    def locate(self, population: Population) -> NDArray[np.int64]:
        """Return the (n,) position of each architecture among the candidates, -1 where it cannot be measured."""

    def __call__(self, architecture: Population) -> tuple[float, float]:
        """Return the measurement of one architecture, higher is better, and the seconds it took."""


def search(
    *,
    table: str | Path | Table,
    dataset: str | None = None,
    sampler: str | Sampler | OptunaSamplerFactory = "surrogate",
    budget: int,
    seed: int,
    split: Split | str = Split.VALID,
    epochs: int | None = None,
    folder: str | Path | None = None,
    progress: bool = False,
) -> SearchResult:
    """Search a table for the architecture of the highest accuracy.

    Args:
        table: a table, its name or its file.
        dataset: what the architectures were trained on; may be left out where the table has one data set.
        sampler: what proposes; a name, one of this package's samplers, or a factory of Optuna ones that takes ``seed``.
        budget: measurements that may be paid; every label that the sampler sees counts.
        seed: of the proposals.
        split: the images whose accuracy is searched on.
        epochs: length of the trainings; None for the longest.
        folder: where the study is kept, so that it can be resumed; None for in memory.
        progress: show a progress bar.

    Returns:
        What ``result.json`` holds (see the README), and ``trials``: one record a query, in order.

    Raises:
        SettingError: the budget is below 1 or above what the table holds.
        RunFolderError: the folder belongs to another search, or cannot be written.
    """
    start = time.perf_counter()
    table, dataset = chosen(table, dataset)
    split = Split.of(split)
    epochs = max(table.epochs(dataset, split)) if epochs is None else epochs
    evaluator = TableEvaluator(table, dataset=dataset, split=split, epochs=epochs)
    name, proposer = _named(sampler)
    held = len(evaluator.candidates)
    integer(
        "budget", budget, least=1, most=held, why=f" (what table {table.name!r} holds of {dataset} on split {split})"
    )
    integer("seed", seed)
    identity = {
        "table": table.name,
        "labels": hashlib.sha256(evaluator.candidates.decisions.tobytes() + evaluator.values.tobytes()).hexdigest(),
        "dataset": dataset,
        "split": str(split),
        "epochs": epochs,
        "sampler": describe(proposer),
        "seed": seed,
    }
    with _quiet_optuna(), threadpool_limits(1, user_api="blas"):  # small matrices: threads cost more than they give
        study = _open_study(None if folder is None else claim(folder, "search", identity))
        history, seconds = run(study, evaluator, proposer, budget=budget, seed=seed, progress=progress)
    wall = time.perf_counter() - start
    return _result(table, evaluator, history, seconds, {**identity, "sampler": name}, budget=budget, wall=wall)


def run(
    study: optuna.Study,
    evaluator: Evaluator,
    sampler: Sampler | OptunaSamplerFactory,
    *,
    budget: int,
    seed: int,
    progress: bool = False,
) -> tuple[History, NDArray[np.float64]]:
    """Ask, measure and tell until the budget is spent; return what was measured and the (n,) seconds of each.

    A proposal that was measured before is answered from memory and not charged; after a hundred in a row a random
    candidate takes the place of the next.
    """
    _end_interrupted(study)
    ledger = Ledger(study, evaluator.candidates, evaluator.locate)
    ledger.update()
    own = StudySampler(sampler, ledger, seed=seed) if isinstance(sampler, Sampler) else None
    uncharged = 0
    with (
        _held_back_interrupt() as interrupted,
        tqdm(total=budget, initial=min(len(ledger.values), budget), disable=not progress, unit="query") as bar,
    ):
        while (measured := len(ledger.values)) < budget:
            if interrupted.is_set():
                raise KeyboardInterrupt
            turn_seed = int(np.random.SeedSequence([seed, ledger.answered]).generate_state(1)[0])
            study.sampler = sampler(seed=turn_seed) if own is None else own  # type: ignore[operator]  # no Sampler here
            if uncharged >= UNCHARGED_ASKS:
                left = ledger.history().unmeasured
                study.enqueue_trial(parameters_of(draw(left, 1, np.random.default_rng(turn_seed))))
            _measure(study.ask(distributions(evaluator.candidates.space)), evaluator, ledger)
            ledger.update()
            paid = len(ledger.values) - measured
            uncharged = 0 if paid else uncharged + 1
            bar.set_postfix(best=f"{ledger.history().best:.2f}", refresh=False)
            bar.update(paid)
    return ledger.history(budget), np.array(list(ledger.seconds.values()))[:budget]


def _measure(trial: optuna.Trial, evaluator: Evaluator, ledger: Ledger) -> None:
    """Measure the architecture of a trial, or answer it from memory, and tell the study."""
    position = ledger.position(trial.params)
    if position < 0 or np.isnan(ledger.values.get(position, 0.0)):  # not to be had, or known to fail
        ledger.study.tell(trial, state=TrialState.FAIL)
    elif position in ledger.values:
        ledger.study.tell(trial, ledger.values[position])
    else:
        try:
            value, seconds = evaluator(evaluator.candidates[position])
        except SurrogateNASError as error:
            log.warning("a measurement failed: %s", error)
            trial.set_user_attr(FAILURE, str(error))
            ledger.study.tell(trial, state=TrialState.FAIL)
        else:
            trial.set_user_attr(SECONDS, seconds)
            ledger.study.tell(trial, value)


def _end_interrupted(study: optuna.Study) -> None:
    """Finish the trials that a kill left open; unless their failure was recorded, they were not measured."""
    for trial in study.get_trials(deepcopy=False):
        if not trial.state.is_finished():
            if FAILURE not in trial.user_attrs:
                study._storage.set_trial_user_attr(trial._trial_id, INTERRUPTED, True)
            study.tell(trial.number, state=TrialState.FAIL)


def _open_study(folder: Path | None) -> optuna.Study:
    """Return the study in a folder, a new one if there is none; without a folder, one in memory."""
    storage = None
    if folder is not None:
        path = folder / "study.journal"
        path.touch()
        drop_torn_line(path)
        storage = JournalStorage(JournalFileBackend(str(path)))
    first = (
        optuna.samplers.RandomSampler()
    )  # replaced before it is asked; Optuna's default one takes a second to import
    return optuna.create_study(
        study_name=STUDY_NAME, storage=storage, direction="maximize", load_if_exists=True, sampler=first
    )


@contextmanager
def _held_back_interrupt() -> Iterator[threading.Event]:
    """Hold Ctrl-C back until the loop asks for it, between two trials; the second one comes through at once.

    In the middle of a trial it could hit a library that turns it into an error of its own.
    """
    interrupted = threading.Event()
    if threading.current_thread() is not threading.main_thread():  # signals are none of its business
        yield interrupted
        return

    def remember(*_: object) -> None:
        interrupted.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, remember)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _quiet_optuna() -> Iterator[None]:
    """Keep Optuna's progress messages out of ours, for as long as a search runs."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


def _named(sampler: str | Sampler | OptunaSamplerFactory) -> tuple[str, Sampler | OptunaSamplerFactory]:
    """Return what a result calls a sampler, and the sampler."""
    if isinstance(sampler, str):
        return sampler, load_sampler(sampler)
    kind = type(sampler) if isinstance(sampler, Sampler) else getattr(sampler, "func", sampler)
    return getattr(kind, "__name__", str(kind)).lower(), sampler


def _result(
    table: Table,
    evaluator: TableEvaluator,
    history: History,
    seconds: NDArray[np.float64],
    identity: dict[str, Any],
    *,
    budget: int,
    wall: float,
) -> SearchResult:
    """Return the result of a search, with the test accuracy of the validation-best, and the oracle apart from it."""
    searched = identity["split"]
    values = history.values
    rows = table.find(history.population)
    tests = _test_accuracy(table, identity["dataset"], identity["epochs"])[rows]
    winner = int(np.nanargmax(values)) if len(history.succeeded) else None
    texts = history.population.texts
    best = np.fmax.accumulate(values)
    trials = [
        Record(
            query=at + 1,
            architecture=texts[at],
            **{searched: values[at], f"best_{searched}": best[at]},
            seconds=seconds[at],
        )
        for at in range(len(history))
    ]
    oracle = int(np.nanargmax(tests)) if not np.isnan(tests).all() else None
    chance = expected_best(evaluator.values, len(history))
    result = SearchResult(
        **{key: identity[key] for key in ("table", "dataset", "split", "epochs", "sampler", "seed")},
        space=table.space.name,
        budget=budget,
        queries=len(history),
        best=None
        if winner is None
        else {"architecture": texts[winner], searched: values[winner], "test": tests[winner]},
        oracle=None if oracle is None else {"architecture": texts[oracle], "test": tests[oracle]},
        optimum={searched: float(evaluator.values.max())},
        regret=None if winner is None else float(evaluator.values.max() - values[winner]),
        candidates=len(evaluator.candidates),
        random_search={"mean": chance.mean.tolist(), "low": chance.low.tolist(), "high": chance.high.tolist()},
        seconds={
            "wall": wall,
            "training": float(np.nansum(seconds)),
            "training_all": float(np.nansum(evaluator.seconds)),
        },
        verification=[],
    )
    result.trials = trials
    return result


def _test_accuracy(table: Table, dataset: str, epochs: int) -> NDArray[np.float64]:
    """Return (n,) test accuracies; NaN where the table has none, for nothing else may stand in for them."""
    try:
        return table.accuracy(dataset=dataset, split=Split.TEST, epochs=epochs)
    except NotMeasuredError:
        return np.full(len(table), np.nan)
