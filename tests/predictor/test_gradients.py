"""Gradients that do not harm one another."""

from __future__ import annotations

import pytest
import torch

from surrogate_nas.predictor.gradients import without_conflicts


def test_two_that_conflict_lose_what_opposes_by_hand() -> None:
    # g1 = (1, 0) and g2 = (-1, 1): g1 loses -1/2 of g2, which makes (1/2, 1/2); g2 loses -g1, which makes (0, 1).
    freed = without_conflicts(torch.tensor([[[1.0, 0.0], [-1.0, 1.0]]]))
    assert freed.tolist() == [pytest.approx([0.5, 1.5])]


def test_what_agrees_is_added() -> None:
    assert without_conflicts(torch.tensor([[[1.0, 0.0], [1.0, 2.0]]])).tolist() == [[2, 2]]


def test_members_are_apart() -> None:
    one, other = torch.randn(2, 1, 2, 5, generator=torch.Generator().manual_seed(0))
    both = without_conflicts(torch.cat([one, other]))
    assert torch.allclose(both, torch.cat([without_conflicts(one), without_conflicts(other)]))


def test_three_are_freed_one_after_the_other_as_the_paper_says() -> None:
    gradients = torch.randn(1, 3, 4, generator=torch.Generator().manual_seed(4))
    torch.manual_seed(1)
    freed = without_conflicts(gradients)[0]
    torch.manual_seed(1)
    total = torch.zeros(4)
    for task in range(3):
        left = gradients[0, task].clone()
        for other in torch.randperm(3).tolist():
            against = gradients[0, other]
            if other != task and left @ against < 0:
                left = left - (left @ against) / (against @ against) * against
        total += left
    assert torch.allclose(freed, total, atol=1e-6)
    assert not torch.allclose(freed, gradients[0].sum(dim=0))


def test_a_task_without_a_gradient_changes_nothing() -> None:
    assert without_conflicts(torch.tensor([[[1.0, 2.0], [0.0, 0.0]]])).tolist() == [[1, 2]]
