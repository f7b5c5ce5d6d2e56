"""Records of runs to what they say: standings, curves, ranks, paired tests and how soon a target was reached."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.compare.run import FINISHED, LEFT_OUT
from surrogate_nas.statistics import (
    Interval,
    bootstrap_mean,
    holm,
    paired_test,
    ranking,
    reached,
    superiority,
)

SIGNIFICANCE = 0.05
POINTS = 150  # of a curve: more than a plot can show
FINAL, ANYTIME = "after the last query", "averaged over all queries"
ROUNDING = 1e-9  # percentage points; a target that is met exactly is met

Array = NDArray[np.float64]
Record = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Course:
    """A search that spent its budget of q queries.

    Attributes:
        record: what the run left.
        regret: (q,) points between the best label so far and the best label of the table; NaN before the first one.
        test: (q,) test accuracy in percent of the best so far; NaN where the table has none.
        oracle: (q,) best test accuracy seen so far, which no search may choose by.
        seconds: (q,) training paid for so far; NaN where the table does not tell.
        winner: position of the best label.
    """

    record: Record
    regret: Array
    test: Array
    oracle: Array
    seconds: Array
    winner: int

    def first_within(self, target: float) -> int | None:
        """Return the number of queries until the regret is at most ``target``; None where it never is."""
        within = self.regret <= target + ROUNDING
        return int(within.argmax()) + 1 if within.any() else None


def course(record: Record, optimum: float, queries: int) -> Course:
    """Return the course of a search over its first ``queries``.

    Args:
        record: of a finished search, its values not all missing.
        optimum: the best label of its table, in percent.
        queries: at most as many as the record holds.
    """
    values, tests, seconds = (
        np.array([math.nan if value is None else value for value in record[name][:queries]], dtype=np.float64)
        for name in ("values", "tests", "seconds")
    )
    best = np.fmax.accumulate(values)
    improved = np.where(
        np.isnan(values), False, values > np.concatenate([[-np.inf], np.nan_to_num(best, nan=-np.inf)[:-1]])
    )
    holder = np.maximum.accumulate(np.where(improved, np.arange(len(values)), 0))
    test = np.where(np.isnan(best), math.nan, tests[holder])
    return Course(record, optimum - best, test, np.fmax.accumulate(tests), np.cumsum(seconds), int(holder[-1]))


def compared_searches(
    records: Sequence[Record],
    *,
    methods: Sequence[str],
    tasks: Mapping[str, Mapping[str, Any]],
    budgets: Sequence[int],
    target: float,
) -> dict[str, Any]:
    """Return what searches say about samplers.

    Args:
        records: of all runs, also of those that failed.
        methods: names, in the order to show them in.
        tasks: by name, what is known of each; at least its ``optimum`` in percent.
        budgets: queries after which standings are told, ascending; the last is that of the comparison.
        target: points below the optimum that count as reached.
    """
    budget = budgets[-1]
    courses = {
        (record["task"], record["method"], record["seed"]): course(record, tasks[record["task"]]["optimum"], budget)
        for record in records
        if record["status"] == FINISHED and any(value is not None for value in record["values"][:budget])
    }
    failed = {
        (record["task"], record["method"], record["seed"]) for record in records if record["status"] != LEFT_OUT
    } - set(courses)
    groups = {
        (task, method): [courses[key] for key in sorted(courses) if key[:2] == (task, method)]
        for task in tasks
        for method in methods
    }
    scores = {
        FINAL: {key: -float(course.regret[-1]) for key, course in courses.items()},
        ANYTIME: {key: -float(np.nanmean(course.regret)) for key, course in courses.items()},
    }
    return {
        "standings": [
            _standing(task, method, group, mark, target, sum(key[:2] == (task, method) for key in failed))
            for (task, method), group in groups.items()
            for mark in budgets
        ],
        "curves": [_curve(task, method, group) for (task, method), group in groups.items() if group],
        "comparisons": [compared(name, of, failed, methods, list(tasks)) for name, of in scores.items()],
        "reaching": [
            _reaching(task, method, group, budget, target, sum(key[:2] == (task, method) for key in failed))
            for (task, method), group in groups.items()
            if group
        ],
        "runs": [_search_row(record, courses, target) for record in records],
        "winners": _winners(courses, methods),
    }


def compared_fits(
    records: Sequence[Record], *, methods: Sequence[str], tasks: Sequence[str], metric: str
) -> dict[str, Any]:
    """Return what fits say about predictors.

    Args:
        records: of all runs, also of those that failed.
        methods: names, in the order to show them in.
        tasks: names.
        metric: that predictors are ranked by, higher is better.
    """
    fitted = {
        (f"{record['task']}, {record['size']} labels", record["method"], record["seed"]): record["metrics"]
        for record in records
        if record["status"] == FINISHED
    }
    every = [
        (f"{record['task']}, {record['size']} labels", record["method"], record["seed"])
        for record in records
        if record["status"] != LEFT_OUT
    ]
    settings = list(dict.fromkeys(task for task, *_ in every))
    scores = {key: -math.inf if of[metric] is None else of[metric] for key, of in fitted.items()}
    failed = set(every) - set(fitted)
    standings = []
    for task in settings:
        for method in methods:
            group = [of for key, of in sorted(fitted.items()) if key[:2] == (task, method)]
            names = list(group[0]) if group else []
            columns = {name: _column([of[name] for of in group]) for name in names}
            lost = sum(key[:2] == (task, method) for key in failed)
            standings.append({"task": task, "method": method, "runs": len(group), "failed": lost, **columns})
    return {
        "metric": metric,
        "standings": standings,
        "comparisons": [compared(metric, scores, failed, methods, settings)],
        "runs": [
            {
                **{name: record[name] for name in ("task", "method", "seed", "size", "status", "note")},
                **record.get("metrics", {}),
            }
            for record in records
        ],
    }


def compared(
    name: str,
    scores: Mapping[tuple[str, str, int], float],
    failed: Iterable[tuple[str, str, int]],
    methods: Sequence[str],
    tasks: Sequence[str],
) -> dict[str, Any]:
    """Return ranks of methods and paired tests between them.

    A block is a task with a seed. A run that failed scores below all others of its block; a block in which a run is
    missing altogether is left out. Two methods differ significantly where the Friedman test over all methods and their
    own paired test after Holm's correction both say so (Demsar, 2006, section 3.2: post-hoc tests only after the
    overall one), which errs in less than five of a hundred comparisons of equal methods.

    Args:
        name: what is scored.
        scores: of each (task, method, seed), higher is better.
        failed: the runs without a score that count as worst.
        methods: their names.
        tasks: their names.
    """
    lost = min(scores.values(), default=0.0) - 1
    known = {**dict.fromkeys(failed, lost), **{key: max(score, lost) for key, score in scores.items()}}
    blocks = sorted({(task, seed) for task, _, seed in known if task in tasks})
    matrix = np.array([[known.get((task, method, seed), math.nan) for method in methods] for task, seed in blocks])
    matrix = matrix.reshape(len(blocks), len(methods))
    complete = matrix[~np.isnan(matrix).any(axis=1)]
    ranks = ranking(complete)
    pairs = [
        _pair(methods[a], methods[b], matrix[:, a], matrix[:, b], lost) for a, b in combinations(range(len(methods)), 2)
    ]
    for pair, adjusted in zip(pairs, holm([pair["p"] for pair in pairs]), strict=True):
        pair["p_holm"] = float(adjusted)
        pair["significant"] = bool(adjusted < SIGNIFICANCE and ranks.p < SIGNIFICANCE)
    return {
        "name": name,
        "blocks": ranks.blocks,
        "p": _known(ranks.p),
        "critical_difference": _known(ranks.critical_difference),
        "ranks": [{"method": method, "rank": _known(rank)} for method, rank in zip(methods, ranks.ranks, strict=True)],
        "pairs": pairs,
    }


def _pair(first: str, second: str, one: Array, other: Array, lost: float) -> dict[str, Any]:
    both = ~np.isnan(one) & ~np.isnan(other)
    one, other = one[both], other[both]
    finished = (one > lost) & (other > lost)
    return {
        "first": first,
        "second": second,
        "blocks": int(both.sum()),
        "wins": int((one > other).sum()),
        "ties": int((one == other).sum()),
        "losses": int((one < other).sum()),
        "difference": _column((one - other)[finished].tolist()),
        "superiority": superiority(one, other) if len(one) else None,
        "p": paired_test(one, other) if len(one) else 1.0,
    }


def _standing(task: str, method: str, group: Sequence[Course], mark: int, target: float, failed: int) -> dict[str, Any]:
    at = mark - 1
    first = [course.first_within(target) for course in group]
    return {
        "task": task,
        "method": method,
        "queries": mark,
        "runs": len(group),
        "failed": failed,
        "regret": _column([course.regret[at] for course in group]),
        "test": _column([course.test[at] for course in group]),
        "oracle": _column([course.oracle[at] for course in group]),
        "seconds": _column([course.seconds[at] for course in group]),
        "reached": sum(query is not None and query <= mark for query in first),
    }


def _column(values: Sequence[float | None]) -> dict[str, float | None]:
    """Return mean and interval over the values that are known."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    if not known:
        return {"mean": None, "low": None, "high": None}
    interval = bootstrap_mean(known, rng=np.random.default_rng(0))
    return {name: _known(getattr(interval, name)) for name in ("mean", "low", "high")}


