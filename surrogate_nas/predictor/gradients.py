"""Gradients of several tasks, without what in each of them harms another."""

from __future__ import annotations

import torch
from torch import Tensor


def without_conflicts(gradients: Tensor) -> Tensor:
    r"""Return the sum of the tasks' gradients, each freed of what opposes another's.

    Where two conflict, :math:`g_i \cdot g_j < 0`, the former loses its projection onto the latter,

    .. math:: g_i \leftarrow g_i - \frac{g_i \cdot g_j}{\lVert g_j \rVert^2} g_j,

    one other task after the other, in random order from PyTorch's generator (PCGrad: Yu et al., "Gradient Surgery for
    Multi-Task Learning", NeurIPS 2020, algorithm 1). Each stays a combination of all, so products of pairs suffice.

    Shapes:
        gradients (members, tasks, parameters), output (members, parameters)
    """
    count = gradients.shape[1]
    products = gradients @ gradients.mT  # (members, tasks, tasks)
    squares = products.diagonal(dim1=1, dim2=2).clamp(min=1e-12)  # (members, tasks)
    shares = torch.eye(count).repeat(len(gradients), 1, 1)  # (members, tasks, tasks), of each in each freed one
    for task in range(count):
        for other in torch.randperm(count).tolist():
            if other != task:
                along = (shares[:, task] * products[:, :, other]).sum(dim=1)  # (members,)
                shares[:, task, other] -= along.clamp(max=0) / squares[:, other]
    return (shares.sum(dim=1, keepdim=True) @ gradients).squeeze(1)
