"""The table that ships with the package, and the card beside it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from surrogate_nas import load_table
from surrogate_nas.build import plan
from surrogate_nas.space import NB201
from surrogate_nas.table import Table


@pytest.fixture(scope="module")
def table() -> Table:
    return load_table("nb201-digits")


def seeds_of(table: Table) -> NDArray[np.float64]:
    return np.array([table.accuracy(dataset="digits", split="valid", seed=seed) for seed in (777, 888, 999)])


def test_it_holds_every_class_of_equal_function(table: Table) -> None:
    assert len(table) == len(np.unique(NB201.enumerate().key)) == 4930
    assert not np.isnan(seeds_of(table)[0]).any()


def test_a_random_thousand_and_the_two_hundred_best_have_three_seeds(table: Table) -> None:
    measured = ~np.isnan(seeds_of(table))
    drawn = table.find(NB201.parse([job.architecture.text for job in plan(NB201, classes=1000, seeds=[777])]))
    best = np.argsort(-seeds_of(table)[0], kind="stable")[:200]
    assert measured[:, drawn].all()
    assert measured[:, best].all()


def test_the_card_tells_what_the_table_holds(table: Table, real_data: Path) -> None:
    path = Path(__file__).parents[2] / "benchmarks" / "table" / "card.py"
    spec = importlib.util.spec_from_file_location("card", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.CARD.read_text(encoding="utf-8") == module.card(table, load_table("nb201"))
