"""Graphs as torch-geometric batches."""

from __future__ import annotations

import numpy as np
import torch

from surrogate_nas.encoding.graphs import graph_batch
from surrogate_nas.space import NB201, Population, concatenate

CHAIN = "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|none~0|none~1|avg_pool_3x3~2|"
SINGLE = "|none~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|"
INPUT, OUTPUT, CONV1, CONV3, POOL = 0, 1, 4, 5, 6  # positions in the vocabulary of nodes


def test_a_batch_numbers_the_nodes_of_one_graph_after_another() -> None:
    batch = graph_batch(NB201.parse([CHAIN, SINGLE]))
    assert batch.x.tolist() == [INPUT, CONV3, CONV1, POOL, OUTPUT, INPUT, CONV3, OUTPUT]
    assert batch.edge_index.tolist() == [[0, 1, 2, 3, 5, 6], [1, 2, 3, 4, 6, 7]]
    assert batch.batch.tolist() == [0, 0, 0, 0, 0, 1, 1, 1]
    assert batch.ptr.tolist() == [0, 5, 8]
    assert batch.num_graphs == 2


def test_a_cell_that_computes_nothing_is_an_input_and_an_output_that_are_not_joined() -> None:
    batch = graph_batch(NB201.at(np.array([0])))
    assert batch.x.tolist() == [INPUT, OUTPUT]
    assert batch.edge_index.shape == (2, 0)


def test_every_architecture_has_an_input_first_and_an_output_last(everything: Population) -> None:
    batch = graph_batch(everything)
    assert batch.num_graphs == len(everything)
    assert (batch.x[batch.ptr[:-1]] == INPUT).all()
    assert (batch.x[batch.ptr[1:] - 1] == OUTPUT).all()


def test_edges_stay_inside_their_graph_and_run_from_earlier_to_later_nodes(everything: Population) -> None:
    batch = graph_batch(everything)
    source, target = batch.edge_index
    assert (batch.batch[source] == batch.batch[target]).all()
    assert (source < target).all()


def test_equal_functions_have_equal_graphs(everything: Population) -> None:
    _, first, member = np.unique(everything.key, return_index=True, return_inverse=True)
    twin = next(row for row in range(len(everything)) if first[member[row]] != row)
    batch = graph_batch(concatenate([everything[twin], everything[first[member[twin]]]]))
    one, other = batch.x.chunk(2)
    assert torch.equal(one, other)
    one, other = batch.edge_index.chunk(2, dim=1)
    assert torch.equal(one, other - len(batch.x) // 2)