def _curve(task: str, method: str, group: Sequence[Course]) -> dict[str, Any]:
    """Return the mean regret by queries, and by training seconds where they are known."""
    regrets = np.array([course.regret for course in group])  # (runs, q)
    shown = np.unique(np.linspace(0, regrets.shape[1] - 1, POINTS).round().astype(int))
    shown = shown[~np.isnan(regrets[:, shown]).any(axis=0)]
    curve = {"task": task, "method": method, "queries": (shown + 1).tolist(), **_interval(regrets[:, shown])}
    seconds = np.array([course.seconds for course in group])
    if np.isnan(seconds).any():
        return {**curve, "by_seconds": None}
    # Between what every run had paid for its first label and what the cheapest run paid in all, every curve is known.
    grid = np.linspace(seconds[:, shown[0] if len(shown) else 0].max(), seconds[:, -1].min(), POINTS)
    stepped = np.array(
        [regret[np.searchsorted(paid, grid, side="right") - 1] for regret, paid in zip(regrets, seconds, strict=True)]
    )
    return {**curve, "by_seconds": {"seconds": grid.tolist(), **_interval(stepped)}}


def _interval(values: Array) -> dict[str, Any]:
    interval: Interval = bootstrap_mean(values, rng=np.random.default_rng(0))
    return {name: [_known(value) for value in getattr(interval, name)] for name in ("mean", "low", "high")}


