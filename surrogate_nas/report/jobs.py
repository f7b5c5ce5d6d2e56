"""Which sections the page of each job has, in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from surrogate_nas.report.run import Run
from surrogate_nas.report.section import (
    compared,
    cost,
    curves,
    found,
    front,
    predictor,
    reaching,
    repeat,
    runs,
    search,
    sharing,
    significance,
    standings,
    table,
    tasks,
    trials,
    verification,
    winners,
)
from surrogate_nas.report.section.base import Section


@dataclass(frozen=True)
class Page:
    """How the page of a job is built: a headline, and functions that each return a section."""

    headline: Callable[[Run], str]
    sections: tuple[Callable[[Run], Section | None], ...]  # a section that a run has nothing for is None


PAGES: Mapping[str, Page] = {
    "search": Page(
        found.search_headline,
        (
            found.of_search,
            front.of_search,
            search.of_search,
            predictor.of_search,
            cost.of_search,
            verification.section,
            table.section,
            trials.of_search,
            repeat.section,
        ),
    ),
    "fit": Page(found.fit_headline, (found.of_fit, predictor.of_fit, table.section, repeat.section)),
    "fit tasks": Page(sharing.headline, (found.of_tasks, sharing.section, table.section, repeat.section)),
    "compare samplers": Page(
        compared.headline,
        (
            compared.section,
            standings.of_samplers,
            curves.section,
            significance.section,
            reaching.section,
            winners.section,
            tasks.section,
            runs.section,
            repeat.section,
        ),
    ),
    "compare predictors": Page(
        compared.headline,
        (
            compared.section,
            standings.of_predictors,
            significance.section,
            tasks.section,
            runs.section,
            repeat.section,
        ),
    ),
    "verify": Page(found.verify_headline, (found.of_verify, verification.section, repeat.section)),
}
