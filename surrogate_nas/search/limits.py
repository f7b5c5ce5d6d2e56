"""Hard limits on what an architecture may cost: known without any training, so nothing beyond them is ever measured."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.encoding.costs import flops, parameters
from surrogate_nas.errors import SettingError, expected
from surrogate_nas.search.measurement import TrainingEvaluator
from surrogate_nas.settings import number
from surrogate_nas.space import Population
from surrogate_nas.table import Table
from surrogate_nas.table.evaluator import TableEvaluator

# Costs that follow from an architecture alone: of NAS-Bench-201's network for CIFAR-10.
COMPUTED = {
    "params_millions": lambda population: parameters(population) / 1e6,
    "flops_millions": lambda population: flops(population) / 1e6,
}
Limited = TableEvaluator | TrainingEvaluator


def limited(evaluator: Limited, limits: Mapping[str, float], *, dataset: str | None = None) -> Limited:
    """Return an evaluator of those candidates only that cost no more than the limits.

    Args:
        evaluator: of all candidates.
        limits: the highest value of each cost, by its name.
        dataset: whose costs of a table are meant.

    Raises:
        SettingError: a cost or a limit is unknown, or no candidate is within the limits.
    """
    table = evaluator.table if isinstance(evaluator, TableEvaluator) else None
    for name, limit in limits.items():
        number(f"constraint.{name}", limit)
        costs = cost(name, evaluator.candidates, table=table, dataset=dataset)
        within = costs <= limit  # not where it is unknown
        if not within.any():
            raise SettingError(
                f"constraint.{name}={limit} leaves no candidate: the least of those within the other limits is "
                f"{np.nanmin(costs):.4g}."
            )
        evaluator = evaluator.within(within)
    return evaluator


def cost(
    name: str, population: Population, *, table: Table | None = None, dataset: str | None = None
) -> NDArray[np.float64]:
    """Return the (n,) costs of architectures: computed, or as a table holds them; NaN where it does not.

    Raises:
        SettingError: there is no such cost.
    """
    if name in COMPUTED:
        return np.asarray(COMPUTED[name](population), dtype=np.float64)
    held = {} if table is None else {of.quantity: values for of, values in table.costs.items() if of.dataset == dataset}
    if table is None or name not in held:
        raise SettingError(expected("cost", name, [*COMPUTED, *sorted(held)]))
    rows = table.find(population)
    return np.where(rows >= 0, held[name][rows], np.nan)
