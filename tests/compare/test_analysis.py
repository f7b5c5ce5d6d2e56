"""What records of runs say, worked out by hand and on methods that are equal."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from surrogate_nas.compare.analysis import ANYTIME, FINAL, compared, compared_searches, course

TASK = "table:toy"


def record(method: str, seed: int, values: list[float | None], **changes: Any) -> dict[str, Any]:
    return {
        "kind": "sampler",
        "method": method,
        "task": TASK,
        "seed": seed,
        "status": "finished",
        "note": "",
        "architectures": [f"cell {value}" for value in values],
        "values": values,
        "tests": [None if value is None else value + 1 for value in values],
        "seconds": [10.0] * len(values),
        **changes,
    }


def analysed(records: list[dict[str, Any]], **settings: Any) -> dict[str, Any]:
    methods = list(dict.fromkeys(record["method"] for record in records))
    return compared_searches(
        records, **{"methods": methods, "tasks": {TASK: {"optimum": 90.0}}, "budgets": [4], "target": 1.0, **settings}
    )


def test_a_course_follows_the_best_label_and_its_test_accuracy() -> None:
    found = course(
        {"values": [None, 80, 85, 85, 84, 90], "tests": [99, 70, 60, 95, 96, 50], "seconds": [1.0] * 6}, 90.0, 6
    )
    assert math.isnan(found.regret[0])
    assert found.regret[1:].tolist() == [10, 5, 5, 5, 0]
    assert found.test[1:].tolist() == [70, 60, 60, 60, 50]  # of the first that reached the best label, never of a later
    assert found.oracle.tolist() == [99, 99, 99, 99, 99, 99]
    assert found.seconds.tolist() == [1, 2, 3, 4, 5, 6]
    assert found.winner == 5
    assert (found.first_within(5), found.first_within(0)) == (3, 6)
    cut = course({"values": [80, 81, 90], "tests": [None] * 3, "seconds": [None] * 3}, 90.0, 2)
    assert cut.first_within(1) is None


def test_standings_are_means_over_finished_runs_with_what_failed_beside() -> None:
    records = [
        record("a", 0, [86, 87, 88, 89]),
        record("a", 1, [86, 87, 88, 90]),
        {**record("a", 2, []), "status": "crashed"},
    ]
    early, late = analysed(records, budgets=[2, 4])["standings"]
    assert (early["queries"], early["regret"]["mean"], early["reached"]) == (2, 3.0, 0)
    assert (late["queries"], late["regret"]["mean"], late["reached"]) == (4, 0.5, 2)
    assert (late["runs"], late["failed"]) == (2, 1)
    assert (late["test"]["mean"], late["oracle"]["mean"], late["seconds"]["mean"]) == (90.5, 90.5, 40.0)


def test_a_failed_run_is_the_worst_of_its_block_and_a_missing_one_leaves_its_block_out() -> None:
    scores = {(TASK, "a", seed): 1.0 + seed for seed in range(4)} | {(TASK, "b", seed): 2.0 + seed for seed in range(3)}
    worst = compared("regret", scores, [(TASK, "b", 3)], ["a", "b"], [TASK])
    assert worst["blocks"] == 4
    assert (worst["pairs"][0]["wins"], worst["pairs"][0]["losses"]) == (1, 3)
    assert worst["pairs"][0]["difference"]["mean"] == -1.0  # over the blocks in which both finished
    missing = compared("regret", scores, [], ["a", "b"], [TASK])
    assert (missing["blocks"], missing["pairs"][0]["blocks"], missing["pairs"][0]["losses"]) == (3, 3, 3)


def test_methods_that_all_fail_are_compared_without_a_number() -> None:
    found = analysed([{**record(method, seed, []), "status": "crashed"} for method in "ab" for seed in range(3)])
    assert found["curves"] == []
    assert [row["runs"] for row in found["standings"]] == [0, 0]
    assert [comparison["pairs"][0]["p"] for comparison in found["comparisons"]] == [1.0, 1.0]


def test_runs_that_never_reach_the_target_are_censored_and_so_are_failed_ones() -> None:
    records = [record("a", 0, [80, 89, 89, 89]), record("a", 1, [80, 80, 80, 80])]
    (row,) = analysed([*records, {**record("a", 2, []), "status": "timed out"}])["reaching"]
    assert (row["reached"], row["runs"]) == (1, 3)
    assert dict(zip(row["queries"], row["share"], strict=True)) == {2: pytest.approx(1 / 3), 4: pytest.approx(1 / 3)}
    assert row["median_queries"] is None
    assert analysed(records[:1])["reaching"][0]["median_seconds"] == 20.0


def test_curves_against_seconds_lie_where_every_run_is_known() -> None:
    records = [
        record("a", 0, [80, 85, 90, 90]),
        record("a", 1, [80, 80, 80, 90], seconds=[20.0, 5.0, 5.0, 5.0]),
    ]
    (curve,) = analysed(records)["curves"]
    assert curve["queries"] == [1, 2, 3, 4]
    assert curve["mean"] == [10.0, 7.5, 5.0, 0.0]
    by_seconds = curve["by_seconds"]
    assert (by_seconds["seconds"][0], by_seconds["seconds"][-1]) == (20.0, 35.0)
    assert by_seconds["mean"][0] == (5 + 10) / 2
    untimed = [record("a", 0, [80, 85, 90, 90], seconds=[None] * 4)]
    assert analysed(untimed)["curves"][0]["by_seconds"] is None


def test_winners_are_counted_by_method() -> None:
    records = [record("a", 0, [88, 89, 80, 80]), record("b", 0, [89, 80, 80, 80]), record("b", 1, [90, 80, 80, 80])]
    assert [(row["architecture"], row["runs"], row["by"]) for row in analysed(records)["winners"]] == [
        ("cell 89", 2, {"a": 1, "b": 1}),
        ("cell 90", 1, {"a": 0, "b": 1}),
    ]


@pytest.mark.parametrize("methods", [2, 5])
def test_equal_methods_hardly_ever_differ(methods: int) -> None:
    """A hundred comparisons of equal methods, ten seeds each: at least 95 without any significant difference."""
    rng = np.random.default_rng(7)
    names = [str(method) for method in range(methods)]
    values = rng.normal(80, 5, size=1000).round(1)  # a table whose labels have ties
    different = 0
    for _ in range(100):
        best = {
            (TASK, name, seed): float(rng.choice(values, size=20, replace=False).max())  # of a random search
            for name in names
            for seed in range(10)
        }
        found = compared("regret", best, [], names, [TASK])
        different += any(pair["significant"] for pair in found["pairs"])
    # A test at its level of 0.05 exactly would fail this for four of ten generators: P(Binomial(100, .05) > 5) = .38.
    # Friedman's test in front of the pairs leaves about .02 (measured over 1,000 comparisons), for which it is 1 %.
    assert different <= 5


def test_a_real_difference_is_found() -> None:
    rng = np.random.default_rng(8)
    scores = {
        (TASK, name, seed): merit + rng.normal()
        for name, merit in (("worse", 0.0), ("same", 0.0), ("better", 2.0))
        for seed in range(20)
    }
    found = compared("regret", scores, [], ["worse", "same", "better"], [TASK])
    assert {(pair["first"], pair["second"]): pair["significant"] for pair in found["pairs"]} == {
        ("worse", "same"): False,
        ("worse", "better"): True,
        ("same", "better"): True,
    }


def test_searches_are_compared_at_their_end_and_over_all_queries() -> None:
    records = [record("slow", 0, [80, 80, 80, 90]), record("fast", 0, [90, 80, 80, 80])]
    found = {comparison["name"]: comparison for comparison in analysed(records)["comparisons"]}
    assert found[FINAL]["pairs"][0]["ties"] == 1
    assert found[ANYTIME]["pairs"][0]["losses"] == 1
