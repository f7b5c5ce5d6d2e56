"""The page as a whole."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from surrogate_nas.errors import RunFolderError
from surrogate_nas.record import write_csv
from surrogate_nas.report import write_report
from tests.report.conftest import (
    ARCHITECTURES,
    WINNER,
    fit_result,
    search_result,
    trials,
    verify_result,
    write_run,
    write_trials,
)

ATTACK = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\u2028'\""


class Elements(HTMLParser):
    """Collects every element of a page with its attributes, and the text of the scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for found, attributes in self.found if found == tag]


@pytest.fixture
def page(search_folder: Path) -> str:
    return write_report(search_folder).read_text(encoding="utf-8")


def sections(page: str) -> list[str | None]:
    return [attributes["id"] for attributes in Elements(page).named("section")]


def test_the_page_lies_in_the_run_folder_and_nothing_else_is_left(search_folder: Path) -> None:
    before = {path.name for path in search_folder.iterdir()}
    assert write_report(str(search_folder)) == search_folder / "report.html"
    assert {path.name for path in search_folder.iterdir()} == before | {"report.html"}


def test_a_search_has_its_sections_in_order(page: str) -> None:
    expected = ["found", "search", "predictor", "cost", "verification", "table", "trials", "repeat"]
    assert sections(page) == expected
    links = [attributes["href"] for attributes in Elements(page).named("a")]
    assert links == [f"#{name}" for name in expected]


def test_a_fit_and_a_verification_have_theirs(page_of: Callable[..., str]) -> None:
    assert sections(page_of(fit_result())) == ["found", "predictor", "table", "repeat"]
    assert sections(page_of(verify_result())) == ["found", "verification", "repeat"]


def test_the_headline_says_what_was_found(page: str) -> None:
    headline = "A cell with 94.00\N{NO-BREAK SPACE}% test accuracy, found in 12 measurements"
    assert f"<h1>{headline}</h1>" in page
    assert f"<title>{headline}</title>" in page


def test_nothing_is_fetched(page: str) -> None:
    elements = Elements(page)
    assert {tag for tag, _ in elements.found} & {"link", "iframe", "img", "object", "embed", "base", "form"} == set()
    assert [tag for tag, attributes in elements.found if "src" in attributes] == []
    assert [url for url in (a["href"] for a in elements.named("a")) if not str(url).startswith("#")] == []
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.S)
    assert "url(" not in style
    assert "@import" not in style


def test_the_browser_is_told_to_fetch_nothing_and_to_evaluate_no_text(page: str) -> None:
    (policy,) = [str(meta["content"]) for meta in Elements(page).named("meta") if "http-equiv" in meta]
    assert policy.startswith("default-src 'none';")
    assert "unsafe-eval" not in policy


def test_the_page_is_small_and_follows_light_and_dark(page: str) -> None:
    assert len(page.encode()) < 1_500_000
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page


def test_the_same_run_gives_the_same_page(search_folder: Path) -> None:
    first = write_report(search_folder).read_bytes()
    assert write_report(search_folder).read_bytes() == first


def test_plots_are_json_that_a_browser_can_read(page: str) -> None:
    plots = re.findall(r'<script type="application/json">(.*?)</script>', page, re.S)
    assert [json.loads(plot)["width"] for plot in plots] == ["container"] * 4  # search, predictor, verification twice


@pytest.mark.parametrize("key", ["sampler", "dataset", "table", "command", "started"])
def test_a_hostile_name_stays_text(page_of: Callable[..., str], key: str) -> None:
    page = page_of(search_result(), **{key: ATTACK})
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert len(re.findall("</script>", page)) == 6  # four plots, the plotting code and ours


