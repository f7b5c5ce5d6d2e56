"""Populations are immutable values over one space."""

from __future__ import annotations

import numpy as np
import pytest

from surrogate_nas.errors import InvalidArchitectureError
from surrogate_nas.space import NB201, CellSpace, Population, concatenate


def test_slices_masks_and_rows_are_populations() -> None:
    population = NB201.at(np.arange(10))
    assert population[3].index.tolist() == [3]
    assert population[-1].index.tolist() == [9]
    assert population[2:4].index.tolist() == [2, 3]
    assert population[population.index % 2 == 0].index.tolist() == [0, 2, 4, 6, 8]
    assert population[[5, 1]].index.tolist() == [5, 1]
    assert [one.index.tolist() for one in population[:2]] == [[0], [1]]


def test_a_row_outside_is_an_index_error() -> None:
    with pytest.raises(IndexError, match="row 10 of a population of 10"):
        NB201.at(np.arange(10))[10]


def test_decisions_cannot_be_changed() -> None:
    matrix = np.zeros((2, 6), dtype=np.int8)
    population = Population(NB201, matrix)
    with pytest.raises(ValueError, match="read-only"):
        population.decisions[0, 0] = 1
    matrix[0, 0] = 1
    assert population.decisions[0, 0] == 0


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.zeros((2, 5), dtype=np.int8), r"shape \(n, 6\), got \(2, 5\)"),
        (np.zeros(6, dtype=np.int8), r"got \(6,\)"),
        (np.full((1, 6), 5), "takes options 0 to 4, got 5 in row 0"),
        (np.full((1, 6), -1), "got -1 in row 0"),
        (np.zeros((1, 6)), "integers, got dtype float64"),
    ],
)
def test_a_matrix_that_is_no_population_is_refused(matrix: np.ndarray, message: str) -> None:
    with pytest.raises(InvalidArchitectureError, match=message):
        Population(NB201, matrix)


def test_equality_and_hash_follow_the_content() -> None:
    one, same, other = NB201.at(np.arange(3)), NB201.at(np.arange(3)), NB201.at(np.arange(1, 4))
    assert one == same
    assert hash(one) == hash(same)
    assert one != other


def test_membership_is_by_architecture() -> None:
    assert NB201.at(np.array([1, 5, 7])).isin(NB201.at(np.array([7, 1]))).tolist() == [True, False, True]


def test_populations_of_one_space_are_joined_and_of_two_refused() -> None:
    other = CellSpace(name="other", operations=NB201.operations)
    assert concatenate([NB201.at(np.array([1])), NB201.at(np.array([2]))]).index.tolist() == [1, 2]
    with pytest.raises(InvalidArchitectureError, match="got spaces"):
        concatenate([NB201.at(np.array([1])), other.at(np.array([1]))])


def test_an_empty_population_has_no_texts() -> None:
    assert NB201.parse([]).texts == []
