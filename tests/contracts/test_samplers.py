"""The contract of every sampler. A new one is one line in ``SAMPLERS``."""

from __future__ import annotations

import importlib.util
import inspect
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest

from surrogate_nas.errors import SettingError
from surrogate_nas.predictor.gaussian_process import GaussianProcess
from surrogate_nas.sampler.bananas import Bananas
from surrogate_nas.sampler.base import History, Sampler
from surrogate_nas.sampler.evolution import Evolution
from surrogate_nas.sampler.gaussian_process import GaussianProcessSearch
from surrogate_nas.sampler.local_search import LocalSearch
from surrogate_nas.sampler.random import Random
from surrogate_nas.sampler.smac import SMAC
from surrogate_nas.sampler.surrogate import Surrogate
from surrogate_nas.space import NB201, Population

SAMPLERS: dict[str, Callable[[], Sampler]] = {
    "random": Random,
    "evolution": lambda: Evolution(population_size=10, tournament_size=3),
    "local_search": LocalSearch,
    "bananas": Bananas,
    "gaussian_process": GaussianProcessSearch,
    "surrogate": Surrogate,
    "surrogate-gaussian_process": lambda: Surrogate(predictor=GaussianProcess(), batch=3),
}

if importlib.util.find_spec("smac"):
    SAMPLERS["smac"] = SMAC

pytestmark = pytest.mark.parametrize("name", SAMPLERS)


def merit(population: Population) -> np.ndarray:
    """An invented accuracy: 3x3 convolutions are good, zeros are bad."""
    return 60.0 + 3 * (population.decisions == 3).sum(axis=1) - 4 * (population.decisions == 0).sum(axis=1)


def history(measured: int, *, candidates: Population | None = None, seed: int = 0) -> History:
    candidates = NB201.sample(300, rng=np.random.default_rng(5)) if candidates is None else candidates
    population = candidates[np.random.default_rng(seed).permutation(len(candidates))[:measured]]
    return History(candidates, population, merit(population))


@pytest.mark.parametrize("measured", [0, 1, 9, 10, 11, 60])
@pytest.mark.parametrize("n", [1, 2, 5])
def test_proposes_as_many_new_and_different_candidates_as_asked_for(name: str, measured: int, n: int) -> None:
    known = history(measured)
    proposals = SAMPLERS[name]().ask(n, known, rng=np.random.default_rng(0))
    assert len(proposals) == n == len(set(proposals.index.tolist()))
    assert proposals.isin(known.candidates).all()
    assert not proposals.isin(known.population).any()


def test_exhausts_a_small_set_of_candidates_gracefully(name: str) -> None:
    candidates = NB201.sample(14, rng=np.random.default_rng(2))
    sampler, population = SAMPLERS[name](), candidates[:0]
    while len(population) < len(candidates):
        known = History(candidates, population, merit(population))
        proposals = sampler.ask(2, known, rng=np.random.default_rng(len(population)))
        population = Population(NB201, np.concatenate([population.decisions, proposals.decisions]))
    assert sorted(population.index.tolist()) == sorted(candidates.index.tolist())
    assert len(sampler.ask(2, History(candidates, population, merit(population)), rng=np.random.default_rng(0))) == 0


def test_goes_on_when_every_measurement_failed(name: str) -> None:
    known = history(30)
    failed = History(known.candidates, known.population, np.full(30, np.nan))
    assert len(SAMPLERS[name]().ask(2, failed, rng=np.random.default_rng(0))) == 2


def test_knows_only_the_history_and_the_generator(name: str) -> None:
    sampler, known = SAMPLERS[name](), history(40)
    first = sampler.ask(2, known, rng=np.random.default_rng(3))
    sampler.ask(2, history(50, seed=9), rng=np.random.default_rng(4))  # leaves nothing behind
    assert sampler.ask(2, known, rng=np.random.default_rng(3)) == first


def test_same_seed_gives_the_same_proposals_in_another_process(name: str) -> None:
    code = (
        "import numpy as np\n"
        "from tests.contracts.test_samplers import SAMPLERS, history\n"
        f"print(SAMPLERS[{name!r}]().ask(2, history(40), rng=np.random.default_rng(7)).index.tolist())"
    )
    elsewhere = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert elsewhere.strip() == str(SAMPLERS[name]().ask(2, history(40), rng=np.random.default_rng(7)).index.tolist())


def test_constructor_only_stores_its_arguments(name: str) -> None:
    sampler = SAMPLERS[name]()
    arguments = set(inspect.signature(type(sampler).__init__).parameters) - {"self", "args", "kwargs"}
    assert set(vars(sampler)) == arguments


def test_counts_below_one_are_refused(name: str) -> None:
    parameters = inspect.signature(type(SAMPLERS[name]()).__init__).parameters
    counts = [parameter for parameter, told in parameters.items() if isinstance(told.default, int)]
    for count in counts:
        for wrong in (0, -1, 1.5, True):
            sampler = SAMPLERS[name]()
            setattr(sampler, count, wrong)
            with pytest.raises(SettingError, match=f"{count} must be a whole number, at least 1, got {wrong}"):
                sampler.ask(2, history(40), rng=np.random.default_rng(0))
