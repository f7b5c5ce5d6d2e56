"""Measuring an architecture again with another seed is a measurement like any other."""

from __future__ import annotations

import numpy as np
import pytest

from surrogate_nas.errors import NotMeasuredError
from surrogate_nas.sampler.random import Random
from surrogate_nas.search import run
from surrogate_nas.search.study import open_study
from surrogate_nas.search.variants import by_seed
from surrogate_nas.table import Table


def test_every_seed_of_an_architecture_is_a_candidate_and_is_charged(small_table: Table) -> None:
    evaluator = by_seed(small_table, [1, 2], dataset="toy")
    study = open_study(None, None, name="seeds", directions=["maximize"], heartbeat=1)
    history, seconds = run(study, evaluator, Random(), budget=80, seed=0)
    assert len(np.unique(history.population.index)) == 80  # forty architectures with two seeds
    assert seconds.tolist() == [2.0] * 80
    seeds = np.array([1, 2])[evaluator.space.levels(history.population)[:, 0]]
    cells = evaluator.space.architectures(history.population)
    for seed in (1, 2):
        expected = small_table.accuracy(dataset="toy", split="valid", seed=seed)[small_table.find(cells)]
        assert history.values[seeds == seed].tolist() == expected[seeds == seed].tolist()
    assert {trial.params["seed"] for trial in study.trials()} == {"1", "2"}


def test_a_seed_that_a_table_does_not_hold_is_refused(small_table: Table) -> None:
    with pytest.raises(NotMeasuredError, match="seed"):
        by_seed(small_table, [1, 3], dataset="toy")
