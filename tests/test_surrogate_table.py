"""A surrogate answers for every architecture, scatters like the trainings it was fitted to, and says what it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from surrogate_nas import cli, load_table, search
from surrogate_nas.errors import NotMeasuredError, SettingError, TargetError
from surrogate_nas.predictor.boosted import Boosted
from surrogate_nas.space import NATS_SIZE, TRANSNAS, Population
from surrogate_nas.split import Split
from surrogate_nas.surrogate_table import surrogate_table
from surrogate_nas.table import Column, Table, write_table

FEW_TREES = Boosted(members=1, trees=40)
LARGE, SMALL = 4.0, 0.5  # points between seeds of weak and of strong cells


def convolutions(population: Population) -> Any:
    """How many of its convolutions each cell can make use of."""
    return np.isin(TRANSNAS.represent(population).decisions, (2, 3)).sum(axis=1)


@pytest.fixture(scope="module")
def measured() -> Table:
    """600 cells, better the more convolutions; weak ones scatter more; both splits of a training err together."""
    rng = np.random.default_rng(1)
    population = TRANSNAS.sample(600, rng=rng)
    merit = 40.0 + 8 * convolutions(population)
    scatter = np.where(merit < 64, LARGE, SMALL)
    columns = {}
    for seed in (7, 8, 9):
        error = scatter * rng.normal(size=600)
        for split, shift in ((Split.VALID, 0.0), (Split.TEST, -2.0)):
            columns[Column("accuracy", "toy", split, 5, seed)] = (merit + shift + error).clip(0, 100)
    columns[Column("accuracy", "toy", Split.VALID, 2, 7)] = np.zeros(600)  # a shorter training, which is left out
    return Table("measured", population, columns, {"licence": "MIT", "citation": "We", "source": "invented"})


@pytest.fixture(scope="module")
def surrogate(measured: Table) -> Table:
    return surrogate_table(measured, "predicted", predictor=FEW_TREES, seeds=(1, 2, 3, 4))


def values(table: Table, split: str, seed: int | None = None) -> Any:
    return table.accuracy(dataset="toy", split=split, seed=seed)


def test_it_answers_for_every_architecture_with_every_seed(surrogate: Table) -> None:
    assert len(surrogate) == TRANSNAS.size
    assert surrogate.epochs("toy", Split.VALID) == (5,)
    assert surrogate.seeds("toy", Split.VALID, 5) == (1, 2, 3, 4)
    assert all(np.isfinite(column).all() for column in surrogate.columns.values())


def test_it_ranks_as_the_measurements_do(surrogate: Table, measured: Table) -> None:
    (valid, test) = surrogate.provenance["surrogate"]["fits"]
    assert (valid["split"], test["split"]) == ("valid", "test")
    assert valid["labels"] == 600
    assert valid["held_out_kendall_tau"] > 0.7  # an exact model has as much as ties of merit and the noise leave
    assert 0 < valid["kendall_tau_between_seeds"] < 1
    unseen = np.flatnonzero(measured.find(surrogate.population) < 0)
    merit = convolutions(surrogate.population)
    assert np.corrcoef(values(surrogate, "valid")[unseen], merit[unseen])[0, 1] > 0.9


def test_what_failed_to_train_fails_in_it_too() -> None:
    population = TRANSNAS.sample(600, rng=np.random.default_rng(1))
    dead = convolutions(population) == 0
    columns = {
        Column("accuracy", "toy", Split.VALID, 5, seed): np.where(dead, 10.0, 80.0 + convolutions(population))
        for seed in (1, 2)
    }
    surrogate = surrogate_table(Table("failing", population, columns), "predicted")
    without = convolutions(surrogate.population) == 0
    assert np.median(values(surrogate, "valid")[without]) < 30
    # Nothing measured lies between 10 and 80; a few failing functions that were not measured are put in between.
    assert values(surrogate, "valid")[without].max() < 60 < values(surrogate, "valid")[~without].min()


def test_it_scatters_between_seeds_as_trainings_of_about_this_accuracy_do(surrogate: Table) -> None:
    between = np.std([values(surrogate, "valid", seed) for seed in (1, 2, 3, 4)], axis=0, ddof=1)
    merit = convolutions(surrogate.population)
    # Pooled over hundreds of cells, a deviation is known to a few percent; neighbours in accuracy blur the border.
    assert np.sqrt(np.mean(between[merit <= 1] ** 2)) == pytest.approx(LARGE, rel=0.15)
    assert np.sqrt(np.mean(between[merit >= 4] ** 2)) == pytest.approx(SMALL, rel=0.15)


def test_the_splits_of_one_training_err_together(surrogate: Table) -> None:
    def error(split: str) -> Any:
        return values(surrogate, split, 1) - values(surrogate, split)

    assert np.corrcoef(error("valid"), error("test"))[0, 1] > 0.95  # as they do in what was measured, but for rounding


def test_what_is_drawn_depends_on_the_architecture_and_the_seed_alone(surrogate: Table, measured: Table) -> None:
    again = surrogate_table(measured, "predicted", predictor=FEW_TREES, seeds=(4, 2))
    for column in again.columns:
        assert (again.columns[column] == surrogate.columns[column]).all()


def test_the_file_is_small_and_the_same_for_the_same_measurements_in_another_order(
    measured: Table, tmp_path: Path
) -> None:
    order = np.random.default_rng(0).permutation(len(measured))
    columns = {column: of_column[order] for column, of_column in reversed(measured.columns.items())}
    shuffled = Table("measured", measured.population[order], columns, measured.provenance)
    for name, table in (("a", measured), ("b", shuffled)):
        write_table(table, tmp_path / f"{name}.parquet")
        predicted = surrogate_table(load_table(tmp_path / f"{name}.parquet"), "predicted", predictor=FEW_TREES)
        write_table(predicted, tmp_path / f"{name}-predicted.parquet")
    assert (tmp_path / "a-predicted.parquet").read_bytes() == (tmp_path / "b-predicted.parquet").read_bytes()
    assert (tmp_path / "a-predicted.parquet").stat().st_size < 200_000  # 4,096 architectures, 6 columns


def test_it_says_that_it_is_predicted_from_what_and_by_what(surrogate: Table) -> None:
    assert "predicted by surrogate_nas from the table measured; no value of it was measured" in json.dumps(
        dict(surrogate.provenance)
    )
    assert surrogate.provenance["licence"] == "MIT"
    assert surrogate.provenance["citation"] == "We"
    told = surrogate.provenance["surrogate"]
    assert (told["predictor"], told["table"], told["table_source"]) == ("boosted", "measured", "invented")
    assert told["predictor_settings"]["trees"] == 40
    assert len(told["table_sha256"]) == 64


def test_a_table_of_functions_gives_one(measured: Table) -> None:
    rows = np.unique(measured.population.key, return_index=True)[1]
    columns = {column: of_column[rows] for column, of_column in measured.columns.items()}
    by_function = Table("f", measured.population[rows], columns, by_function=True)
    surrogate = surrogate_table(by_function, "predicted", predictor=FEW_TREES, seeds=(1,))
    assert len(surrogate) == len(TRANSNAS.representatives())
    assert (surrogate.find(TRANSNAS.enumerate()) >= 0).all()


def test_a_space_without_cells_gives_one() -> None:
    population = NATS_SIZE.sample(200, rng=np.random.default_rng(1))
    merit = 20.0 + 2 * population.decisions.sum(axis=1)
    columns = {Column("accuracy", "toy", Split.VALID, 5, seed): merit + seed / 2 for seed in (1, 2)}
    surrogate = surrogate_table(Table("sizes", population, columns), "predicted", predictor=FEW_TREES)
    assert len(surrogate) == NATS_SIZE.size
    assert surrogate.provenance["surrogate"]["fits"][0]["held_out_kendall_tau"] > 0.7


def one_seed(measured: Table) -> Table:
    columns = {column: of_column for column, of_column in measured.columns.items() if column.seed == 7}
    return Table("once", measured.population, columns)


def test_one_seed_is_said_and_the_noise_asked_for(measured: Table) -> None:
    with pytest.raises(SettingError, match=r"repeats no training of toy .*say how large it is with --deviation"):
        surrogate_table(one_seed(measured), "s", predictor=FEW_TREES)
    noisy = surrogate_table(one_seed(measured), "s", predictor=FEW_TREES, deviation=0.7, seeds=(1, 2))
    difference = values(noisy, "valid", 1) - values(noisy, "valid", 2)
    assert difference.std() == pytest.approx(0.7 * np.sqrt(2), rel=0.05)  # 4,096 pairs: known to 1.1 %
    exact = surrogate_table(one_seed(measured), "s", predictor=FEW_TREES, deviation=0, seeds=(1, 2))
    assert (values(exact, "valid", 1) == values(exact, "valid", 2)).all()
    assert exact.provenance["surrogate"]["fits"][0]["kendall_tau_between_seeds"] is None


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"datasets": ["toys"]}, NotMeasuredError, "unknown data set 'toys'. Did you mean 'toy'"),
        ({"deviation": -1.0}, SettingError, "at least 0, got -1"),
        ({"deviation": float("nan")}, SettingError, "at least 0, got nan"),
        ({"seeds": (-1,)}, SettingError, "seeds must be a whole number"),
    ],
)
def test_bad_settings_are_refused(
    measured: Table, settings: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        surrogate_table(measured, "s", predictor=FEW_TREES, **settings)


def test_too_few_labels_are_refused(measured: Table) -> None:
    columns = {column: of_column[:3] for column, of_column in measured.columns.items()}
    with pytest.raises(TargetError, match="holds 3 accuracies of toy valid; a surrogate needs those of at least 5"):
        surrogate_table(Table("t", measured.population[:3], columns), "s", predictor=FEW_TREES)


def test_the_file_is_used_like_any_other_table(
    measured: Table, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_table(measured, tmp_path / "measured.parquet")
    quick = ("--predictor", "gaussian_process")
    source, target = str(tmp_path / "measured.parquet"), str(tmp_path / "predicted.parquet")
    assert cli.main(["table", "export", source, "--surrogate", target, "--seeds", "5", *quick]) == 0
    assert "4096 architectures, predicted from 600" in capsys.readouterr().out
    assert cli.main(["table", "info", target]) == 0
    assert "no value of it was measured" in capsys.readouterr().out
    result = search(table=target, sampler="random", budget=10, seed=0)
    table = load_table(target)
    assert result.table == "predicted"
    assert result.best.valid == table.query(result.best.architecture, dataset="toy", split="valid", seed=5)
    assert result.best.test == table.query(result.best.architecture, dataset="toy", split="test", seed=5)
