"""Samplers and Optuna: ours as an ``optuna.samplers.BaseSampler``, a study's trials as a history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.search_space import IntersectionSearchSpace
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from surrogate_nas.errors import InvalidArchitectureError, SettingError
from surrogate_nas.predictor.base import Predictor
from surrogate_nas.predictor.targets import TargetKind
from surrogate_nas.sampler.base import History, draw
from surrogate_nas.sampler.candidates import candidate_pool
from surrogate_nas.sampler.levels import Distribution, decision, is_ordered, level_of, value_of
from surrogate_nas.sampler.surrogate import Surrogate, default_predictor
from surrogate_nas.space import JointSpace, Population, SearchSpace, concatenate, get_space

MOST_OPTIONS = 127  # of a decision
MOST_OBJECTIVES = 3  # the cells of an exact hypervolume grow with their power
Outcome = NDArray[np.float64]


def distributions(space: SearchSpace) -> dict[str, BaseDistribution]:
    """Return a categorical distribution for each decision of a space."""
    return {decision.name: CategoricalDistribution(decision.options) for decision in space.decisions}


def parameters_of(architecture: Population) -> dict[str, str]:
    """Return the option that one architecture takes in each decision, by name."""
    (row,) = architecture.decisions
    decisions = architecture.space.decisions
    return {decision.name: decision.options[option] for decision, option in zip(decisions, row, strict=True)}


class SurrogateSampler(optuna.samplers.BaseSampler):
    """The surrogate sampler for a study of your own: give it to ``optuna.create_study(sampler=...)``.

    The objective suggests each decision of the space with ``trial.suggest_categorical(name, options)`` and may suggest
    further parameters; from the second trial on, the predictor learns from both and both are proposed together. Numbers
    among them are seen at 32 levels. A pruned trial counts with what it reported last, a failed one is not proposed
    again, a running or enqueued one is taken as measured with unknown outcome.

    Values that are maximised and lie in 0 to 100 (or 0 to 1) are taken as accuracies, which are learned by their
    logarithmic error; all others as they are. Of several objectives, each is predicted, and what adds most to the
    hypervolume is proposed.

    Args:
        space: the search space of the decisions, or its name.
        predictor: unfitted; None for the one that a search uses.
        seed: of the proposals; None for a fresh one.
    """

    def __init__(
        self, space: str | SearchSpace, *, predictor: Predictor | None = None, seed: int | None = None
    ) -> None:
        self.space = get_space(space) if isinstance(space, str) else space
        self.predictor = predictor
        self.seed = int(np.random.SeedSequence(seed).generate_state(1)[0])
        self._suggested = IntersectionSearchSpace(include_pruned=True)

    def reseed_rng(self) -> None:
        """Do nothing: the proposals for a trial depend on its number, so those of parallel trials differ."""

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return the decisions of the space, and the other parameters that all trials so far have in common.

        Raises:
            SettingError: the study has more than three objectives, or trials without the decisions of the space.
        """
        if len(study.directions) > MOST_OBJECTIVES:
            raise SettingError(
                f"SurrogateSampler serves up to {MOST_OBJECTIVES} objectives, the study has {len(study.directions)}; "
                "combine some of them, or use a sampler of Optuna."
            )
        own, suggested = distributions(self.space), self._suggested.calculate(study)
        if suggested and not set(own) & set(suggested):
            raise SettingError(
                f"the trials of this study have the parameters {', '.join(suggested)}, none of which is a decision of "
                f"space {self.space.name!r}: {', '.join(own)}. Choose another space or another study."
            )
        others = {name: found for name, found in suggested.items() if name not in own and _searchable(found)}
        return {**own, **others}

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return the options of the next architecture and the values of the parameters beside it."""
        rng = np.random.default_rng([self.seed, trial.number])
        others: dict[str, Any] = {name: found for name, found in search_space.items() if name not in self._decisions}
        space = joint_space(self.space, others)
        trials = [past for past in study.get_trials(deepcopy=False) if past.number != trial.number]
        history, target = _history(space, others, trials, study.directions, rng=rng)
        proposals = Surrogate(predictor=self.predictor or default_predictor(target)).ask(1, history, rng=rng)
        if len(proposals) == 0:  # everything was measured; Optuna asks on
            proposals = draw(history.candidates, 1, rng)
        chosen = parameters_of(proposals)
        values = {name: value_of(found, int(chosen[name]), rng) for name, found in others.items()}
        return {**chosen, **values}

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Return a uniform draw for a parameter that no trial had before."""
        random = optuna.samplers.RandomSampler(seed=(self.seed + trial.number) % 2**32)
        return random.sample_independent(study, trial, param_name, param_distribution)

    @property
    def _decisions(self) -> set[str]:
        return {decision.name for decision in self.space.decisions}


