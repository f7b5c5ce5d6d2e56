"""What several test modules share."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Generator, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from surrogate_nas.space import NB201, Population
from surrogate_nas.split import Split
from surrogate_nas.table import Column, Table

CONVOLUTIONS = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note how many inputs Hypothesis has given to a test."""
    report = yield
    if report.when == "teardown":
        tried = re.findall(r"(\d+) (?:passing|failing)\b", getattr(item, "hypothesis_statistics", ""))
        report.user_properties.append(("inputs tried", sum(map(int, tried))))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many inputs Hypothesis has given to all tests: also over several processes."""
    tried = [
        dict(report.user_properties).get("inputs tried", 0)
        for report in itertools.chain(*terminalreporter.stats.values())
        if getattr(report, "when", "") == "teardown"
    ]
    terminalreporter.write_line(f"Hypothesis tried {sum(tried)} inputs in {sum(map(bool, tried))} tests.")


settings.register_profile("untimed", deadline=None)  # a busy machine is no failure
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real NAS-Bench tables."""
    folder = os.environ.get("SURROGATE_NAS_DATA")
    if not folder or not (Path(folder) / "nb201" / "accuracy.parquet").is_file():
        pytest.skip("needs real NAS-Bench tables: SURROGATE_NAS_DATA names no folder with nb201/accuracy.parquet")
    return Path(folder)


@pytest.fixture(autouse=True, scope="session")
def no_imported_tables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests see none of the tables that the user of this machine has imported."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SURROGATE_NAS_TABLES", str(tmp_path_factory.mktemp("tables")))
        yield


@pytest.fixture(scope="session")
def everything() -> Population:
    """All 15,625 architectures of NAS-Bench-201."""
    return NB201.enumerate()


@pytest.fixture(autouse=True, scope="session")
def no_cached_tables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests leave nothing in the user's folder for caches."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def small_table() -> Table:
    """Forty architectures with invented accuracies: 50 percent and one more for each convolution; two seeds."""
    population = NB201.sample(40, rng=np.random.default_rng(1))
    merit = 50.0 + np.isin(population.decisions, (2, 3)).sum(axis=1)
    columns = {
        Column("accuracy", "toy", split, 5, seed): merit + shift + (0.25 if split is Split.TEST else 0.0)
        for split in (Split.VALID, Split.TEST)
        for seed, shift in ((1, 0.0), (2, 0.5))
    }
    columns[Column("train_seconds", "toy", Split.VALID, 5, 1)] = np.full(40, 2.0)
    return Table("small", population, columns, {"source": "invented for tests"})
