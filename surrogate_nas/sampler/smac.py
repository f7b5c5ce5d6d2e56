"""SMAC3, Bayesian optimisation with random forests (Lindauer et al., "SMAC3", JMLR 23, 2022): a peer."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from surrogate_nas.errors import SettingError
from surrogate_nas.sampler.base import History, Sampler, draw
from surrogate_nas.space import Population, concatenate

ATTEMPTS = 20  # proposals of SMAC for one that can be measured before a random candidate takes its place
SEEDS = 2**31  # that SMAC accepts


class SMAC(Sampler):
    """Asks SMAC3's facade for the optimisation of hyperparameters, after telling it every measurement.

    What SMAC proposes again or outside the candidates is passed over. SMAC walks through sets of texts, whose order
    Python draws anew for every process: the same seed repeats its proposals elsewhere only where the environment
    variable ``PYTHONHASHSEED`` is the same number. Needs the extra ``smac``.

    Args:
        starts: random architectures measured first, in place of SMAC's own initial design.
    """

    counts = ("starts",)

    def __init__(self, *, starts: int = 10) -> None:
        self.starts = starts

    def propose(self, n: int, history: History, *, rng: np.random.Generator) -> Population:
        """Return n unmeasured candidates: random ones at the start, then SMAC's.

        Raises:
            SettingError: SMAC3 is not installed.
        """
        if len(history.succeeded) < self.starts:
            return draw(history.unmeasured, n, rng)
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of what SMAC calls in its own dependencies
            facade = _told(history, int(rng.integers(SEEDS)), Path(folder))
            found: list[Population] = []
            for _ in range(ATTEMPTS * n):
                proposal = _architecture(history, facade.ask().config)
                if proposal.isin(history.unmeasured)[0] and not any(proposal == known for known in found):
                    found.append(proposal)
                if len(found) == n:
                    break
        return concatenate(found) if found else history.unmeasured[:0]


def _told(history: History, seed: int, folder: Path) -> Any:
    """Return a facade that knows every measurement; SMAC minimises, and a failure is a crash to it."""
    try:
        from ConfigSpace import Categorical, Configuration, ConfigurationSpace
        from smac import HyperparameterOptimizationFacade, Scenario
        from smac.runhistory.dataclasses import TrialInfo, TrialValue
        from smac.runhistory.enumerations import StatusType
    except ImportError as error:
        raise SettingError(f"sampler 'smac' needs SMAC3 ({error}): pip install 'surrogate-nas[smac]'.") from error
    decisions = history.space.decisions
    space = ConfigurationSpace(seed=seed)
    space.add([Categorical(decision.name, list(decision.options)) for decision in decisions])
    known = [
        Configuration(space, {of.name: of.options[option] for of, option in zip(decisions, row, strict=True)})
        for row in history.population.decisions
    ]
    scenario = Scenario(space, output_directory=folder, deterministic=True, n_trials=len(known) + ATTEMPTS, seed=seed)
    design = HyperparameterOptimizationFacade.get_initial_design(scenario, n_configs=0, additional_configs=known)
    facade = HyperparameterOptimizationFacade(
        scenario, lambda config, seed: 0.0, initial_design=design, logging_level=False, overwrite=True
    )
    for config, value in zip(known, history.values, strict=True):
        status = StatusType.SUCCESS if np.isfinite(value) else StatusType.CRASHED
        cost = -float(value) if np.isfinite(value) else float(-np.nanmin(history.values))
        facade.tell(TrialInfo(config, seed=0), TrialValue(cost=cost, status=status), save=False)
    return facade


def _architecture(history: History, config: Any) -> Population:
    """Return the candidate that a configuration stands for, or the architecture itself if it is none."""
    space = history.space
    row = [decision.options.index(config[decision.name]) for decision in space.decisions]
    proposal = Population(space, np.array([row], dtype=np.int8))
    return proposal if proposal.isin(history.candidates)[0] else space.represent(proposal)
