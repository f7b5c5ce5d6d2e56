"""What a search cost."""

from __future__ import annotations

from collections.abc import Callable

from surrogate_nas.report.run import Run
from surrogate_nas.report.section import cost
from tests.report.conftest import search_result


def test_the_squares_are_in_proportion_to_the_training_times(run_of: Callable[..., Run]) -> None:
    # A hundredth of the training: a tenth of the side of 240.
    values = cost.of_search(run_of(search_result())).values
    assert '<rect class="paid" y="216.0" width="24.0" height="24.0" rx="2"/>' in values["squares"]
    assert values["factor"] == 100.0
    assert [figure.value.replace("\N{NO-BREAK SPACE}", " ") for figure in values["figures"]] == ["12 hours", "50 days"]


def test_without_times_the_squares_count_architectures(run_of: Callable[..., Run]) -> None:
    seconds = {"wall": 1.0, "training": None, "training_all": None}
    values = cost.of_search(run_of(search_result(), seconds=seconds, candidates=300)).values
    assert [figure.value for figure in values["figures"]] == ["12", "300"]
    assert values["factor"] == 25.0
    assert values["timed"] is False


def test_nothing_paid_has_no_factor(run_of: Callable[..., Run]) -> None:
    seconds = {"wall": 1.0, "training": 0.0, "training_all": 10.0}
    assert cost.of_search(run_of(search_result(), seconds=seconds)).values["factor"] is None


def test_a_search_by_training_speaks_of_no_table(page_of: Callable[..., str]) -> None:
    trained = {
        "table": None,
        "optimum": None,
        "regret": None,
        "random_search": None,
        "verification": [],
        "oracle": None,
    }
    seconds = {"wall": 1.0, "training": 9.0, "training_all": None}
    told = {"training": {"data": "digits", "recipe": "digits"}}
    page = page_of(search_result(), **trained, seconds=seconds, provenance=told)
    text = page[page.index("</noscript>") : page.index("</main>")]
    assert "The trainings ran here" in text
    assert "the table" not in text
    assert "None" not in text