def test_hostile_values_stay_text_everywhere_else(page_of: Callable[..., str]) -> None:
    result = search_result()
    result["verification"][0]["failures"] = [ATTACK]
    named = {ATTACK: ATTACK}
    page = page_of(result, provenance=named, versions=named, machine=named)
    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_a_hostile_configuration_stays_text(search_folder: Path) -> None:
    (search_folder / "config.yaml").write_text(ATTACK, encoding="utf-8")
    assert "<script>alert" not in write_report(search_folder).read_text(encoding="utf-8")


def test_a_hostile_split_stays_text_inside_a_plot(page_of: Callable[..., str]) -> None:
    result = {**fit_result(), "split": ATTACK}
    (plot,) = re.findall(r'<script type="application/json">(.*?)</script>', page_of(result), re.S)
    assert ATTACK in json.loads(plot)["description"]
    assert "\u2028" not in plot


def _without(**changes: Any) -> dict[str, Any]:
    return {**search_result(), **changes}


@pytest.mark.parametrize(
    "result",
    [
        _without(best=None, oracle=None, regret=None),
        _without(best={"architecture": WINNER, "valid": 91.4, "test": None}, oracle=None),
        _without(random_search=None),
        _without(seconds={"wall": 1.0, "training": None, "training_all": None}),
        _without(verification=[]),
        _without(verification=[{**search_result()["verification"][0], "valid": None, "test": None, "table": None}]),
        _without(provenance={}),
        {**verify_result(), "verification": []},
        {**fit_result(), "metrics": {"kendall_tau": {"mean": None, "std": None}}},
    ],
)
def test_what_a_run_does_not_have_is_left_out(page_of: Callable[..., str], result: dict[str, Any]) -> None:
    page = page_of(result)
    (body,) = re.findall("<main>(.*)</main>", page, re.S)
    prose = re.sub(r"<script.*?</script>", "", body, flags=re.S)
    assert not re.findall(r"\b(?:None|nan|null|Undefined)\b", prose)
    assert 'id="repeat"' in body


def test_a_search_without_a_single_success_says_so(page_of: Callable[..., str], tmp_path: Path) -> None:
    folder = write_run(tmp_path / "failed", _without(best=None, oracle=None, regret=None))
    failed = [
        {**trial, "valid": None, "best_valid": None, "predicted": None, "predicted_std": None} for trial in trials()
    ]
    write_csv(folder / "trials.csv", failed)
    assert "No measurement succeeded in 12 queries" in write_report(folder).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "changes",
    [
        {"best": {"architecture": WINNER}},
        {"best": {"architecture": "|nonsense~0|", "valid": 91.4, "test": 94.0}},
        {"best": "the first"},
        {"seconds": {}},
        {"space": "nowhere"},
        {"verification": [{"architecture": WINNER}]},
        {"random_search": {"mean": [90.0]}},
        {"provenance": []},
    ],
)
def test_an_altered_result_ends_in_one_sentence(page_of: Callable[..., str], changes: dict[str, Any]) -> None:
    with pytest.raises(RunFolderError, match=r"is incomplete or was altered \(.*\); run the job again\."):
        page_of(search_result(), **changes)


def test_a_failed_report_leaves_the_old_page(search_folder: Path) -> None:
    before = write_report(search_folder).read_bytes()
    write_trials(search_folder, [{**trials()[0], "architecture": "|nonsense~0|"}])
    with pytest.raises(RunFolderError, match="nonsense"):
        write_report(search_folder)
    assert (search_folder / "report.html").read_bytes() == before


def test_thousands_of_queries_stay_well_under_five_megabytes(search_folder: Path) -> None:
    (first, *_) = trials()
    many = [{**first, "query": query, "architecture": ARCHITECTURES[query % 12]} for query in range(1, 5001)]
    write_csv(search_folder / "trials.csv", many)
    result = search_result()
    result["random_search"] = {name: values[:1] * 5000 for name, values in result["random_search"].items()}
    (search_folder / "result.json").write_text(json.dumps({**result, "queries": 5000}))
    assert write_report(search_folder).stat().st_size < 3_000_000
