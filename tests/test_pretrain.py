"""The shipped predictor is what its command makes of the embedded table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from surrogate_nas import load_predictor, load_table
from surrogate_nas.errors import LeakageError
from surrogate_nas.fit import fit
from surrogate_nas.metrics import spearman
from surrogate_nas.predictor.distilled import Distilled
from surrogate_nas.pretrain import COMMAND, DATASET, TABLE, main
from surrogate_nas.sources import smoothed
from surrogate_nas.space import NB201


def test_the_shipped_predictor_is_loaded_by_name_and_says_what_it_learned_from() -> None:
    predictor = load_predictor("nb201-digits")
    assert isinstance(predictor, Distilled)
    (source,) = predictor.sources
    assert (source["table"], source["dataset"], source["split"], source["labels"]) == (TABLE, DATASET, "valid", 4930)
    assert predictor.seen == {"digits"}


@pytest.mark.slow
def test_made_again_it_says_the_same() -> None:
    shipped, again = load_predictor("nb201-digits"), smoothed(load_table(TABLE), DATASET)
    assert {**again.sources[0], "command": COMMAND} == shipped.sources[0]  # the digest of the labels among them
    cells = NB201.representatives()
    old, new = shipped.predict(cells), again.predict(cells)
    assert spearman(old.mean, new.mean) > 0.99
    assert np.abs(old.mean - new.mean).mean() < 1.0
    assert np.abs(old.std / new.std - 1).mean() < 0.05


def test_the_command_writes_a_file_of_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("surrogate_nas.sources.TEACHER", {"members": 2, "trees": 2})
    main(tmp_path)
    made = load_predictor(tmp_path / "nb201-digits.safetensors")
    assert made.seen == {"digits"}


def test_it_ranks_the_cells_that_it_learned_from() -> None:
    table = load_table(TABLE)
    predicted = load_predictor("nb201-digits").predict(table.population).mean
    assert spearman(predicted, table.accuracy(dataset=DATASET, split="valid")) > 0.9


def test_the_table_that_it_learned_from_cannot_be_fitted_with_it() -> None:
    with pytest.raises(LeakageError, match="seen and not counted"):
        fit(table=TABLE, predictor=load_predictor("nb201-digits"), train_size=10)