def _reaching(
    task: str, method: str, group: Sequence[Course], budget: int, target: float, failed: int
) -> dict[str, Any]:
    """Return the share of runs within the target by queries; failed runs never reach it."""
    first = [course.first_within(target) for course in group]
    spent = [query or budget for query in first] + [budget] * failed
    censored = [query is None for query in first] + [True] * failed
    found = reached(spent, censored=censored)
    seconds = [float(course.seconds[(query or budget) - 1]) for course, query in zip(group, first, strict=True)]
    cost = reached(seconds, censored=[query is None for query in first]) if np.isfinite(seconds).all() else None
    return {
        "task": task,
        "method": method,
        "runs": len(spent),
        "reached": len(spent) - sum(censored),
        "queries": found.spent.tolist(),
        **{name: [_known(value) for value in getattr(found, name)] for name in ("share", "low", "high")},
        "median_queries": _known(found.median),
        "median_seconds": None if cost is None else _known(cost.median),
    }


def _search_row(record: Record, courses: Mapping[tuple[str, str, int], Course], target: float) -> dict[str, Any]:
    row = {name: record[name] for name in ("task", "method", "seed", "status", "note")}
    found = courses.get((record["task"], record["method"], record["seed"])) if record["status"] == FINISHED else None
    if found is None:
        empty = ("regret", "valid", "test", "oracle", "queries_to_target", "training_seconds", "architecture")
        return {**row, "queries": len(record.get("values", [])), **dict.fromkeys(empty)}
    return {
        **row,
        "queries": len(found.regret),
        "regret": float(found.regret[-1]),
        "valid": record["values"][found.winner],
        "test": _known(found.test[-1]),
        "oracle": _known(found.oracle[-1]),
        "queries_to_target": found.first_within(target),
        "training_seconds": _known(found.seconds[-1]),
        "architecture": record["architectures"][found.winner],
    }


def _winners(courses: Mapping[tuple[str, str, int], Course], methods: Sequence[str]) -> list[dict[str, Any]]:
    """Return the architectures that runs ended with, and how often each method did, the most frequent first."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for (task, method, _), course in sorted(courses.items()):
        text = course.record["architectures"][course.winner]
        row = found.setdefault(
            (task, text),
            {
                "task": task,
                "architecture": text,
                "valid": course.record["values"][course.winner],
                "test": _known(course.test[-1]),
                "runs": 0,
                "by": dict.fromkeys(methods, 0),
            },
        )
        row["runs"] += 1
        row["by"][method] += 1
    return sorted(found.values(), key=lambda row: (row["task"], -row["runs"], -row["valid"], row["architecture"]))


def _known(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None
