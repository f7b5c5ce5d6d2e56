"""One architecture measured in several ways, such as lengths or seeds of its training: a candidate is a pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.search.limits import Limited
from surrogate_nas.search.measurement import TrainingEvaluator
from surrogate_nas.space import Decision, JointSpace, Population, concatenate
from surrogate_nas.split import Split
from surrogate_nas.table import Table
from surrogate_nas.table.evaluator import TableEvaluator


class Variants:
    """Measures pairs of an architecture and a level of a setting; each pair is a measurement of its own, paid in full.

    Args:
        setting: its name, as trials show it.
        evaluators: what measures at each level.
        ordered: whether the levels are an order.

    Attributes:
        space: of the pairs.
        candidates: the pairs that can be measured.
    """

    def __init__(self, setting: str, evaluators: Mapping[int, Limited], *, ordered: bool) -> None:
        self.evaluators = list(evaluators.values())
        inner = self.evaluators[0].candidates.space
        self.space = JointSpace(inner, (Decision(setting, tuple(map(str, evaluators))),), (ordered,))
        pairs = concatenate([self._pairs(level) for level in range(len(self.evaluators))])
        self.candidates = pairs[np.argsort(pairs.index)]
        self._held = self.candidates.index

    def _pairs(self, level: int) -> Population:
        cells = self.evaluators[level].candidates
        return self.space.join(cells, np.full((len(cells), 1), level, dtype=np.int8))

    def locate(self, population: Population) -> NDArray[np.int64]:
        """Return the (n,) position of each pair among the candidates, -1 where it cannot be measured."""
        wanted = population.index
        at = np.searchsorted(self._held, wanted).clip(max=len(self._held) - 1)
        return np.where(self._held[at] == wanted, at, -1)

    def __call__(self, architecture: Population) -> tuple[float, float]:
        """Return the accuracy in percent of one pair and the seconds that its training took."""
        level = int(self.space.levels(architecture)[0, 0])
        return self.evaluators[level](self.space.architectures(architecture))


def by_seed(
    measures: Table | TrainingEvaluator, seeds: Sequence[int], *, dataset: str = "", epochs: int | None = None
) -> Variants:
    """Return what measures an architecture again and again, each time with another seed of its training.

    Args:
        measures: a table that holds labels of these seeds, or a real training.
        seeds: that may be chosen.
        dataset: of a table.
        epochs: of a table; None for the longest.

    Raises:
        NotMeasuredError: the table holds no labels of a seed.
    """
    each: dict[int, Limited] = {}
    for seed in seeds:
        if isinstance(measures, Table):
            each[seed] = TableEvaluator(measures, dataset=dataset, split=Split.VALID, epochs=epochs, seed=seed)
        else:
            each[seed] = replace(measures, seed=seed)
    return Variants("seed", each, ordered=False)
