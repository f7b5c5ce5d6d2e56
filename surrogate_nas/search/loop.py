"""The loop of one worker: ask, measure, tell. The only spender of budget."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray
from optuna.trial import FrozenTrial, TrialState
from tqdm import tqdm

from surrogate_nas.sampler.base import History, Sampler, draw
from surrogate_nas.sampler.hyperband import Hyperband
from surrogate_nas.sampler.optuna import distributions, parameters_of
from surrogate_nas.search.hyperband import HyperbandProposer
from surrogate_nas.search.ledger import Known, Ledger
from surrogate_nas.search.measurement import Evaluator, Patience, measure
from surrogate_nas.search.proposer import OptunaProposer, OptunaSamplerFactory, OwnProposer, Proposal, Proposer
from surrogate_nas.search.study import SharedStudy

UNCHARGED_ASKS = 100  # repeated proposals in a row before a random candidate is measured instead
REVIVE = 1.0  # seconds between two looks for workers that died
POLL = 0.1  # seconds between two looks whether another worker is done


def run(
    study: SharedStudy,
    evaluator: Evaluator,
    sampler: Sampler | Hyperband | OptunaSamplerFactory,
    *,
    budget: int,
    seconds: float = np.inf,
    seed: int,
    known: Known | None = None,
    progress: bool = False,
) -> tuple[History, NDArray[np.float64]]:
    """Ask, measure and tell until the budget is spent; return what was measured and the (n,) seconds of each.

    The budget is a number of measurements, and seconds of training: as long as fewer are paid, another training begins.
    Other workers may do the same with the same study. A proposal that was measured before is answered from memory and
    not charged; after a hundred in a row a random candidate takes the place of the next.
    """
    ledger = Ledger(evaluator, known)
    proposer = _proposer(sampler, ledger, seed)
    worker = Worker(study, evaluator, ledger, proposer, budget=budget, seconds=seconds, seed=seed)
    with (
        _held_back_interrupt() as interrupted,
        tqdm(total=budget, disable=not progress, unit="query") as bar,
    ):
        while not worker.done():
            if interrupted.is_set():
                raise KeyboardInterrupt
            worker.step()
            if progress:
                bar.set_postfix(best=f"{ledger.history().best:.2f}", refresh=False)
                bar.update(min(len(ledger.measured), budget) - bar.n)
    return ledger.finished(budget, seconds)


def _proposer(sampler: Sampler | Hyperband | OptunaSamplerFactory, ledger: Ledger, seed: int) -> Proposer:
    """Return what asks a sampler."""
    if isinstance(sampler, Sampler):
        return OwnProposer(sampler, ledger, seed=seed)
    if isinstance(sampler, Hyperband):
        return HyperbandProposer(sampler, ledger, seed=seed)
    return OptunaProposer(sampler, ledger, seed=seed)


class Worker:
    """One of those that spend the budget of a study.

    Args:
        study: that all workers share.
        evaluator: measures.
        ledger: follows the study.
        proposer: proposes.
        budget: measurements that may be paid by all workers together.
        seconds: of training that may be paid; the last one may go beyond.
        seed: of the random candidate that follows too many repeated proposals.
    """

    def __init__(
        self,
        study: SharedStudy,
        evaluator: Evaluator,
        ledger: Ledger,
        proposer: Proposer,
        *,
        budget: int,
        seconds: float,
        seed: int,
    ) -> None:
        self.study = study
        self.evaluator = evaluator
        self.ledger = ledger
        self.proposer = proposer
        self.budget = budget
        self.seconds = seconds
        self.seed = seed
        self._distributions = distributions(evaluator.candidates.space)
        self._patience = Patience()
        self._uncharged = 0
        self._looked = -np.inf

    def done(self) -> bool:
        """Read the study, and return whether its budget is spent."""
        if time.monotonic() - self._looked > REVIVE:
            self.study.revive()
            self._looked = time.monotonic()
        self.trials = self._read()
        return len(self.ledger.measured) >= self.budget or self._paid()

    def step(self) -> None:
        """Measure the trial that waits, or a new proposal; wait where the rest of the budget is with others."""
        waiting = [trial for trial in self.trials if trial.state == TrialState.WAITING]
        if waiting:
            self._measure(waiting[0])
        elif len(self.ledger.claims) >= self.budget:
            time.sleep(POLL)
        else:
            self._propose()

    def _propose(self) -> None:
        """Add a proposal as a trial and measure it; a repeated one is answered at once."""
        too_often = self._uncharged >= UNCHARGED_ASKS
        proposal = self._random() if too_often else self.proposer.propose(self.trials)
        if proposal is None:  # all that is left is with other workers
            time.sleep(POLL)
            return
        position = self.ledger.position(proposal.parameters)
        told = position in self.ledger.measured or position in self.ledger.known.values
        if position < 0 or told or position in self.ledger.running:
            value = self.ledger.value(position) if told else np.nan
            values = None if np.isnan(value) else self.ledger.known.objectives(position, value)
            trial = self.study.answer(proposal.parameters, self._distributions, proposal.system, values)
            self.proposer.became(trial)
            self._uncharged += 1
        else:
            trial = self.study.propose(proposal.parameters, self._distributions, proposal.system)
            if not too_often:
                self.proposer.became(trial)
            self._measure(trial)

    def _random(self) -> Proposal | None:
        """Return a random candidate that nobody claims."""
        rng = np.random.default_rng([self.seed, self.ledger.answered])
        drawn = draw(self.ledger.history().unmeasured, 1, rng)
        return Proposal(parameters_of(drawn)) if len(drawn) else None

    def _measure(self, trial: FrozenTrial) -> None:
        """Measure a waiting trial, unless another worker has it, or earlier claims leave it nothing."""
        with self.study.taken(trial) as mine:
            if not mine:
                return
            self._read()
            position = self.ledger.position(trial.params)
            earlier = sum(number < trial.number for number in self.ledger.claims)
            spent = earlier >= self.budget or self._paid(before=trial.number)
            if self.ledger.running.get(position) != trial.number or spent:
                self.study.withdraw(trial)
                return
            measured = measure(self.evaluator, self.ledger.candidates[position])
            self.study.finish(trial, measured, self.ledger.known.objectives(position, measured.value))
        self._uncharged = 0
        self._patience.see(measured)

    def _paid(self, before: float = np.inf) -> bool:
        """Return whether the seconds of training are spent by measurements of lower numbers than ``before``."""
        return self.seconds < np.inf and self.ledger.seconds(before) >= self.seconds

    def _read(self) -> list[FrozenTrial]:
        trials = self.study.trials()
        self.ledger.read(trials)
        return trials


@contextmanager
def _held_back_interrupt() -> Iterator[threading.Event]:
    """Hold Ctrl-C back until the loop asks for it, between two trials; the second one comes through at once.

    In the middle of a trial it could hit a library that turns it into an error of its own.
    """
    interrupted = threading.Event()
    if threading.current_thread() is not threading.main_thread():  # signals are none of its business
        yield interrupted
        return

    def remember(*_: object) -> None:
        interrupted.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, remember)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)
