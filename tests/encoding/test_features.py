"""The features of a cell: a hand-checked one, and that they tell functions apart, nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from surrogate_nas.encoding.features import all_features, features, kinds, path_edges
from surrogate_nas.encoding.untrained import untrained
from surrogate_nas.errors import SettingError
from surrogate_nas.space import NATS_SIZE, NB201, Population
from surrogate_nas.space.base import Decision
from surrogate_nas.space.joint import JointSpace
from tests.encoding.other_space import OTHER

# 0 -3x3-> 2 -1x1-> 3, 0 -pool-> 3: the simplest of all that compute this function.
CELL = "|none~0|+|nor_conv_3x3~0|none~1|+|avg_pool_3x3~0|none~1|nor_conv_1x1~2|"
# The same by way of node 1, and a convolution into node 2 that leads nowhere.
TWIN = "|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|avg_pool_3x3~0|nor_conv_1x1~1|none~2|"
SKIP, CONV1, CONV3, POOL = range(4)  # the operations that pass something on, in the order of the features


def block(start: int, width: int) -> np.ndarray:
    """Return a stretch of the features of the cell."""
    return features(NB201.parse(CELL))[0, start : start + width]


def test_a_cell_has_125_features() -> None:
    assert features(NB201.parse(CELL)).shape == (1, 125)


def test_first_come_the_operations_of_the_edges_that_matter() -> None:
    carried = block(0, 24).reshape(6, 4)
    assert np.argwhere(carried).tolist() == [[1, CONV3], [3, POOL], [5, CONV1]]


def test_then_how_often_each_operation_occurs() -> None:
    assert block(24, 4).tolist() == [0, 1, 1, 1]


def test_then_the_operations_of_each_path() -> None:
    # The paths are 0-3, 0-1-3, 0-2-3 and 0-1-2-3; the second and the last are cut.
    assert block(28, 16).reshape(4, 4).tolist() == [[0, 0, 0, 1], [0, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0]]


def test_then_number_least_and_greatest_length_of_the_paths_over_each_set_of_operations() -> None:
    statistics = block(44, 45).reshape(15, 3).tolist()
    none = [0, 4, 0]  # longer than any path where there is none
    assert statistics[:4] == [none, none, none, [1, 1, 1]]  # skip, 1x1, 3x3, pool alone
    assert statistics[7] == [1, 2, 2]  # both convolutions
    assert statistics[14] == [2, 1, 2]  # all operations


def test_then_the_depth_in_convolutions() -> None:
    assert block(89, 2).tolist() == [2, 2]


def test_then_what_leaves_and_what_enters_each_node() -> None:
    leaving, entering = block(91, 32).reshape(2, 4, 4)
    assert np.argwhere(leaving).tolist() == [[0, CONV3], [0, POOL], [2, CONV1]]
    assert np.argwhere(entering).tolist() == [[2, CONV3], [3, CONV1], [3, POOL]]


def test_last_come_the_logarithms_of_flops_and_parameters() -> None:
    # 7.783 M FLOPs and 73,306 parameters are those of the skeleton; a kernel of k x k adds 5 k^2 (3 * 16^2 * 32^2)
    # and 5 (k^2 (16^2 + 32^2 + 64^2) + 2 (16 + 32 + 64)).
    flops = 7_783_050 + 5 * (9 + 1) * 3 * 16**2 * 32**2
    parameters = 73_306 + 5 * ((9 + 1) * (16**2 + 32**2 + 64**2) + 2 * 2 * (16 + 32 + 64))
    assert np.exp(block(123, 2)) == pytest.approx([flops, parameters], rel=1e-5)


def test_what_cannot_influence_the_output_has_no_part_in_the_features() -> None:
    assert (features(NB201.parse(TWIN)) == features(NB201.parse(CELL))).all()


def test_features_are_equal_exactly_for_equal_functions(everything: Population) -> None:
    _, by_features = np.unique(features(everything), axis=0, return_inverse=True)
    _, by_function = np.unique(everything.key, return_inverse=True)
    pairs = set(zip(by_features.ravel().tolist(), by_function.tolist(), strict=True))
    assert len(pairs) == by_features.max() + 1 == by_function.max() + 1


def test_no_architectures_have_no_features() -> None:
    assert features(NB201.enumerate()[:0]).shape == (0, 125)


def test_a_cell_of_four_nodes_has_four_paths() -> None:
    # Columns are the edges 0-1, 0-2, 1-2, 0-3, 1-3, 2-3.
    assert path_edges(NB201).astype(int).tolist() == [
        [0, 0, 0, 1, 0, 0],
        [1, 0, 0, 0, 1, 0],
        [0, 1, 0, 0, 0, 1],
        [1, 0, 1, 0, 0, 1],
    ]


def test_only_cells_have_features() -> None:
    with pytest.raises(SettingError, match="other"):
        features(OTHER.sample(2, rng=np.random.default_rng(0)))


def test_features_that_tell_the_same_of_different_places_are_of_one_kind() -> None:
    # Edges, counts, paths, sets of operations, depths, nodes, sizes.
    assert np.bincount(kinds(NB201)).tolist() == [24, 4, 16, 45, 2, 32, 2]
    assert (np.diff(kinds(NB201)) >= 0).all()
    assert np.bincount(kinds(NATS_SIZE)).tolist() == [10]


def test_settings_beside_an_architecture_are_a_kind_of_their_own() -> None:
    beside = JointSpace(NB201, (Decision("depth", ("1", "2")),), (True,))
    assert np.array_equal(kinds(beside)[:125], kinds(NB201))
    assert set(kinds(beside)[125:].tolist()) == {7}
    assert len(kinds(beside)) == features(beside.sample(1, rng=np.random.default_rng(0))).shape[1]


def test_what_untrained_networks_tell_comes_after_all_features() -> None:
    cells = NB201.parse([CELL, TWIN])
    assert np.array_equal(all_features(cells), np.hstack([features(cells), untrained(cells)]))
