"""Samplers and Optuna: ours as an ``optuna.samplers.BaseSampler``, a study's trials as a history."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.trial import FrozenTrial, TrialState

from surrogate_nas.sampler.base import History, Sampler
from surrogate_nas.space import Population, SearchSpace

FAILURE = "failure"  # user attribute of a trial whose measurement was paid and failed: why
INTERRUPTED = "interrupted"  # user attribute of a trial that a kill ended before it was measured
SECONDS = "seconds"  # user attribute of a measured trial: what its training took
Locate = Callable[[Population], NDArray[np.int64]]


def distributions(space: SearchSpace) -> dict[str, BaseDistribution]:
    """Return a categorical distribution for each decision of a space."""
    return {decision.name: CategoricalDistribution(decision.options) for decision in space.decisions}


def parameters_of(architecture: Population) -> dict[str, str]:
    """Return the option that one architecture takes in each decision, by name."""
    (row,) = architecture.decisions
    decisions = architecture.space.decisions
    return {decision.name: decision.options[option] for decision, option in zip(decisions, row, strict=True)}


def architecture_of(space: SearchSpace, parameters: Mapping[str, Any]) -> Population:
    """Return the one architecture with these options."""
    row = [decision.options.index(parameters[decision.name]) for decision in space.decisions]
    return Population(space, np.array([row], dtype=np.int8))


class Ledger:
    """Follows a study: which candidates its trials measured, in which order, and what they gave.

    A trial is a measurement when it finished with a value or with a failure that was paid for; one that a kill
    interrupted, that repeats an earlier one, or that proposed what cannot be measured, is none.

    Args:
        study: what to follow.
        candidates: what can be measured.
        locate: (n,) position of each architecture among the candidates, -1 for none.

    Attributes:
        values: the measurement of each measured position, in order; NaN where it failed.
        seconds: the seconds that each took.
        answered: how many trials were answered, also repeated ones and those outside the candidates.
    """

    def __init__(self, study: optuna.Study, candidates: Population, locate: Locate) -> None:
        self.study = study
        self.candidates = candidates
        self.locate = locate
        self.values: dict[int, float] = {}
        self.seconds: dict[int, float] = {}
        self.answered = 0
        self._read = 0

    def update(self) -> None:
        """Take in the trials that were finished since the last call; trials are finished in their order."""
        for trial in self.study.get_trials(deepcopy=False)[self._read :]:
            if not trial.state.is_finished():
                return
            self._read += 1
            if INTERRUPTED not in trial.user_attrs:
                self.answered += 1
                self._take(trial)

    def _take(self, trial: FrozenTrial) -> None:
        position = self.position(trial.params)
        if position in self.values or (trial.state != TrialState.COMPLETE and FAILURE not in trial.user_attrs):
            return
        self.values[position] = float("nan") if FAILURE in trial.user_attrs else float(trial.values[0])
        self.seconds[position] = float(trial.user_attrs.get(SECONDS, "nan"))

    def position(self, parameters: Mapping[str, Any]) -> int:
        """Return the position among the candidates of a trial's architecture, -1 if it is none of them."""
        return int(self.locate(architecture_of(self.candidates.space, parameters))[0])

    def history(self, length: int | None = None) -> History:
        """Return the first ``length`` measurements, or all."""
        positions = np.array(list(self.values), dtype=np.int64)[:length]
        values = np.array(list(self.values.values()), dtype=np.float64)[:length]
        return History(self.candidates, self.candidates[positions], values)


class StudySampler(optuna.samplers.BaseSampler):
    """One of our samplers as Optuna sees it.

    Proposals come in batches that depend only on the measurements before the batch and on the seed, so a study that was
    interrupted in the middle of a batch goes on with the same proposals.

    Args:
        sampler: what proposes.
        ledger: follows the study.
        seed: of the proposals.
    """

    def __init__(self, sampler: Sampler, ledger: Ledger, *, seed: int) -> None:
        self.sampler = sampler
        self.ledger = ledger
        self.seed = seed
        self._start = -1
        self._batch: Population | None = None

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return the decisions of the space: they are chosen together."""
        return distributions(self.ledger.candidates.space)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return the options of the next architecture."""
        self.ledger.update()
        measured = len(self.ledger.values)
        start = measured - measured % self.sampler.batch
        if self._batch is None or self._start != start:
            rng = np.random.default_rng([self.seed, start])
            self._batch, self._start = self.sampler.ask(self.sampler.batch, self.ledger.history(start), rng=rng), start
        return parameters_of(self._batch[measured - start])

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Return a uniform draw for a parameter that is no decision of the space."""
        random = optuna.samplers.RandomSampler(seed=self.seed + trial.number)
        return random.sample_independent(study, trial, param_name, param_distribution)
