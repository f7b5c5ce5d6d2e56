"""Another task's table before a search: it shapes starts and prior, is never the same images, and can be wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from surrogate_nas import search
from surrogate_nas.errors import LeakageError, RunFolderError, SettingError
from surrogate_nas.sampler.guided import Guided
from surrogate_nas.sampler.surrogate import Surrogate
from surrogate_nas.search.warm_start import guided_by, is_other_task
from surrogate_nas.sources import source
from surrogate_nas.space import NB201
from surrogate_nas.table import Table


def test_another_task_is_told_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_other_task("nb201-digits")
    assert is_other_task("nb201-digits:digits")
    assert not is_other_task("known.csv")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nb201-digits").mkdir()
    assert not is_other_task("nb201-digits")  # the folder of a search


def test_the_search_begins_where_the_other_task_is_best(small_table: Table) -> None:
    result = search(table=small_table, warm_start="nb201-digits", budget=12, seed=0)
    guess = source("nb201-digits", dataset="toy")
    first = NB201.parse([trial.architecture for trial in result.trials[:4]])
    expected = guess.predict(small_table.population).mean
    assert guess.predict(first[0]).mean[0] == expected.max()
    assert guess.predict(first).mean.min() > np.quantile(expected, 0.75)
    assert result.queries == len({trial.architecture for trial in result.trials}) == 12


def test_the_same_seed_gives_the_same_trials_and_a_folder_knows_its_task(small_table: Table, tmp_path: Path) -> None:
    settings = {"table": small_table, "warm_start": "nb201-digits", "seed": 1}
    whole = search(budget=8, **settings)
    for budget in (5, 8):
        kept = search(budget=budget, folder=tmp_path, **settings)
    assert kept.trials == whole.trials
    with pytest.raises(RunFolderError, match="warm_start is set there only"):
        search(table=small_table, seed=1, budget=8, folder=tmp_path)


def test_a_task_of_the_same_images_is_refused() -> None:
    with pytest.raises(LeakageError, match="digits"):
        search(table="nb201-digits", warm_start="nb201-digits", budget=8, seed=1)


def test_other_samplers_say_that_they_learn_from_no_other_task(small_table: Table) -> None:
    with pytest.raises(SettingError, match="sampler 'random' learns from no other task; sampler=surrogate does"):
        search(table=small_table, sampler="random", warm_start="nb201-digits", budget=8, seed=1)


def test_guided_is_the_surrogate_sampler() -> None:
    assert isinstance(guided_by("nb201-digits", Surrogate(), "surrogate", dataset="cifar10"), Guided)
