"""A graph neural network whose members, alike but for their weights, are computed side by side."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.data import Batch
from torch_geometric.nn import MessagePassing
from torch_geometric.utils import scatter

SQUARED_WEIGHT = 0.3  # of the squared error beside the ranking loss; ties the scores to the targets' scale


class MemberLinear(nn.Module):
    """A linear layer for each member, initialised as ``torch.nn.Linear``.

    Shapes:
        input (members, rows, inputs), output (members, rows, outputs)
    """

    def __init__(self, members: int, inputs: int, outputs: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(inputs)
        self.weight = nn.Parameter(torch.empty(members, inputs, outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(members, 1, outputs).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs of all members."""
        return torch.baddbmm(self.bias, x, self.weight)


class GatedConvolution(MessagePassing):  # type: ignore[misc]  # torch-geometric's types are not followed
    r"""The gated graph convolution of torch-geometric's ``ResGatedGraphConv``, for all members at once.

    .. math:: x_i' = W_1 x_i + \sum_{j \to i} \sigma(W_3 x_i + W_4 x_j) \odot W_2 x_j

    Bresson and Laurent, "Residual Gated Graph ConvNets" (2017), without its edge features.

    Args:
        members: number of members.
        width: channels of input and output.
        flow: "source_to_target" to pass messages along the edges, "target_to_source" against them.

    Shapes:
        input and output (members, nodes, width), edge_index (2, edges)
    """

    def __init__(self, members: int, width: int, flow: str) -> None:
        super().__init__(aggr="sum", flow=flow, node_dim=-2)
        self.linear = MemberLinear(members, width, 4 * width)

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """Return the new values of all nodes."""
        own, gate, told = torch.tensor_split(self.linear(x), [x.shape[-1], 2 * x.shape[-1]], dim=-1)
        received: Tensor = self.propagate(edge_index, gate=gate, told=told)
        return own + received

    def message(self, gate_i: Tensor, told_j: Tensor) -> Tensor:
        """Return what passes along each edge, (members, edges, width)."""
        gated, value = torch.chunk(told_j, 2, dim=-1)
        opened: Tensor = torch.sigmoid(gate_i + gated) * value
        return opened

    def aggregate(self, inputs: Tensor, index: Tensor, dim_size: int) -> Tensor:
        """Return the sum of what reaches each node, (members, nodes, width); quicker so than by scattering."""
        return inputs.new_zeros(len(inputs), dim_size, inputs.shape[2]).index_add(1, index, inputs)


class GraphNetwork(nn.Module):
    """Residual gated convolutions along and against the edges, the mean over the nodes, and a head that sees features.

    Args:
        members: number of members.
        operations: size of the vocabulary of nodes.
        features: number of features of an architecture.
        width: channels of a node, and of the head's hidden layer.
        layers: convolutions in each direction.
        dropout: share of the head's inputs that is left out in training.

    Shapes:
        features (n, features), output (members, n)
    """

    def __init__(
        self, members: int, operations: int, features: int, *, width: int, layers: int, dropout: float
    ) -> None:
        super().__init__()
        self.embedding = nn.Parameter(torch.randn(members, operations, width))
        self.along = nn.ModuleList(GatedConvolution(members, width, "source_to_target") for _ in range(layers))
        self.against = nn.ModuleList(GatedConvolution(members, width, "target_to_source") for _ in range(layers))
        self.hidden = MemberLinear(members, width + features, width)
        self.score = MemberLinear(members, width, 1)
        self.dropout = dropout

    def forward(self, graphs: Batch, features: Tensor) -> Tensor:
        """Return the score of each architecture by each member."""
        scores: Tensor = self.score(self.encode(graphs, features)).squeeze(2)
        return scores

    def encode(self, graphs: Batch, features: Tensor) -> Tensor:
        """Return what the score is read from: the head's hidden layer, (members, n, width)."""
        nodes = self.embedding.index_select(1, graphs.x)  # plain indexing adds its gradients in no fixed order
        for along, against in zip(self.along, self.against, strict=True):
            nodes = nodes + functional.relu(along(nodes, graphs.edge_index) + against(nodes, graphs.edge_index))
        pooled = scatter(nodes, graphs.batch, dim=1, dim_size=len(features), reduce="mean")  # (members, n, width)
        joined = torch.cat([pooled, features.expand(len(pooled), -1, -1)], dim=2)
        joined = functional.dropout(joined, self.dropout, self.training)
        return functional.relu(self.hidden(joined))


def ranking_loss(scores: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """Return the (members,) ranking losses, each with a weighted squared error.

    Shapes:
        scores (members, n), truth (n,), weight (members, n)
    """
    better = truth[:, None] > truth  # (n, n)
    importance = weight[:, :, None] * weight[:, None, :] * better  # (members, n, n), of the pairs in order
    pairs = functional.softplus(scores[:, None, :] - scores[:, :, None])
    ranking = (pairs * importance).sum(dim=(1, 2)) / importance.sum(dim=(1, 2)).clamp(min=1e-6)
    squared = ((scores - truth) ** 2 * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1e-6)
    return ranking + SQUARED_WEIGHT * squared
