"""Tables by name: embedded ones, those of a data folder, and files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from surrogate_nas import load_table
from surrogate_nas.errors import UnknownTableError
from surrogate_nas.table import Table, write_table
from surrogate_nas.table.catalog import DATA_FOLDER, table_paths


def test_the_embedded_table_holds_at_least_1000_random_classes() -> None:
    table = load_table("nb201-digits")
    assert len(np.unique(table.population.key)) == len(table) >= 1000
    assert table.splits("digits") == ("test", "valid")
    assert table.provenance["training"]["recipe"] == "digits"
    assert np.isfinite(table.accuracy(dataset="digits", split="valid")).all()
    assert (table.train_seconds(dataset="digits") > 0).all()


def test_an_embedded_row_answers_for_every_cell_of_its_function() -> None:
    table = load_table("nb201-digits")
    everything = table.space.enumerate()
    rows = table.find(everything)
    held = rows >= 0
    assert (table.population.key[rows[held]] == everything.key[held]).all()
    assert not np.isin(everything.key[~held], table.population.key).any()


def test_tables_are_found_in_the_data_folder_and_as_files(
    small_table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").mkdir()
    write_table(small_table, tmp_path / "mine" / "accuracy.parquet")
    monkeypatch.setenv(DATA_FOLDER, str(tmp_path))
    assert set(table_paths()) == {"nb201-digits", "mine"}
    assert load_table("mine").population == load_table(tmp_path / "mine" / "accuracy.parquet").population


def test_an_unknown_table_names_the_known_ones_and_where_others_lie(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DATA_FOLDER, raising=False)
    with pytest.raises(UnknownTableError, match=r"Did you mean 'nb201-digits'.*SURROGATE_NAS_DATA \(not set\)"):
        load_table("nb201-digit")
    with pytest.raises(KeyError):
        load_table("no/such/file.parquet")


def test_real_table_has_the_published_optima_and_costs(real_data: Path) -> None:
    table = load_table("nb201")
    assert len(table) == 15625
    best = {
        (dataset, split): table.accuracy(dataset=dataset, split=split).max()
        for dataset in ("cifar10", "cifar100")
        for split in ("valid", "test")
    }
    assert best == pytest.approx(
        {
            ("cifar10", "valid"): 91.61,
            ("cifar10", "test"): 94.37,
            ("cifar100", "valid"): 73.49,
            ("cifar100", "test"): 73.51,
        },
        abs=0.005,
    )
    assert (table.train_seconds(dataset="cifar10", epochs=200) > 0).all()
    assert table.cost("pixel3_latency_ms", dataset="cifar100").max() == pytest.approx(36.8, abs=0.05)
