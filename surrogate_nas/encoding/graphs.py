"""Operation-on-node graphs as torch-geometric batches; no label is ever among them."""

from __future__ import annotations

import numpy as np
import torch
from torch_geometric.data import Batch

from surrogate_nas.space.population import Population


def graph_batch(population: Population) -> Batch:
    """Return the n graphs of the architectures as one batch, equal for architectures that compute the same function.

    The graphs are those of the architectures that represent the classes of equal function, without absent nodes. Nodes
    are numbered architecture by architecture, each in topological order.

    Shapes:
        x (nodes,) int64, the operation of each node as an index into ``space.graphs(...).names``;
        edge_index (2, edges) int64, row 0 the node that is read and row 1 the node that reads;
        batch (nodes,) int64, the architecture of each node; ptr (n + 1,) int64, where the nodes of each begin
    """
    space = population.space
    graphs = space.graphs(space.represent(population))
    present = graphs.operations >= 0  # (n, places)
    number = np.cumsum(present).reshape(present.shape) - 1  # of each present node in the batch
    architecture, source, target = np.nonzero(graphs.adjacency)
    return Batch(
        x=torch.from_numpy(graphs.operations[present].astype(np.int64)),
        edge_index=torch.from_numpy(np.stack([number[architecture, source], number[architecture, target]])),
        batch=torch.from_numpy(np.nonzero(present)[0]),
        ptr=torch.from_numpy(np.append(0, np.cumsum(present.sum(axis=1)))),
    )
