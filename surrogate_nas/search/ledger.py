"""What the trials of a study say: which candidates were measured, and which are being measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.trial import FrozenTrial, TrialState

from surrogate_nas.errors import InvalidArchitectureError
from surrogate_nas.sampler.base import History
from surrogate_nas.search.measurement import Evaluator
from surrogate_nas.search.study import ANSWERED, FAILURE, SECONDS, Direction


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of the candidates without measuring them.

    Attributes:
        values: measurements from before the study, by position; they were not paid here.
        costs: (c, m) the objectives beside the measured one, lower is better.
    """

    values: Mapping[int, float] = field(default_factory=dict)
    costs: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)))

    @property
    def directions(self) -> tuple[Direction, ...]:
        """Those of the study: what is measured is maximised, costs are minimised."""
        costs: tuple[Direction, ...] = ("minimize",) * self.costs.shape[1]
        return ("maximize", *costs)

    def objectives(self, position: int, value: float) -> tuple[float, ...]:
        """Return the values of all objectives of a position where ``value`` was measured."""
        return (value, *self.costs[position].tolist()) if self.costs.size else (value,)


class Ledger:
    """Follows a study that may have several workers.

    A trial is a claim on one architecture; of several claims on the same one, that of the lowest number counts. A trial
    is a measurement when it finished with a value or with a failure that was paid for. One whose worker died, that was
    withdrawn, that repeats an earlier one or proposed what cannot be measured, is none.

    Args:
        evaluator: tells the candidates and which of them a trial is about.
        known: what is known without measuring.

    Attributes:
        measured: the trial of each measured position.
        running: the number of the trial that claims each position that is not measured yet.
        claims: the position that each trial has measured or is measuring, by its number, in the order of the numbers.
        answered: how many trials were answered, also repeated ones and those outside the candidates.
    """

    def __init__(self, evaluator: Evaluator, known: Known | None = None) -> None:
        self.known = known or Known()
        self.candidates = evaluator.candidates
        self.locate = evaluator.locate
        self.measured: dict[int, FrozenTrial] = {}
        self.running: dict[int, int] = {}
        self.claims: dict[int, int] = {}
        self.answered = 0
        self._values = dict(self.known.values)  # by position; NaN where a measurement failed
        self._paid: dict[int, int] = {}  # the position of each measurement, by the number of its trial
        self._positions: dict[frozenset[tuple[str, Any]], int] = {}  # by the parameters of a trial
        self._open: list[int] = []  # numbers of the trials that were not finished
        self._read = 0

    def read(self, trials: Sequence[FrozenTrial]) -> None:
        """Take in all trials of the study, in the order of their numbers."""
        numbers = [*self._open, *range(self._read, len(trials))]
        self._read = len(trials)
        self._open = [number for number in numbers if not trials[number].state.is_finished()]
        for number in numbers:
            if trials[number].state.is_finished():
                self._finish(trials[number])
        self.running = {}
        for number in self._open:
            position = self.position(trials[number].params)
            if position >= 0 and position not in self._values:
                self.running.setdefault(position, number)
        running = {number: position for position, number in self.running.items()}
        self.claims = dict(sorted((self._paid | running).items()))

    def _finish(self, trial: FrozenTrial) -> None:
        paid = trial.state == TrialState.COMPLETE or FAILURE in trial.user_attrs
        self.answered += paid or ANSWERED in trial.user_attrs
        position = self.position(trial.params)
        if paid and ANSWERED not in trial.user_attrs and position >= 0 and position not in self._values:
            self.measured[position] = trial
            self._paid[trial.number] = position
            self._values[position] = float("nan") if FAILURE in trial.user_attrs else float(trial.values[0])

    def position(self, parameters: Mapping[str, Any]) -> int:
        """Return the position among the candidates of the architecture of these parameters, -1 if it is none."""
        key = frozenset(parameters.items())
        if key not in self._positions:
            try:
                self._positions[key] = int(self.locate(self.candidates.space.choose(parameters))[0])
            except InvalidArchitectureError:  # somebody else's trial
                self._positions[key] = -1
        return self._positions[key]

    def value(self, position: int) -> float:
        """Return what was measured at a position, or known before; NaN where it failed."""
        return self._values[position]

    def history(self, length: int | None = None) -> History:
        """Return what was known and the first ``length`` claims, or all; what is being measured has the value NaN."""
        return self._history([*self.known.values, *list(self.claims.values())[:length]])

    def seconds(self, before: float = np.inf) -> float:
        """Return the seconds of training of all measurements, or of those of lower numbers than ``before``."""
        told = (trial.user_attrs.get(SECONDS, 0.0) for trial in self.measured.values() if trial.number < before)
        return float(np.nansum(list(told)))

    def finished(self, length: int, most: float = np.inf) -> tuple[History, NDArray[np.float64]]:
        """Return the first measurements, and the (n,) seconds that each took.

        They are up to ``length``, each of which began before ``most`` seconds were paid.
        """
        positions = [position for position in self.claims.values() if position in self.measured][:length]
        seconds = np.array([float(self.measured[at].user_attrs.get(SECONDS, "nan")) for at in positions])
        paid_before = np.cumsum(np.nan_to_num(seconds)) - np.nan_to_num(seconds)
        count = int((paid_before < most).sum())
        return self._history(positions[:count]), seconds[:count]

    def _history(self, positions: list[int]) -> History:
        values = [self._values.get(position, float("nan")) for position in positions]
        at = np.array(positions, dtype=np.int64)
        costs = self.known.costs
        if costs.shape[1]:
            return History(self.candidates, self.candidates[at], np.array(values, dtype=np.float64), costs[at], costs)
        return History(self.candidates, self.candidates[at], np.array(values, dtype=np.float64))
