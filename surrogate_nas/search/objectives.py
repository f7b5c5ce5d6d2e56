"""Several objectives: the accuracy, which is measured, against costs that follow from an architecture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.errors import SettingError
from surrogate_nas.pareto import front, hypervolume, hypervolume_so_far
from surrogate_nas.record import Record
from surrogate_nas.sampler.base import History, Sampler
from surrogate_nas.sampler.optuna import MOST_OBJECTIVES
from surrogate_nas.search.limits import Limited, cost
from surrogate_nas.search.result import SearchResult
from surrogate_nas.table.evaluator import TableEvaluator

ACCURACY = "accuracy"
Array = NDArray[np.float64]


def objective_costs(
    objectives: Sequence[str] | str, evaluator: Limited, *, dataset: str | None
) -> tuple[list[str], Limited, Array]:
    """Return the names of the costs among the objectives, an evaluator, and the (c, m) costs of its candidates.

    They are those candidates of which all costs are known.

    Raises:
        SettingError: an objective is unknown or twice there, they do not begin with the accuracy, or are too many.
    """
    names = [objectives] if isinstance(objectives, str) else list(objectives)
    if names[:1] != [ACCURACY] or len(set(map(str, names))) != len(names) or len(names) > MOST_OBJECTIVES:
        raise SettingError(
            f"objectives are {ACCURACY} and up to {MOST_OBJECTIVES - 1} different costs, such as "
            f"[accuracy,flops_millions]; got [{','.join(map(str, names))}]."
        )
    table = evaluator.table if isinstance(evaluator, TableEvaluator) else None
    held = [cost(name, evaluator.candidates, table=table, dataset=dataset) for name in names[1:]]
    costs = np.column_stack([np.empty((len(evaluator.candidates), 0)), *held])
    known = np.asarray(np.isfinite(costs).all(axis=1))
    if not known.any():
        raise SettingError(f"of no candidate are all of {', '.join(names[1:])} known.")
    return names[1:], (evaluator if known.all() else evaluator.within(known)), costs[known]


def serves_several(sampler: Any, name: str) -> None:
    """Check that a sampler serves several objectives; Optuna's say so themselves.

    Raises:
        SettingError: it serves one.
    """
    if isinstance(sampler, Sampler) and not sampler.several:
        raise SettingError(
            f"sampler {name!r} serves one objective; several are served by surrogate, random, nsga2 and tpe."
        )


def add_front(result: SearchResult, history: History, names: Sequence[str], costs: Array, values: Array | None) -> None:
    """Add to a result what its measurements dominate: the front, and the hypervolume after each query.

    The hypervolume counts from an accuracy of 0 and the highest cost among the candidates, in percent times the units
    of the costs.

    Args:
        result: of the search.
        history: what was measured.
        names: of the costs.
        costs: (c, m) of all candidates.
        values: (c,) accuracies of all candidates, where a table knows them: then the true front is known.
    """
    searched = result.split
    reference = np.append(0.0, -costs.max(axis=0))
    points = np.column_stack([history.values, -history.costs])
    so_far = hypervolume_so_far(points, reference)
    for trial, cost_of_trial, volume in zip(result.trials, history.costs.tolist(), so_far.tolist(), strict=True):
        trial.update(zip(names, cost_of_trial, strict=True), hypervolume=volume)
    kept = ("architecture", searched, *names)
    result["objectives"] = [ACCURACY, *names]
    result["front"] = [Record({key: result.trials[at][key] for key in kept}) for at in front(points)]
    result["reference"] = Record({searched: 0.0, **dict(zip(names, costs.max(axis=0).tolist(), strict=True))})
    result["hypervolume"] = float(so_far[-1]) if len(so_far) else 0.0
    result["true_front"] = None
    if values is not None:
        everything = np.column_stack([values, -costs])
        best = front(everything)
        shown = [
            Record({searched: float(values[at]), **dict(zip(names, costs[at].tolist(), strict=True))}) for at in best
        ]
        result["true_front"] = Record(hypervolume=hypervolume(everything[best], reference), points=shown)