def joint_space(space: SearchSpace, others: Mapping[str, Distribution]) -> SearchSpace:
    """Return the space of architectures together with the levels of other parameters, if there are any."""
    if not others:
        return space
    settings = tuple(decision(name, found) for name, found in others.items())
    return JointSpace(space, settings, tuple(is_ordered(found) for found in others.values()))


def _searchable(distribution: BaseDistribution) -> bool:
    few = not isinstance(distribution, CategoricalDistribution) or len(distribution.choices) <= MOST_OPTIONS
    return few and not distribution.single()


def _history(
    space: SearchSpace,
    others: Mapping[str, Distribution],
    trials: Sequence[FrozenTrial],
    directions: Sequence[StudyDirection],
    *,
    rng: np.random.Generator,
) -> tuple[History, TargetKind]:
    """Return what the trials measured, repeated measurements as their mean, and what the values are.

    Of several objectives, the first that is maximised is the value, and the others are costs.
    """
    measured: dict[Population, list[Outcome]] = {}
    for trial in trials:
        parameters = {**trial.system_attrs.get("fixed_params", {}), **trial.params}  # those that were enqueued, too
        try:
            levels = {name: str(level_of(found, parameters[name])) for name, found in others.items()}
            architecture = space.choose({**parameters, **levels})
        except (
            KeyError,
            ValueError,
            InvalidArchitectureError,
        ):  # other parameters, or not all of them yet
            continue
        measured.setdefault(architecture, []).append(_outcome(trial, len(directions)))
    population = concatenate([space.at(np.empty(0, dtype=np.int64)), *measured])
    outcomes = np.array([_mean(found) for found in measured.values()]).reshape(-1, len(directions))  # (n, m)
    maximised = np.array([direction == StudyDirection.MAXIMIZE for direction in directions])
    lead = int(maximised.argmax())
    values, target = _scaled(outcomes[:, lead], maximise=bool(maximised[lead]))
    costs = np.delete(np.where(maximised, -outcomes, outcomes), lead, axis=1)
    return History(candidate_pool(space, population, values, rng=rng), population, values, costs), target


def _outcome(trial: FrozenTrial, objectives: int) -> Outcome:
    """Return the (m,) values of a trial; the last one reported for a pruned one, NaN for a failed or unfinished one."""
    if trial.state == TrialState.PRUNED and trial.last_step is not None:
        return np.array([trial.intermediate_values[trial.last_step]])
    if trial.state == TrialState.COMPLETE and trial.values:
        return np.array(trial.values, dtype=np.float64)
    return np.full(objectives, np.nan)


def _mean(outcomes: Sequence[Outcome]) -> Outcome:
    """Return the (m,) mean of the outcomes that are known; NaN where none is."""
    known = [outcome for outcome in outcomes if np.isfinite(outcome).all()]
    return np.asarray(np.mean(known, axis=0)) if known else np.full(len(outcomes[0]), np.nan)


def _scaled(values: NDArray[np.float64], *, maximise: bool) -> tuple[NDArray[np.float64], TargetKind]:
    """Return (n,) values of which more is better, in percent where they may be accuracies, and what they are."""
    known = values[np.isfinite(values)]
    if not maximise:
        return -values, "value"
    if len(known) == 0 or known.min() < 0 or known.max() > 100:
        return values, "value"
    return (100 * values if known.max() <= 1 else values), "accuracy"
