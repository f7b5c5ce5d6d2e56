"""A graph network that several tasks share, with a head for each."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch_geometric.data import Batch

from surrogate_nas.encoding.graphs import graph_batch
from surrogate_nas.predictor.gradients import without_conflicts
from surrogate_nas.predictor.graph_network import GraphNetwork, MemberLinear, ranking_loss
from surrogate_nas.space import Population

BATCH = 192  # labels of a step, equally many of each task
LEAST_EPOCHS = 30  # passes over many labels, where the steps alone would be fewer
WEIGHT_DECAY = 0.01
UNCERTAINTY_RATE = 10.0  # learning rate of the uncertainties in units of the others'; they have few steps to be found


class SharedNetwork(GraphNetwork):
    """One encoder for all tasks, and for each task a linear head and an uncertainty.

    Heads start alike: each is one that all tasks share plus its own, which is zero at first, so that a task of few
    labels begins with what the others tell.

    Attributes:
        own: what each task's head adds to the shared one.
        uncertainty: (members, tasks) logarithm of the variance of each task's loss, learned with the rest.

    Shapes:
        features (n, features), output (members, n, tasks)
    """

    def __init__(
        self, members: int, operations: int, features: int, tasks: int, *, width: int, layers: int, dropout: float
    ) -> None:
        super().__init__(members, operations, features, width=width, layers=layers, dropout=dropout)
        self.own = MemberLinear(members, width, tasks)
        nn.init.zeros_(self.own.weight)
        nn.init.zeros_(self.own.bias)
        self.uncertainty = nn.Parameter(torch.zeros(members, tasks))

    def forward(self, graphs: Batch, features: Tensor) -> Tensor:
        """Return the score of each architecture in each task by each member."""
        hidden = self.encode(graphs, features)
        scores: Tensor = self.score(hidden) + self.own(hidden)
        return scores


def train(
    network: SharedNetwork,
    population: Population,
    code: Tensor,
    scores: Tensor,
    weights: Tensor,
    importance: Tensor,
    *,
    steps: int,
    learning_rate: float,
) -> None:
    """Fit the network to labels of several tasks, drawing from PyTorch's global generator.

    Every step takes equally many labels of each task, the same ones more often where there are few. The tasks' losses
    are balanced by their learned uncertainties (Kendall, Gal and Cipolla, "Multi-Task Learning Using Uncertainty to
    Weigh Losses", CVPR 2018, equation 7), times the importance that the user gives; of the encoder's gradients, what
    conflicts is taken out.

    Shapes:
        code (n, f), scores (n, tasks) with NaN where there is none, weights (members, n, tasks), importance (tasks,)
    """
    known = [torch.nonzero(torch.isfinite(task)).squeeze(1) for task in scores.T]
    most = max(len(rows) for rows in known)
    take = min(most, math.ceil(BATCH / len(known)))  # labels of each task in a step
    batches = math.ceil(most / take)  # of an epoch of the task with most labels
    total = max(math.ceil(steps / batches), LEAST_EPOCHS) * batches
    own = [*network.own.parameters(), network.uncertainty]
    shared = [parameter for parameter in network.parameters() if all(parameter is not one for one in own)]
    groups: list[dict[str, Any]] = [
        {"params": [*shared, *network.own.parameters()]},
        {"params": [network.uncertainty], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, weight_decay=WEIGHT_DECAY)
    rates = [learning_rate, UNCERTAINTY_RATE * learning_rate]
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rates, total_steps=total)
    draws = [_draws(rows, take) for rows in known]
    for _ in range(total):
        rows = [next(draw) for draw in draws]
        losses = _losses(network, population, code, scores, weights, rows)  # (members, tasks)
        balanced = importance * (torch.exp(-network.uncertainty) * losses + network.uncertainty / 2)
        optimiser.zero_grad()
        _set_gradients(balanced, shared, own)
        optimiser.step()
        schedule.step()
    network.eval()


def _losses(
    network: SharedNetwork, population: Population, code: Tensor, scores: Tensor, weights: Tensor, rows: list[Tensor]
) -> Tensor:
    """Return the (members, tasks) losses on the (take,) rows of each task; each architecture is encoded once."""
    distinct, place = torch.unique(torch.cat(rows), return_inverse=True)
    predicted = network(graph_batch(population[distinct.numpy()]), code[distinct])  # (members, distinct, tasks)
    losses = [
        ranking_loss(predicted[:, at, task], scores[own, task], weights[:, own, task])
        for task, (own, at) in enumerate(zip(rows, place.chunk(len(rows)), strict=True))
    ]
    return torch.stack(losses, dim=1)


def _set_gradients(losses: Tensor, shared: list[nn.Parameter], own: list[nn.Parameter]) -> None:
    """Set the gradients of the (members, tasks) losses: conflicts are taken out of those of the shared parameters."""
    members, tasks = losses.shape
    per_task = [
        torch.autograd.grad(losses[:, task].sum(), [*shared, *own], retain_graph=task < tasks - 1)
        for task in range(tasks)
    ]
    flat = [torch.cat([part.reshape(members, -1) for part in parts[: len(shared)]], dim=1) for parts in per_task]
    freed = without_conflicts(torch.stack(flat, dim=1))
    sizes = [parameter[0].numel() for parameter in shared]
    for parameter, gradient in zip(shared, torch.split(freed, sizes, dim=1), strict=True):
        parameter.grad = gradient.reshape(parameter.shape)
    for position, parameter in enumerate(own, start=len(shared)):
        parameter.grad = torch.stack([parts[position] for parts in per_task]).sum(dim=0)


def _draws(rows: Tensor, take: int) -> Iterator[Tensor]:
    """Yield ``take`` of the rows at a time, in random order, all of them equally often."""
    waiting = rows[:0]
    while True:
        while len(waiting) < take:
            waiting = torch.cat([waiting, rows[torch.randperm(len(rows))]])
        yield waiting[:take]
        waiting = waiting[take:]
