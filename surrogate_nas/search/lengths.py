"""Trainings of several lengths: one candidate is an architecture together with how long it is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.errors import SettingError
from surrogate_nas.sampler.base import History, Sampler
from surrogate_nas.sampler.hyperband import Hyperband
from surrogate_nas.sampler.short_first import ShortFirst
from surrogate_nas.sampler.surrogate import Surrogate
from surrogate_nas.search.limits import Limited, limited
from surrogate_nas.search.measurement import TrainingEvaluator
from surrogate_nas.search.result import SearchResult, table_result, training_result
from surrogate_nas.search.variants import Variants
from surrogate_nas.settings import integer
from surrogate_nas.table.evaluator import TableEvaluator

EPOCHS = "epochs"  # name of the decision


def checked_lengths(fidelities: Sequence[int]) -> list[int]:
    """Return the epochs of several lengths of training, the shortest first.

    Raises:
        SettingError: they are not two or more different numbers.
    """
    lengths = sorted({integer("fidelities", length, least=1) for length in fidelities})
    if len(lengths) <= 1:
        raise SettingError(f"fidelities are two or more different numbers of epochs, got {list(fidelities)}.")
    return lengths


def each_limited(each: Mapping[int, Limited], constraint: Mapping[str, float], *, dataset: str | None) -> Variants:
    """Return what measures each length within the limits.

    Raises:
        SettingError: a table does not tell how long the trainings took; or a limit makes no sense.
    """
    for epochs, one in each.items():
        if isinstance(one, TableEvaluator) and np.isnan(one.seconds).all():
            raise SettingError(
                f"table {one.table.name!r} does not tell how long {epochs} epochs took, so fidelities cannot be paid."
            )
    within = {epochs: limited(one, constraint, dataset=dataset) for epochs, one in each.items()}
    return Variants(EPOCHS, within, ordered=True)


def alone(seconds: float | None, **others: Any) -> None:
    """Check the settings beside fidelities.

    Raises:
        SettingError: there is no budget of seconds, or a setting does not go together with several lengths.
    """
    if seconds is None:
        raise SettingError("fidelities spend a budget of training seconds: add seconds=NUMBER.")
    for name, value in others.items():
        if value is not None:
            raise SettingError(f"{name} does not go together with fidelities; leave one of the two out.")


def only_lengths(sampler: Any, name: str) -> None:
    """Check that a sampler does without several lengths.

    Raises:
        SettingError: it needs them.
    """
    if isinstance(sampler, Hyperband) or (isinstance(sampler, Sampler) and sampler.lengths):
        raise SettingError(f"sampler {name!r} needs several lengths of training, such as fidelities=[12,200].")


def for_length(evaluator: TrainingEvaluator, epochs: int) -> TrainingEvaluator:
    """Return an evaluator that trains for so many epochs, with the schedule of its recipe."""
    return replace(evaluator, recipe=replace(evaluator.recipe, epochs=epochs))


def proposes_lengths(sampler: Any, name: str) -> Any:
    """Return what proposes lengths beside architectures: for the surrogate sampler, the one that trains short first.

    Raises:
        SettingError: the sampler knows one length.
    """
    if isinstance(sampler, Surrogate):
        return ShortFirst()
    if isinstance(sampler, Hyperband) or (isinstance(sampler, Sampler) and sampler.lengths):
        return sampler
    raise SettingError(f"sampler {name!r} knows one length of training; several are known by surrogate and hyperband.")


def lengths_result(
    evaluator: Variants, history: History, seconds: NDArray[np.float64], settings: Mapping[str, Any]
) -> SearchResult:
    """Return the result of a search of several lengths: its best is that of the longest trainings.

    Args:
        evaluator: what measured.
        history: what was measured.
        seconds: (n,) of each measurement.
        settings: of the search.
    """
    space, searched = evaluator.space, settings["split"]
    levels = space.levels(history.population)[:, 0]
    longest = evaluator.evaluators[-1]
    rows = np.flatnonzero(levels == len(evaluator.evaluators) - 1)
    long = History(longest.candidates, space.architectures(history.population[rows]), history.values[rows])
    settings = {**settings, EPOCHS: int(space.settings[0].options[-1])}
    if isinstance(longest, TableEvaluator):
        result = table_result(longest, long, seconds[rows], settings)
    else:
        result = training_result(long, seconds[rows], settings)
    best = np.full(len(history), np.nan)
    best[rows] = long.values
    best = np.fmax.accumulate(best)
    texts = space.architectures(history.population).texts
    lengths = [int(option) for option in space.settings[0].options]
    result.trials = [
        type(result)(
            query=at + 1,
            architecture=texts[at],
            epochs=lengths[levels[at]],
            **{searched: float(history.values[at]), f"best_{searched}": float(best[at])},
            seconds=float(seconds[at]),
        )
        for at in range(len(history))
    ]
    result.seconds["training"] = float(np.nansum(seconds))
    result.update(queries=len(history), fidelities=lengths, random_search=None)
    return result
