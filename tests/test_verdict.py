"""The verdict: agreement with a table within its own seed noise, at the level that it states."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from surrogate_nas.record import Record
from surrogate_nas.space import NB201
from surrogate_nas.split import Split
from surrogate_nas.table import Column, Table
from surrogate_nas.verdict import LEVEL, Noise, add_verdict, holm, p_value
from surrogate_nas.verification.verify import summarise, summary_rows

SEEDS = (777, 888, 999)


def table_of(
    rng: np.random.Generator, deviation: float, *, seeds: Sequence[int] = SEEDS, cells: int = 120
) -> tuple[Table, np.ndarray]:
    """A table of cells whose trainings scatter with one deviation around their own accuracies, and those."""
    truth = rng.uniform(80, 94, cells)
    columns = {
        Column("accuracy", "toy", Split.TEST, 12, seed): truth + rng.normal(scale=deviation, size=cells)
        for seed in seeds
    }
    return Table("toy", NB201.enumerate()[np.arange(cells)], columns), truth


def trained(table: Table, rows: Sequence[int], values: np.ndarray) -> list[Record]:
    """Summaries of cells with the given (cells, seeds) test accuracies."""
    return summarise(
        Record(architecture=table.population.texts[row], seed=seed, valid=None, test=value, seconds=60.0, failure=None)
        for row, group in zip(rows, values, strict=True)
        for seed, value in enumerate(group)
    )


def test_p_values_are_student_s() -> None:
    # t = 0.6 / (0.3 sqrt(1/2 + 1/2)) = 2 with 10 degrees of freedom: two-sided 0.0734 in any table of the distribution
    assert p_value(0.6, Noise(0.3, 10, ""), here=2, there=2) == pytest.approx(0.07339, abs=1e-5)
    assert p_value(-0.6, Noise(0.3, 10, ""), here=2, there=2) == p_value(0.6, Noise(0.3, 10, ""), here=2, there=2)


def test_cells_that_always_reach_the_same_agree_only_with_the_same() -> None:
    assert [p_value(difference, Noise(0.0, 100, ""), here=3, there=3) for difference in (0.0, 0.1)] == [1.0, 0.0]


def test_holm_multiplies_by_how_many_are_left() -> None:
    # Holm (1979): the smallest of four times 4, the next times 3, ...; never less than the one before, at most 1
    assert holm([0.01, 0.04, 0.03, 0.5]).tolist() == pytest.approx([0.04, 0.09, 0.09, 0.5])
    assert holm([]).tolist() == []


@pytest.mark.parametrize(("cells", "seeds"), [(1, SEEDS), (4, SEEDS), (4, SEEDS[:1])])
def test_a_run_in_which_nothing_is_amiss_is_called_in_disagreement_at_the_stated_rate(
    cells: int, seeds: Sequence[int]
) -> None:
    rng, runs, wrong = np.random.default_rng(5), 600, 0
    for _ in range(runs):
        table, truth = table_of(rng, 0.25, seeds=seeds, cells=120)
        rows = rng.choice(120, cells, replace=False)
        values = truth[rows][:, None] + rng.normal(scale=0.25, size=(cells, 3))
        wrong += not add_verdict(trained(table, rows, values), table, dataset="toy", epochs=12).agrees
    # the number of wrong runs is binomial with probability 0.05: 30 of 600, deviation 5.3; four of them either way.
    # Holm's guarantee is an upper bound, nearly reached with independent cells; with one seed in the table the cells
    # share one small estimate of the noise, and the bound is less nearly reached.
    assert runs * LEVEL * (0.3 if len(seeds) == 1 else 1) - 22 <= wrong <= runs * LEVEL + 22


def test_what_differs_is_found() -> None:
    rng = np.random.default_rng(1)
    table, truth = table_of(rng, 0.25)
    cells = trained(table, [3, 50], truth[[3, 50]][:, None] - [[0.0] * 3, [1.5] * 3])
    verdict = add_verdict(cells, table, dataset="toy", epochs=12)
    assert [cell.verdict.test.agrees for cell in cells] == [True, False]
    assert (verdict.tested, verdict.agree, verdict.agrees) == (2, 1, False)
    assert "pooled over the table's own seeds; all tests of the run together at level 0.05 (Holm)" in verdict.test
    assert cells[0].verdict.test.deviation == pytest.approx(0.25, rel=0.3)  # 200 degrees of freedom: 5 % and the window
    assert cells[0].verdict.test.freedom == 200  # 100 neighbours with three seeds each


def test_a_table_without_repeated_seeds_leaves_the_noise_to_the_run() -> None:
    rng = np.random.default_rng(2)
    table, truth = table_of(rng, 0.25, seeds=SEEDS[:1])
    cells = trained(table, [3, 50], truth[[3, 50]][:, None] + rng.normal(scale=0.25, size=(2, 3)))
    assert "pooled over the trainings of this run" in add_verdict(cells, table, dataset="toy", epochs=12).test
    assert cells[0].verdict.test.freedom == 4
    single = trained(table, [3], np.array([[90.0]]))
    verdict = add_verdict(single, table, dataset="toy", epochs=12)
    assert verdict.agrees is None
    assert verdict.note == (
        "neither the table nor this run trained a cell with two seeds, so nothing is known of the noise."
    )


def test_trainings_of_another_length_are_not_compared() -> None:
    table, _ = table_of(np.random.default_rng(3), 0.25)
    cells = trained(table, [3], np.array([[90.0, 91.0]]))
    verdict = add_verdict(cells, table, dataset="toy", epochs=200)
    assert verdict.agrees is None
    assert verdict.note == "the table holds no trainings of 200 epochs on toy, so nothing was compared."
    assert cells[0].table == {}


def test_a_search_is_told_that_luck_chose_its_cells() -> None:
    table, truth = table_of(np.random.default_rng(3), 0.25)
    cells = trained(table, [3], truth[[3]][:, None] + np.zeros((1, 3)))
    verdict = add_verdict(cells, table, dataset="toy", epochs=12, chosen_by="valid")
    assert verdict.note.startswith("the search chose these cells for their valid accuracy in the table")


def test_rows_tell_everything_of_a_cell() -> None:
    table, truth = table_of(np.random.default_rng(3), 0.25)
    cells = trained(table, [3], truth[[3]][:, None] + [[-0.1, 0.0, 0.1]])
    add_verdict(cells, table, dataset="toy", epochs=12)
    cells[0]["forecast"] = Record(mean=90.5, std=0.4, split="test")
    (row,) = summary_rows(cells)
    assert (row["seeds"], row["std"], row["forecast"], row["forecast_std"]) == (3, pytest.approx(0.1), 90.5, 0.4)
    assert (row["agrees"], row["seconds"]) == (True, 180.0)
    cells[0]["forecast"] = Record(mean=90.5, std=0.4, split="valid")
    assert summary_rows(cells)[0]["forecast"] is None
