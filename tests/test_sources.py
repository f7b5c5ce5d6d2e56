"""Other tasks to learn from first: what they are made of, what they add, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from surrogate_nas import load_predictor
from surrogate_nas.errors import (
    InvalidArchitectureError,
    LeakageError,
    NotMeasuredError,
    SettingError,
    UnknownTableError,
)
from surrogate_nas.fit import fit
from surrogate_nas.metrics import spearman
from surrogate_nas.predictor.gaussian_process import GaussianProcess
from surrogate_nas.sources import smoothed, source
from surrogate_nas.space import NATS_SIZE, NB201, Population
from surrogate_nas.split import Split
from surrogate_nas.table import Column, Table
from surrogate_nas.table.parquet import write_table

CELLS = NB201.sample(200, rng=np.random.default_rng(0))


def accuracy(population: Population) -> np.ndarray:
    """Invented, and such that size does not tell it: a predictor knows without labels that size may."""
    live = population.space.represent(population).decisions
    return 40.0 + 5.0 * (live == 4).sum(axis=1) + 2.0 * (live == 1).sum(axis=1)


def table(name: str, labels: np.ndarray, dataset: str, *, seeds: int = 1) -> Table:
    columns = {Column("accuracy", dataset, Split.VALID, 5, seed): labels for seed in range(seeds)}
    return Table(name, CELLS, columns)


@pytest.fixture(scope="module")
def target() -> Table:
    return table("target", accuracy(CELLS), "toy")


def settings(target: Table, **changes: Any) -> dict[str, Any]:
    return {"table": target, "predictor": "gaussian_process", "train_size": 8, "draws": 2, **changes}


def test_a_table_becomes_a_predictor_that_says_what_it_learned_from() -> None:
    predictor = smoothed(table("other", accuracy(CELLS), "coins"), "coins")
    (told,) = predictor.sources
    assert (told["table"], told["dataset"], told["labels"], told["epochs"]) == ("other", "coins", 200, 5)
    assert re.fullmatch("[0-9a-f]{64}", told["sha256"])
    assert spearman(predictor.predict(CELLS).mean, accuracy(CELLS)) > 0.9


def test_the_shipped_predictor_is_its_table() -> None:
    found = source("nb201-digits", dataset="cifar10")
    np.testing.assert_array_equal(found.predict(CELLS).mean, load_predictor("nb201-digits").predict(CELLS).mean)
    named = source("nb201-digits:digits", dataset="cifar10")
    assert named.seen == {"digits"}


def test_a_related_table_helps_and_the_result_tells_how_much(target: Table, tmp_path: Path) -> None:
    write_table(table("other", 0.9 * accuracy(CELLS), "coins"), tmp_path / "other.parquet")
    alone = fit(**settings(target))
    together = fit(**settings(target, sources=[str(tmp_path / "other.parquet"), "nb201-digits"]))
    assert together.metrics.kendall_tau.mean > alone.metrics.kendall_tau.mean + 0.1
    other, digits = together.sources
    assert other.source == str(tmp_path / "other.parquet")
    assert other.slope["mean"] > digits.slope["mean"]
    assert 0 <= digits.used <= 1
    assert "sources" not in alone


def test_a_fitted_predictor_is_a_source(target: Table) -> None:
    known = GaussianProcess().fit(CELLS, accuracy(CELLS), rng=np.random.default_rng(0))
    (told,) = fit(**settings(target, sources=[known])).sources
    assert told.source == "gaussian_process"


@pytest.mark.parametrize(
    ("sources", "error", "message"),
    [
        (["nowhere"], UnknownTableError, "nowhere"),
        (["nb201-digits:coins"], NotMeasuredError, "digits"),
        (["nb201-digit"], UnknownTableError, "Did you mean 'nb201-digits'"),
    ],
)
def test_unknown_sources_are_refused(target: Table, sources: list[str], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        fit(**settings(target, sources=sources))


@pytest.mark.parametrize("dataset", ["digits", "digits-parity"])
def test_a_source_of_the_images_that_are_fitted_is_refused(dataset: str) -> None:
    same = table("mine", accuracy(CELLS), dataset)
    with pytest.raises(LeakageError, match="source 'nb201-digits' has learned from labels of digits"):
        fit(**settings(same, sources=["nb201-digits"]))
    with pytest.raises(LeakageError, match="predictor 'transfer'"):
        fit(**settings(same, sources=[load_predictor("nb201-digits")]))


def test_cifar10_is_no_source_for_any_column_of_cifar10(real_data: Path) -> None:
    for epochs in (12, 200):
        with pytest.raises(LeakageError, match="cifar10"):
            fit(table="nb201", dataset="cifar10", epochs=epochs, train_size=10, sources=["nb201:cifar10"])
    with pytest.raises(SettingError, match="choose one"):
        fit(table="nb201", dataset="cifar10", train_size=10, sources=["nb201"])


def test_a_source_of_another_space_is_refused(target: Table) -> None:
    chains = NATS_SIZE.sample(20, rng=np.random.default_rng(0))
    known = GaussianProcess().fit(chains, np.linspace(50, 60, 20), rng=np.random.default_rng(0))
    with pytest.raises(InvalidArchitectureError, match="nats-size"):
        fit(**settings(target, sources=[known]))
