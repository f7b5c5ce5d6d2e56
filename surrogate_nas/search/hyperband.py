"""Hyperband (Li et al., JMLR 18, 2018) as Optuna has it: its pruner says which short trainings are worth a long one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState

from surrogate_nas.sampler.hyperband import Hyperband
from surrogate_nas.sampler.optuna import distributions
from surrogate_nas.search.ledger import Ledger
from surrogate_nas.search.proposer import Proposal
from surrogate_nas.space import JointSpace


class HyperbandProposer:
    """Asks Optuna's sampler and pruner, about a copy of the study in memory in which a trial is one architecture.

    Args:
        hyperband: the settings.
        ledger: follows the study, in which a trial is an architecture and a length.
        seed: of the proposals.
    """

    def __init__(self, hyperband: Hyperband, ledger: Ledger, *, seed: int) -> None:
        space = ledger.candidates.space
        assert isinstance(space, JointSpace)  # noqa: S101  # for the type: no other space has lengths
        self.hyperband = hyperband
        self.ledger = ledger
        self.seed = seed
        (self._length,) = space.settings
        self._inner = distributions(space.inner)
        lengths = [int(option) for option in self._length.options]
        factor = hyperband.reduction_factor or max(2, lengths[-1] // lengths[0])
        pruner = optuna.pruners.HyperbandPruner(lengths[0], lengths[-1], factor)
        random = optuna.samplers.RandomSampler(seed=seed)
        # The name and the numbers of the trials decide on the brackets.
        self._copy = optuna.create_study(
            study_name=f"hyperband {seed}", direction="maximize", sampler=random, pruner=pruner
        )
        self._asked: dict[int, optuna.Trial] = {}  # in the copy, by the number of the trial in the study
        self._due: list[tuple[optuna.Trial, int]] = []  # what goes on, and with which length
        self._told: set[int] = set()
        self._last: tuple[optuna.Trial, int] | None = None

    def propose(self, trials: Sequence[FrozenTrial]) -> Proposal:
        """Return the next length of an architecture that the pruner lets go on, or the shortest of a new one."""
        for trial in trials:
            if trial.state.is_finished() and trial.number not in self._told:
                self._told.add(trial.number)
                self._tell(trial)
        if self._due:
            self._last = self._due.pop(0)
        else:
            turn = np.random.SeedSequence([self.seed, self.ledger.answered])
            self._copy.sampler = _sampler(self.hyperband, int(turn.generate_state(1)[0]))
            self._last = self._copy.ask(self._inner), 0
        asked, level = self._last
        return Proposal({**asked.params, self._length.name: self._length.options[level]})

    def became(self, trial: FrozenTrial) -> None:
        """Learn which trial of the study the last proposal became."""
        if self._last is not None:
            self._asked[trial.number] = self._last[0]

    def _tell(self, trial: FrozenTrial) -> None:
        """Report a finished training to the copy, and ask the pruner about the architecture."""
        level = self._length.options.index(trial.params[self._length.name])
        asked = self._asked.pop(trial.number, None) or self._found(trial.params, level)
        if asked is None:
            return
        if trial.state != TrialState.COMPLETE:
            self._copy.tell(asked, state=TrialState.FAIL)
            return
        asked.report(trial.values[0], int(self._length.options[level]))
        if level == len(self._length.options) - 1:
            self._copy.tell(asked, trial.values)
        elif asked.should_prune():
            self._copy.tell(asked, state=TrialState.PRUNED)
        else:
            self._due.append((asked, level + 1))

    def _found(self, parameters: Mapping[str, Any], level: int) -> optuna.Trial | None:
        """Return the trial of the copy for one that another worker or an earlier run had proposed."""
        cell = {name: parameters[name] for name in self._inner}
        for at, (asked, next_level) in enumerate(self._due):
            if asked.params == cell and next_level == level:
                return self._due.pop(at)[0]
        if level > 0:
            return None
        self._copy.enqueue_trial(cell)
        return self._copy.ask(self._inner)


def _sampler(hyperband: Hyperband, seed: int) -> optuna.samplers.BaseSampler:
    if not hyperband.model:
        return optuna.samplers.RandomSampler(seed=seed)
    return optuna.samplers.TPESampler(multivariate=True, seed=seed)
