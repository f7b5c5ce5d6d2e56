"""The settings of Hyperband (Li et al., JMLR 18, 2018); the search asks Optuna for what it does."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Hyperband:
    """A sampler for trainings of several lengths.

    Attributes:
        model: whether Optuna's TPE proposes, as in BOHB (Falkner, Klein and Hutter, ICML 2018); otherwise architectures
            are drawn at random, as in the paper.
        reduction_factor: of how many short trainings one goes on; None for the ratio of the lengths, so that as much
            time is spent on either.
    """

    model: bool = True
    reduction_factor: int | None = None
