"""Who proposes: a sampler of this package, or one of Optuna."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from surrogate_nas.errors import SettingError
from surrogate_nas.sampler.base import Sampler
from surrogate_nas.sampler.optuna import parameters_of
from surrogate_nas.search.ledger import Ledger
from surrogate_nas.space import Population

OptunaSamplerFactory = Callable[..., optuna.samplers.BaseSampler]


@dataclass(frozen=True)
class Proposal:
    """What to measure next: the option of each decision, and what the sampler notes with it."""

    parameters: Mapping[str, Any]
    system: Mapping[str, Any] = field(default_factory=dict)


class Proposer(Protocol):
    """Proposes from what the trials of a study say."""

    def propose(self, trials: Sequence[FrozenTrial]) -> Proposal | None:
        """Return the next proposal, None if there is nothing left."""

    def became(self, trial: FrozenTrial) -> None:
        """Learn which trial of the study the last proposal became."""


class OwnProposer:
    """Asks one of our samplers.

    Proposals come in batches that depend only on the claims before the batch and on the seed, so a search with one
    worker that was interrupted in the middle of a batch goes on with the same proposals.

    Args:
        sampler: what is asked.
        ledger: follows the study.
        seed: of the proposals.
    """

    def __init__(self, sampler: Sampler, ledger: Ledger, *, seed: int) -> None:
        self.sampler = sampler
        sampler.check()
        self.ledger = ledger
        self.seed = seed
        self._start = -1
        self._batch: Population

    def propose(self, trials: Sequence[FrozenTrial]) -> Proposal | None:
        """Return the next of the batch that nobody claims; where other workers took all of it, a fresh proposal.

        A sampler that insists on what was measured before gets its way: it is answered from memory.
        """
        claims = list(self.ledger.claims.values())
        start = len(claims) - len(claims) % self.sampler.batch
        if self._start != start:
            self._batch, self._start = self._asked(self.sampler.batch, start), start
        turn = len(claims) - start
        free = self._free([*self._batch[turn:], *self._batch[:turn]])
        if free is not None:
            return free
        fresh = self._asked(1, len(claims))
        return self._free(fresh) or self._measured(fresh)

    def _free(self, architectures: Iterable[Population]) -> Proposal | None:
        """Return the first that nobody claims, None if there is none."""
        claimed = set(self.ledger.claims.values())
        free = (one for one in architectures if int(self.ledger.locate(one)[0]) not in claimed)
        return next((Proposal(parameters_of(one)) for one in free), None)

    def _measured(self, architectures: Iterable[Population]) -> Proposal | None:
        """Return the first that was measured before, None if all are being measured."""
        told = (one for one in architectures if int(self.ledger.locate(one)[0]) not in self.ledger.running)
        return next((Proposal(parameters_of(one)) for one in told), None)

    def became(self, trial: FrozenTrial) -> None:
        """Do nothing: the ledger tells."""

    def _asked(self, n: int, length: int) -> Population:
        rng = np.random.default_rng([self.seed, length])
        history = self.ledger.history(length)
        asked: object = self.sampler.ask(n, history, rng=rng)
        if not isinstance(asked, Population) or (len(asked) == 0 and len(history.unmeasured)):
            got = "an empty one" if isinstance(asked, Population) else f"an object of type {type(asked).__name__}"
            raise SettingError(
                f"{type(self.sampler).__name__}.ask must return a Population of {n}, got {got}; "
                "take it from history.unmeasured."
            )
        return asked


class _Options(CategoricalDistribution):
    """A distribution that equals itself at once: Optuna compares those of all trials before every proposal."""

    def __eq__(self, other: object) -> bool:
        return self is other or bool(super().__eq__(other))

    __hash__ = CategoricalDistribution.__hash__


class OptunaProposer:
    """Asks one of Optuna's samplers, about a copy of the study in memory.

    Optuna's samplers set the parameters of a trial one by one; in the copy nobody else sees them before they are whole.

    Args:
        factory: makes the sampler anew for each proposal, given ``seed``, so that resuming is replaying.
        ledger: follows the study.
        seed: of the proposals.
    """

    def __init__(self, factory: OptunaSamplerFactory, ledger: Ledger, *, seed: int) -> None:
        self.factory = factory
        self.ledger = ledger
        self.seed = seed
        directions = list(ledger.known.directions)
        self._copy = optuna.create_study(directions=directions, sampler=optuna.samplers.RandomSampler())
        self._asked: dict[int, optuna.Trial] = {}  # in the copy, by the number of the trial in the study
        self._copied: set[int] = set()
        self._last: optuna.Trial
        decisions = ledger.candidates.space.decisions
        self._distributions: dict[str, BaseDistribution] = {of.name: _Options(of.options) for of in decisions}
        for position, value in ledger.known.values.items():
            parameters, values = parameters_of(ledger.candidates[position]), ledger.known.objectives(position, value)
            self._copy.add_trial(create_trial(values=values, params=parameters, distributions=self._distributions))

    def propose(self, trials: Sequence[FrozenTrial]) -> Proposal:
        """Return what Optuna's sampler suggests."""
        for trial in trials:
            if trial.state.is_finished() and trial.number not in self._copied:
                self._copied.add(trial.number)
                self._tell(trial)
        turn = np.random.SeedSequence([self.seed, self.ledger.answered])
        self._copy.sampler = self.factory(seed=int(turn.generate_state(1)[0]))
        self._last = self._copy.ask(self._distributions)
        system = self._copy.get_trials(deepcopy=False)[self._last.number].system_attrs
        return Proposal(self._last.params, dict(system))

    def became(self, trial: FrozenTrial) -> None:
        """Learn which trial of the study the last proposal became."""
        self._asked[trial.number] = self._last

    def _tell(self, trial: FrozenTrial) -> None:
        if trial.number in self._asked:
            self._copy.tell(self._asked.pop(trial.number), trial.values, state=trial.state)
        else:
            values = trial.values if trial.state == TrialState.COMPLETE else None
            self._copy.add_trial(
                create_trial(
                    state=trial.state,
                    values=values,
                    params=trial.params,
                    distributions={name: self._distributions.get(name, of) for name, of in trial.distributions.items()},
                    system_attrs=trial.system_attrs,
                )
            )
