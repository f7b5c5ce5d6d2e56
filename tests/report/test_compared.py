"""The page of a comparison: what it says, and what it looks like in a browser."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from surrogate_nas.compare.analysis import compared_fits, compared_searches
from surrogate_nas.record import Record, write_json
from surrogate_nas.report import write_report
from surrogate_nas.report.paper import latex, markdown, spread
from surrogate_nas.report.section.significance import groups
from tests.report.conftest import ARCHITECTURES, COMMON

TASK = {
    "table": "synthetic",
    "dataset": "toy",
    "space": "nb201",
    "split": "valid",
    "epochs": 12,
    "candidates": 12,
    "optimum": 92.0,
    "noise": {"points": 0.25, "kendall_tau": 0.81},
    "provenance": {"citation": "nobody: Nothing, 2026"},
}
ATTACK = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"


def comparison(
    methods: tuple[str, ...] = ("random", "mine"), seeds: int = 6, task: str = "synthetic:toy"
) -> dict[str, Any]:
    """A comparison in which each method is half a point better than the one before it."""
    records = [
        {
            "kind": "sampler",
            "method": method,
            "task": task,
            "seed": seed,
            "size": 6,
            "status": "finished",
            "note": "",
            "architectures": ARCHITECTURES[:6],
            "values": [80.0 + query + merit / 2 + seed / 10 for query in range(6)],
            "tests": [81.0 + query for query in range(6)],
            "seconds": [3600.0] * 6,
        }
        for merit, method in enumerate(methods)
        for seed in range(seeds)
    ]
    names = ("kind", "method", "task", "seed", "size")
    records[0] = {**{name: records[0][name] for name in names}, "status": "crashed", "note": "ValueError: <b>no</b>"}
    found = compared_searches(records, methods=methods, tasks={task: TASK}, budgets=[3, 6], target=6.5)
    return {
        "job": "compare",
        **{name: COMMON[name] for name in ("command", "started", "versions", "machine")},
        "kind": "sampler",
        "methods": list(methods),
        "tasks": {task: TASK},
        "seeds": list(range(seeds)),
        "sizes": [3, 6],
        "target": 6.5,
        "failed": 1,
        **found,
    }


def page_of(result: dict[str, Any], folder: Path) -> str:
    folder.mkdir(exist_ok=True)
    write_json(folder / "result.json", result)
    (folder / "config.yaml").write_text("seeds: 6\n", encoding="utf-8")
    return write_report(folder).read_text(encoding="utf-8")


def body(page: str) -> str:
    return re.sub(r"<script.*?</script>", "", page, flags=re.S)


def test_a_comparison_has_its_sections_in_order(tmp_path: Path) -> None:
    names = re.findall(r'<section id="(\w+)">', page_of(comparison(), tmp_path))
    assert names == [
        "compared",
        "standings",
        "curves",
        "significance",
        "reaching",
        "winners",
        "tasks",
        "runs",
        "repeat",
    ]


def test_the_verdict_names_the_best_and_whom_it_beats(tmp_path: Path) -> None:
    page = body(page_of(comparison(seeds=10), tmp_path))
    assert "mine has the best mean rank, 1.00, significantly better than random." in page
    few = body(page_of(comparison(seeds=3), tmp_path))
    assert "mine has the best mean rank, 1.00, not significantly better than any other." in few


def test_failures_the_noise_and_whom_to_cite_are_told(tmp_path: Path) -> None:
    page = body(page_of(comparison(), tmp_path))
    assert "ValueError: &lt;b&gt;no&lt;/b&gt;" in page
    assert "deviate by 0.25 points" in page
    assert "Kendall&#39;s τ between the labels of two seeds: 0.810" in page
    assert "nobody: Nothing, 2026" in page


def test_tables_are_also_written_for_a_paper(tmp_path: Path) -> None:
    page_of(comparison(), tmp_path)
    left = {path.name for path in (tmp_path / "tables").iterdir()}
    assert {f"standings.{kind}" for kind in ("csv", "md", "tex")} <= left
    # Of mine: the last labels are 85.5 to 86.0, the optimum 92, and the mean regret 92 - 85.75.
    assert 'mine,6,6,0,"6.250 [' in (tmp_path / "tables" / "standings.csv").read_text()


def test_special_characters_cannot_break_a_paper() -> None:
    rows = [{"a_b": "50 % & more", "c": "x|y"}]
    assert "50 \\% \\& more" in latex(rows)
    assert "a\\_b" in latex(rows)
    assert "x\\|y" in markdown(rows)
    assert "&lt;b>" in markdown([{"<b>": 1}])
    assert spread({"mean": 0.5, "low": 0.25, "high": 0.75}) == "0.500 [0.250, 0.750]"
    assert spread({"mean": None, "low": None, "high": None}) == ""


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    page = page_of(comparison(methods=(ATTACK, "mine"), task=ATTACK), tmp_path)
    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_predictors_have_a_page_of_their_own(tmp_path: Path) -> None:
    records = [
        {
            **{"kind": "predictor", "method": method, "task": "synthetic:toy", "seed": seed, "size": 20},
            **{"status": "finished", "note": "", "metrics": {"kendall_tau": tau + seed / 100, "spearman": None}},
        }
        for method, tau in (("dice", 0.0), ("ensemble", 0.8))
        for seed in range(6)
    ]
    found = compared_fits(records, methods=["dice", "ensemble"], tasks=["synthetic:toy"], metric="kendall_tau")
    page = page_of({**comparison(), "kind": "predictor", "methods": ["dice", "ensemble"], **found}, tmp_path)
    assert re.findall(r'<section id="(\w+)">', page) == [
        "compared",
        "scores",
        "significance",
        "tasks",
        "runs",
        "repeat",
    ]
    assert "Kendall tau: ensemble has the best mean rank, 1.00" in body(page)


@pytest.mark.parametrize(
    ("ranks", "distance", "expected"),
    [
        ([1.0, 2.0, 3.0], 1.5, [(1.0, 2.0), (2.0, 3.0)]),
        ([1.0, 2.0, 3.0], 2.5, [(1.0, 3.0)]),
        ([1.0, 2.0, 3.0], 0.5, []),
    ],
)
def test_bars_join_ranks_nearer_than_the_critical_difference(
    ranks: list[float], distance: float, expected: list[tuple[float, float]]
) -> None:
    assert groups([Record(rank=rank) for rank in ranks], distance) == expected


def test_numbers_that_are_not_finite_never_reach_a_plot(tmp_path: Path) -> None:
    page = page_of(comparison(seeds=1), tmp_path)
    plots = re.findall(r'<script type="application/json">(.*?)</script>', page, re.S)
    assert plots
    for plot in plots:
        json.loads(plot, parse_constant=lambda word: pytest.fail(word))
