"""The graph neural network and its training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import kendalltau
from torch_geometric.nn import ResGatedGraphConv

from surrogate_nas.encoding.graphs import graph_batch
from surrogate_nas.errors import SettingError
from surrogate_nas.predictor.graph import BATCH, Graph
from surrogate_nas.predictor.graph_network import (
    SQUARED_WEIGHT,
    GatedConvolution,
    GraphNetwork,
    MemberLinear,
    ranking_loss,
)
from surrogate_nas.space import NB201
from surrogate_nas.split import Split
from surrogate_nas.table import load_table

POPULATION = NB201.sample(60, rng=np.random.default_rng(0))
CONVOLUTIONS = np.isin(NB201.represent(POPULATION).decisions, (2, 3)).sum(axis=1).astype(float)


def test_the_loss_of_two_by_hand() -> None:
    # One pair, ordered wrongly by 1: log(1 + e); squared errors 1 and 4 of mean 2.5.
    loss = ranking_loss(torch.tensor([[0.0, 1.0]]), torch.tensor([1.0, -1.0]), torch.ones(1, 2))
    assert float(loss) == pytest.approx(np.log1p(np.e) + SQUARED_WEIGHT * 2.5)


def test_members_have_losses_of_their_own() -> None:
    truth, weight = torch.tensor([1.0, -1.0, 0.0]), torch.tensor([[1.0, 2.0, 0.5], [0.0, 1.0, 1.0]])
    scores = torch.tensor([[0.0, 1.0, 2.0], [3.0, -1.0, 0.5]])
    both = ranking_loss(scores, truth, weight)
    parts = [float(ranking_loss(scores[[at]], truth, weight[[at]])) for at in range(2)]
    assert both.tolist() == pytest.approx(parts)


def test_equal_targets_have_no_pairs_to_rank() -> None:
    assert ranking_loss(torch.zeros(2, 3), torch.zeros(3), torch.ones(2, 3)).tolist() == [0, 0]


def test_members_are_separate_linear_layers() -> None:
    torch.manual_seed(0)
    layer, x = MemberLinear(2, 3, 4), torch.randn(2, 5, 3)
    for member in range(2):
        expected = x[member] @ layer.weight[member] + layer.bias[member]
        torch.testing.assert_close(layer(x)[member], expected)


@pytest.mark.parametrize("flow", ["source_to_target", "target_to_source"])
def test_the_convolution_of_one_member_is_that_of_torch_geometric(flow: str) -> None:
    torch.manual_seed(0)
    ours, theirs = GatedConvolution(2, 4, flow), ResGatedGraphConv(4, 4, flow=flow)
    parts = zip(
        (theirs.lin_skip, theirs.lin_key, theirs.lin_query, theirs.lin_value),
        ours.linear.weight[1].chunk(4, dim=1),
        ours.linear.bias[1, 0].chunk(4),
        strict=True,
    )
    with torch.no_grad():
        for linear, weight, bias in parts:
            linear.weight.copy_(weight.T)
            (theirs.bias if linear is theirs.lin_skip else linear.bias).copy_(bias)
    batch = graph_batch(POPULATION[:5])
    x = torch.randn(2, len(batch.x), 4)
    torch.testing.assert_close(ours(x, batch.edge_index)[1], theirs(x[1], batch.edge_index))


def test_every_part_of_the_network_learns() -> None:
    torch.manual_seed(0)
    network = GraphNetwork(2, operations=7, features=3, width=8, layers=2, dropout=0.0)
    scores = network(graph_batch(POPULATION), torch.randn(60, 3))
    assert scores.shape == (2, 60)
    scores.square().sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in network.parameters())


def test_the_graph_alone_tells_architectures_apart() -> None:
    torch.manual_seed(0)
    network = GraphNetwork(1, operations=7, features=0, width=8, layers=4, dropout=0.0).eval()
    classes = NB201.representatives()[::50]
    scores = network(graph_batch(classes), torch.zeros(len(classes), 0))
    assert len(np.unique(scores.detach().numpy())) > 0.95 * len(classes)


def test_a_sum_over_edges_is_learned() -> None:
    predictor = Graph(members=2, layers=2, width=16, target="value")
    predictor.fit(POPULATION, CONVOLUTIONS, rng=np.random.default_rng(0))
    others = NB201.sample(500, rng=np.random.default_rng(1))
    live = np.isin(NB201.represent(others).decisions, (2, 3)).sum(axis=1)
    assert np.corrcoef(predictor.predict(others).mean, live)[0, 1] > 0.8


def test_more_labels_than_a_batch_are_learned() -> None:
    population = NB201.sample(BATCH + 44, rng=np.random.default_rng(1))
    targets = np.isin(NB201.represent(population).decisions, (2, 3)).sum(axis=1).astype(float)
    predictor = Graph(members=1, layers=1, width=8, target="value").fit(
        population, targets, rng=np.random.default_rng(0)
    )
    assert np.corrcoef(predictor.predict(population).mean, targets)[0, 1] > 0.8


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"members": 0}, "members"),
        ({"layers": 0}, "layers"),
        ({"width": 1.5}, "width"),
        ({"steps": 0}, "steps"),
        ({"dropout": 1.0}, "dropout"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"learning_rate": np.nan}, "learning_rate"),
    ],
)
def test_settings_outside_their_range_are_refused(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(SettingError, match=named):
        Graph(**settings).fit(POPULATION, CONVOLUTIONS, rng=np.random.default_rng(0))


@pytest.mark.slow
def test_78_labels_rank_the_other_half_of_nas_bench_201(real_data: Path) -> None:
    table = load_table(real_data / "nb201" / "accuracy.parquet")
    valid = table.accuracy(dataset="cifar10", split=Split.VALID)
    order = np.random.default_rng(0).permutation(len(table))
    train, held_out = order[:78], order[len(table) // 2 :]
    predictor = Graph().fit(table.population[train], valid[train], rng=np.random.default_rng(0))
    assert kendalltau(predictor.predict(table.population[held_out]).mean, valid[held_out]).statistic > 0.75
