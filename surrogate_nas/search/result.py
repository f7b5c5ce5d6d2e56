"""What a search found, as ``result.json`` holds it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.errors import NotMeasuredError
from surrogate_nas.metrics import expected_best
from surrogate_nas.record import Record
from surrogate_nas.sampler.base import History
from surrogate_nas.split import Split
from surrogate_nas.table import Table
from surrogate_nas.table.evaluator import TableEvaluator


class SearchResult(Record):
    """What ``result.json`` holds, and the trials: a record a query, in order."""

    trials: list[Record]


def table_result(
    evaluator: TableEvaluator, history: History, seconds: NDArray[np.float64], settings: Mapping[str, Any]
) -> SearchResult:
    """Return the result of a search in a table: the test accuracy of the validation-best, and the oracle apart from it.

    Args:
        evaluator: what measured.
        history: what was measured.
        seconds: (n,) of each measurement.
        settings: of the search, and the seconds of wall time under "wall".
    """
    table, searched, values = evaluator.table, settings["split"], evaluator.values
    tests = _test_accuracy(table, settings["dataset"], settings["epochs"])[table.find(history.population)]
    result = _result(history, seconds, settings, tests)
    oracle = int(np.nanargmax(tests)) if not np.isnan(tests).all() else None
    if oracle is not None:
        result["oracle"] = Record(architecture=history.population[oracle].text, test=float(tests[oracle]))
    result["optimum"] = Record({searched: float(values.max())})
    result["regret"] = None if result.best is None else float(values.max() - result.best[searched])
    chance = expected_best(values, len(history))
    result["random_search"] = Record(mean=chance.mean.tolist(), low=chance.low.tolist(), high=chance.high.tolist())
    result.seconds["training_all"] = float(np.nansum(evaluator.seconds))
    return result


def training_result(history: History, seconds: NDArray[np.float64], settings: Mapping[str, Any]) -> SearchResult:
    """Return the result of a search by real training, which knows no optimum; test images were never looked at."""
    return _result(history, seconds, settings, np.full(len(history), np.nan))


def _result(
    history: History, seconds: NDArray[np.float64], settings: Mapping[str, Any], tests: NDArray[np.float64]
) -> SearchResult:
    """Return what every search tells."""
    searched, values, texts = settings["split"], history.values, history.population.texts
    winner = int(np.nanargmax(values)) if len(history.succeeded) else None
    best = np.fmax.accumulate(values)
    result = SearchResult(
        **{key: settings.get(key) for key in ("table", "dataset", "split", "epochs", "sampler", "seed", "budget")},
        space=history.space.name,
        queries=len(history),
        best=None
        if winner is None
        else {"architecture": texts[winner], searched: values[winner], "test": tests[winner]},
        oracle=None,
        optimum=None,
        regret=None,
        candidates=len(history.candidates),
        random_search=None,
        seconds={"wall": settings["wall"], "training": float(np.nansum(seconds)), "training_all": None},
        verification=[],
    )
    result.trials = [
        Record(
            query=at + 1,
            architecture=texts[at],
            **{searched: values[at], f"best_{searched}": best[at]},
            seconds=seconds[at],
        )
        for at in range(len(history))
    ]
    return result


def _test_accuracy(table: Table, dataset: str, epochs: int) -> NDArray[np.float64]:
    """Return (n,) test accuracies; NaN where the table has none, for nothing else may stand in for them."""
    try:
        return table.accuracy(dataset=dataset, split=Split.TEST, epochs=epochs)
    except NotMeasuredError:
        return np.full(len(table), np.nan)
