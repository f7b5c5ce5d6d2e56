"""Whether cells that were trained agree with a table, by a stated test.

For a cell with mean x of n trainings here and mean m of k trainings in the table, t = (x - m) / (s sqrt(1/n + 1/k)),
where s is the deviation between seeds that the table shows at accuracies like m, pooled over many architectures (see
`surrogate_nas.table.noise`). Were both means of trainings of one kind, t would follow Student's distribution with the
degrees of freedom of s: the two-sample t-test with a variance known better than two samples tell it. Where a table
repeats no seed, s is pooled over the trainings of the run itself. All tests of a run together are held to one level
with Holm's method (S. Holm: A simple sequentially rejective multiple test procedure, 1979), so that a run in which
nothing is amiss is called in disagreement with probability LEVEL at most. `benchmarks/verdict` tells how well this
holds for NAS-Bench-201.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surrogate_nas.errors import NotMeasuredError
from surrogate_nas.record import Record
from surrogate_nas.split import Split
from surrogate_nas.table import Table
from surrogate_nas.table.noise import seed_noise

LEVEL = 0.05  # how often a run in which nothing is amiss may be called in disagreement
TEST = (
    "two-sided t-test of each mean against the table's, with the variance between seeds pooled over {source}; all "
    "tests of the run together at level {level} (Holm)"
)


@dataclass(frozen=True)
class Noise:
    """What is known of the scatter between trainings of one cell.

    Attributes:
        deviation: standard deviation of one training in points.
        freedom: degrees of freedom that it rests on.
        source: what it was pooled over.
    """

    deviation: float
    freedom: int
    source: str


def p_value(difference: float, noise: Noise, *, here: int, there: int) -> float:
    """Return how likely two means differ at least as much when nothing but the seeds differs.

    Args:
        difference: of the means, in points.
        noise: between seeds.
        here: trainings behind one mean.
        there: trainings behind the other.
    """
    from scipy.stats import t

    error = noise.deviation * math.sqrt(1 / here + 1 / there)
    if error == 0:  # cells that cannot learn reach the same accuracy with every seed
        return float(difference == 0)
    return float(2 * t.sf(abs(difference) / error, noise.freedom))


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Return the (n,) p-values that may each be held against the level of all n tests together."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p)
    raised = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)).clip(max=1)
    adjusted = np.empty_like(p)
    adjusted[order] = raised
    return adjusted


def add_verdict(
    cells: Sequence[Record], table: Table, *, dataset: str, epochs: int, chosen_by: str | None = None
) -> Record:
    """Put the table's values beside those of trained cells, judge whether they agree, and return the verdict on all.

    Args:
        cells: what ``summarise`` gave. Each receives ``table``, the table's mean of each split, and ``verdict``, for
            each split that was trained and that the table holds: ``difference`` (points), ``deviation`` (of one
            training, points), ``freedom``, ``p``, ``p_holm`` and ``agrees``.
        table: to compare with.
        dataset: of the table.
        epochs: length of the trainings; the table's of this length are compared.
        chosen_by: the split by whose values in the table a search has chosen the cells, if it has.

    Returns:
        ``test`` and ``level``; ``agree`` and ``tested``, numbers of comparisons; ``agrees``, whether all do, None where
        none could be tested; ``note``, a sentence that a reader of the verdict should know, or None.
    """
    rows = table.find(table.space.parse([cell.architecture for cell in cells]))
    for cell in cells:
        cell["table"], cell["verdict"] = Record(), Record()
    tested, sources = [], set()
    for split in table.splits(dataset):
        if epochs not in table.epochs(dataset, split):
            continue
        noise = _noise(table, dataset, split, epochs, cells)
        for cell, row in zip(cells, rows, strict=True):
            mean, there = _recorded(table, int(row), dataset, split, epochs)
            cell.table[str(split)] = mean
            trained = cell.get(str(split))
            if mean is None or trained is None or noise is None:
                continue
            known = noise(mean)
            sources.add(known.source)
            difference = trained.mean - mean
            judged = Record(
                difference=difference,
                deviation=known.deviation,
                freedom=known.freedom,
                p=p_value(difference, known, here=trained.n, there=there),
            )
            cell.verdict[str(split)] = judged
            tested.append(judged)
    for judged, p in zip(tested, holm([one.p for one in tested]), strict=True):
        judged.update(p_holm=float(p), agrees=bool(p >= LEVEL))
    agree = sum(one.agrees for one in tested)
    return Record(
        test=TEST.format(source=" and ".join(sorted(sources)), level=LEVEL) if tested else None,
        level=LEVEL,
        table=table.name,
        dataset=dataset,
        epochs=epochs,
        tested=len(tested),
        agree=agree,
        agrees=agree == len(tested) if tested else None,
        note=_note(table, dataset, epochs, bool(tested), chosen_by),
    )


def _recorded(table: Table, row: int, dataset: str, split: Split, epochs: int) -> tuple[float | None, int]:
    """Return the table's mean accuracy of an architecture, None where it has none, and the trainings behind it.

    A source that tells a mean alone does not tell of how many; one is assumed, which makes the test lenient.
    """
    if row < 0:
        return None, 0
    mean = float(table.accuracy(dataset=dataset, split=split, epochs=epochs)[row])
    seeds = table.seeds(dataset, split, epochs)
    known = [table.accuracy(dataset=dataset, split=split, epochs=epochs, seed=seed)[row] for seed in seeds]
    return (None, 0) if math.isnan(mean) else (mean, max(1, int(np.isfinite(known).sum())))


def _noise(table: Table, dataset: str, split: Split, epochs: int, cells: Sequence[Record]) -> Any:
    """Return a function of the accuracy that gives the noise there; None where it is not known."""
    try:
        known = seed_noise(table, dataset=dataset, split=split, epochs=epochs)
    except NotMeasuredError:
        repeated = [cell[str(split)] for cell in cells if cell.get(str(split)) and cell[str(split)].n > 1]
        freedom = sum(one.n - 1 for one in repeated)
        if not freedom:
            return None
        variance = sum((one.n - 1) * one.std**2 for one in repeated) / freedom
        return lambda _: Noise(math.sqrt(variance), freedom, "the trainings of this run")
    return lambda mean: Noise(float(known.at(mean)), known.freedom, "the table's own seeds")


def _note(table: Table, dataset: str, epochs: int, tested: bool, chosen_by: str | None) -> str | None:
    if not any(epochs in table.epochs(dataset, split) for split in table.splits(dataset)):
        return f"the table holds no trainings of {epochs} epochs on {dataset}, so nothing was compared."
    if not tested:
        return "neither the table nor this run trained a cell with two seeds, so nothing is known of the noise."
    if chosen_by:
        return (
            f"the search chose these cells for their {chosen_by} accuracy in the table, so that some of it is luck: a "
            "shortfall is expected, and no sign that the trainings differ."
        )
    return None
