"""The network that tasks share, and its training."""

from __future__ import annotations

import numpy as np
import torch

from surrogate_nas.encoding.graphs import graph_batch
from surrogate_nas.predictor.shared_network import SharedNetwork, _draws, _losses, _set_gradients, train
from surrogate_nas.space import NB201

POPULATION = NB201.sample(40, rng=np.random.default_rng(0))
CONVOLUTIONS = torch.from_numpy((NB201.represent(POPULATION).decisions == 3).sum(axis=1)).float()
CODE = torch.randn(40, 3, generator=torch.Generator().manual_seed(0))


def network(tasks: int = 2) -> SharedNetwork:
    torch.manual_seed(0)
    operations = len(POPULATION.space.graphs(POPULATION[:1]).names)
    return SharedNetwork(2, operations, 3, tasks, width=8, layers=1, dropout=0.0)


def test_heads_start_alike() -> None:
    scores = network(3)(graph_batch(POPULATION), CODE)
    assert scores.shape == (2, 40, 3)
    assert torch.equal(scores[:, :, 0], scores[:, :, 2])


def test_every_label_of_a_task_is_drawn_equally_often() -> None:
    torch.manual_seed(0)
    rows = torch.tensor([3, 5, 8])
    draws = _draws(rows, 7)
    counts = torch.bincount(torch.cat([next(draws) for _ in range(6)]))
    assert counts[rows].tolist() == [14, 14, 14]


def test_a_task_that_cannot_be_learned_gets_a_greater_uncertainty() -> None:
    noise = CONVOLUTIONS[torch.randperm(40, generator=torch.Generator().manual_seed(1))]
    scores = torch.stack([CONVOLUTIONS, noise], dim=1)
    scores = (scores - scores.mean(dim=0)) / scores.std(dim=0)
    fitted = network()
    train(
        fitted, POPULATION, CODE, scores, torch.ones(2, 40, 2), torch.ones(2), steps=80, learning_rate=1e-2
    )  # fmt: skip
    uncertainty = fitted.uncertainty.detach().mean(dim=0)
    assert uncertainty[1] > uncertainty[0] + 0.3


def test_labels_of_one_task_move_no_other_head() -> None:
    # One task's labels alone: its head moves, the other's stays as it was.
    scores = torch.stack([CONVOLUTIONS, torch.full((40,), torch.nan)], dim=1)
    fitted = network()
    rows = [torch.arange(40), torch.arange(0)]
    losses = _losses(fitted, POPULATION, CODE, scores, torch.ones(2, 40, 2), rows[:1])
    assert losses.shape == (2, 1)
    own = [*fitted.own.parameters(), fitted.uncertainty]
    shared = [parameter for parameter in fitted.parameters() if all(parameter is not one for one in own)]
    _set_gradients(losses + 0 * fitted.uncertainty[:, :1], shared, own)
    assert fitted.own.weight.grad is not None
    assert fitted.own.weight.grad[:, :, 1].abs().sum() == 0
    assert fitted.own.weight.grad[:, :, 0].abs().sum() > 0


def test_gradients_of_tasks_that_agree_are_those_of_their_sum() -> None:
    scores = torch.stack([CONVOLUTIONS, CONVOLUTIONS], dim=1)
    rows = [torch.arange(40)] * 2
    surgical, plain = network(), network()
    own = [*surgical.own.parameters(), surgical.uncertainty]
    shared = [parameter for parameter in surgical.parameters() if all(parameter is not one for one in own)]
    losses = _losses(surgical, POPULATION, CODE, scores, torch.ones(2, 40, 2), rows) + 0 * surgical.uncertainty
    _set_gradients(losses, shared, own)
    _losses(plain, POPULATION, CODE, scores, torch.ones(2, 40, 2), rows).sum().backward()
    assert surgical.embedding.grad is not None
    assert plain.embedding.grad is not None
    assert torch.allclose(surgical.embedding.grad, plain.embedding.grad, atol=1e-6)
