"""BANANAS (White, Neiswanger and Savani, "BANANAS: Bayesian optimization with neural architectures", AAAI 2021)."""

from __future__ import annotations

import numpy as np

from surrogate_nas.encoding.paths import path_encoding
from surrogate_nas.sampler.acquisition import thompson
from surrogate_nas.sampler.base import History, Sampler, draw
from surrogate_nas.sampler.candidates import mutants
from surrogate_nas.sampler.feedforward import ensemble_errors
from surrogate_nas.space import Population

PARENTS = 10  # best architectures, whose mutants the acquisition function chooses among
CANDIDATES = 100  # mutants at most (as in the paper and its code)


class Bananas(Sampler):
    """Independent Thompson sampling from an ensemble of feedforward networks on the path encoding.

    As in the paper: five networks of ten layers of twenty units, fitted by their mean absolute percentage error
    (section 3); of a hundred mutants of the best architectures those with the best independent draws are measured, in
    batches (section 4, algorithm 1). A mutant differs in one decision, and the paths are all of them, not truncated;
    the authors' later code changes each decision of a NAS-Bench-201 cell with probability 1/4, mutates at most the five
    best, keeps the 30 shortest of the paths and fits by the absolute error.

    Args:
        starts: random architectures measured first.
        batch: proposals for one fit.
    """

    counts = ("starts",)

    def __init__(self, *, starts: int = 10, batch: int = 10) -> None:
        self.starts = starts
        self.batch = batch

    def propose(self, n: int, history: History, *, rng: np.random.Generator) -> Population:
        """Return up to n unmeasured candidates: random ones at the start, then the best draws among the mutants."""
        measured = history.succeeded
        if len(measured) < self.starts:
            return draw(history.unmeasured, n, rng)
        best = measured[np.argsort(-history.values[measured], kind="stable")[:PARENTS]]
        around = mutants(history.population[best], CANDIDATES, rng)
        around = around[around.isin(history.unmeasured)]
        errors = ensemble_errors(
            path_encoding(history.population[measured]),
            100 - history.values[measured],
            path_encoding(around),
            rng=rng,
        )
        draws = thompson(-errors.mean(axis=0), errors.std(axis=0), rng=rng)
        return around[np.argsort(-draws, kind="stable")[:n]]
