"""Train random entries of a built table again, and compare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from surrogate_nas import configuration
from surrogate_nas.errors import NotMeasuredError, SettingError
from surrogate_nas.settings import integer
from surrogate_nas.split import Split
from surrogate_nas.table import Table
from surrogate_nas.table.noise import seed_noise
from surrogate_nas.table.table import Column
from surrogate_nas.verification.executor import Failure, Job
from surrogate_nas.verification.local import run_trainings
from surrogate_nas.verification.recipe import Recipe

LEVEL = 0.001  # how rarely a faithful table may fail the check


@dataclass(frozen=True)
class Check:
    """What n entries of a table gave when they were trained again.

    Attributes:
        architectures: (n) texts.
        seeds: (n,) of the trainings.
        recorded: (n,) validation accuracies in percent, as the table holds them.
        repeated: (n,) the same, trained again.
        deviation: (n,) points between seeds at such accuracies; NaN where the table repeats no seed.
    """

    architectures: tuple[str, ...]
    seeds: NDArray[np.int64]
    recorded: NDArray[np.float64]
    repeated: NDArray[np.float64]
    deviation: NDArray[np.float64]

    @property
    def equal(self) -> int:
        """How many entries are the same to the last bit."""
        return int((self.recorded == self.repeated).sum())

    @property
    def p_value(self) -> float:
        """How likely differences at least as large are between two seeds of the same architectures.

        Another processor adds in another order, which acts like another seed: the sum of squared differences, each
        divided by twice the variance between seeds, is then chi-squared with as many degrees of freedom as entries
        differ (approximately: the noise of one training is not exactly normal). One where all are equal, NaN where the
        noise is not known.
        """
        from scipy.stats import chi2

        difference = self.repeated - self.recorded
        differs = difference != 0
        if not differs.any():
            return 1.0
        score = (difference[differs] ** 2 / (2 * self.deviation[differs] ** 2)).sum()
        return float(chi2.sf(score, differs.sum()))


def check_table(
    table: Table, entries: int, *, seed: int, workers: int | None = None, device: str = "auto", progress: bool = False
) -> Check:
    """Train random entries of a table again, exactly as it says that they were trained.

    Args:
        table: a built table, whose provenance tells data and recipe.
        entries: how many, at most all; each is an architecture and a seed of its longest training.
        seed: of the choice of entries.
        workers: trainings at the same time; None for one a core.
        device: a torch device; "auto" for the GPU where there is one.
        progress: show a progress bar.

    Raises:
        SettingError: the table does not say how it was trained, or a training failed.
    """
    training = table.provenance.get("training")
    if not training:
        raise SettingError(
            f"table {table.name!r} does not say how it was trained, so nothing can be trained again; "
            "only tables made by table build can be checked."
        )
    (dataset,) = table.datasets
    epochs = max(table.epochs(dataset, Split.VALID))
    held = [column for column in table.columns if column[:4] == ("accuracy", dataset, Split.VALID, epochs)]
    values = np.array([table.columns[column] for column in held])  # (seeds, architectures)
    which, rows = np.nonzero(~np.isnan(values))
    integer("--check", entries, least=1, most=len(rows), why=" (what the table holds)")
    at = np.random.default_rng(seed).choice(len(rows), entries, replace=False)
    jobs = [Job(table.population[int(rows[i])], held[which[i]].seed) for i in at]
    repeated = _trained(jobs, training, workers, device, progress)
    recorded = values[which[at], rows[at]]
    return Check(
        tuple(job.architecture.text for job in jobs),
        np.array([job.seed for job in jobs]),
        recorded,
        np.array([repeated[job.architecture.text, job.seed] for job in jobs]),
        _deviation(table, held[0], recorded),
    )


def _trained(
    jobs: list[Job], training: dict[str, Any], workers: int | None, device: str, progress: bool
) -> dict[tuple[str, int], float]:
    make_task = configuration.load("data", training["data"], _partial_=True, **training["data_settings"])
    recipe = Recipe(**training["recipe_settings"])
    results = run_trainings(jobs, make_task, recipe, workers=workers, device=device)
    accuracies = {}
    for result in tqdm(results, total=len(jobs), unit="training", disable=not progress):
        if isinstance(result, Failure):
            raise SettingError(result.reason)
        accuracies[result.architecture, result.seed] = result.accuracy[Split.VALID]
    return accuracies


def _deviation(table: Table, column: Column, accuracy: NDArray[np.float64]) -> NDArray[np.float64]:
    try:
        noise = seed_noise(table, dataset=column.dataset, split=column.split, epochs=column.epochs)
    except NotMeasuredError:
        return np.full(len(accuracy), np.nan)
    return noise.at(accuracy)
