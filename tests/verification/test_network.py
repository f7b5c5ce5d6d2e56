"""The NAS-Bench-201 skeleton: parameters, shapes, and the cell's arithmetic."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch.nn import functional

from surrogate_nas.encoding.costs import parameters
from surrogate_nas.space import NB201, Population
from surrogate_nas.verification.network import Cell, CellNetwork, ReductionBlock


def network(architecture: Population, **sizes: int) -> CellNetwork:
    return CellNetwork(NB201.labelled_edges(architecture), **{"classes": 10, **sizes})


def count(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_parameters_of_built_networks_equal_the_closed_form() -> None:
    drawn = NB201.sample(25, rng=np.random.default_rng(0))
    assert [count(network(architecture)) for architecture in drawn] == parameters(drawn).tolist()


@pytest.mark.parametrize("sizes", [{"channels": 8, "cells_per_stage": 1}, {"classes": 100}, {"image_channels": 1}])
def test_parameters_follow_the_sizes(sizes: dict[str, int]) -> None:
    architecture = NB201.at(np.array([12345]))
    assert [count(network(architecture, **sizes))] == parameters(architecture, **sizes).tolist()


def test_parameters_are_those_of_the_published_best_cell() -> None:
    best = NB201.parse(
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|"
    )
    assert count(network(best)) == 1_073_466  # 1.073466 million in NAS-Bench-201


@pytest.mark.parametrize("size", [32, 16, 10, 7])
def test_any_image_size_gives_a_logit_a_class(size: int) -> None:
    model = network(NB201.at(np.array([9999])), channels=4, cells_per_stage=1)
    assert model(torch.zeros(2, 3, size, size)).shape == (2, 10)


def test_reduction_halves_the_resolution_and_doubles_the_channels() -> None:
    assert ReductionBlock(4)(torch.zeros(1, 4, 8, 8)).shape == (1, 8, 4, 4)


def test_cell_computes_the_sum_of_its_edges_one_by_one() -> None:
    """The joint convolutions of the cell against the same weights applied edge by edge."""
    text = "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_1x1~1|nor_conv_3x3~2|"
    edges = NB201.labelled_edges(NB201.parse(text))
    cell = Cell(edges, channels=4).eval()
    x = torch.randn(2, 4, 6, 6, generator=torch.Generator().manual_seed(0))
    values = [x, torch.zeros_like(x), torch.zeros_like(x), torch.zeros_like(x)]
    used: dict[tuple[int, str], itertools.count[int]] = {}
    for source, target, operation in edges:
        if operation == "skip_connect":
            term = values[source]
        elif operation == "avg_pool_3x3":
            term = functional.avg_pool2d(values[source], 3, 1, 1, count_include_pad=False)
        else:
            block = cell.convolutions[f"{source}_{operation}"]
            nth = next(used.setdefault((source, operation), itertools.count()))
            weight = block.convolution.weight[4 * nth : 4 * nth + 4]
            term = functional.conv2d(functional.relu(values[source]), weight, padding=weight.shape[-1] // 2)
            term = term / np.sqrt(1 + block.normalisation.eps)  # a fresh normalisation: mean 0, variance 1
        values[target] = values[target] + term
    assert torch.allclose(cell(x), values[-1], atol=1e-5)  # float32 sums in another order


def test_average_pooling_does_not_count_padding() -> None:
    pool = Cell([(0, 1, "avg_pool_3x3")], channels=1)
    assert torch.equal(pool(torch.ones(1, 1, 4, 4)), torch.ones(1, 1, 4, 4))


def test_a_cell_of_zeros_gives_zeros() -> None:
    cell = Cell(NB201.labelled_edges(NB201.at(np.array([0]))), channels=3)
    assert torch.equal(cell(torch.ones(1, 3, 4, 4)), torch.zeros(1, 3, 4, 4))


def test_joint_convolutions_are_initialised_like_separate_ones() -> None:
    """PyTorch's default bound depends on the fan-in alone: 1 / sqrt(3 * 3 * 16) for 3x3 and 16 channels."""
    edges = [(0, 1, "nor_conv_3x3"), (0, 2, "nor_conv_3x3"), (0, 3, "nor_conv_3x3")]
    torch.manual_seed(0)
    weight = Cell(edges, channels=16).convolutions["0_nor_conv_3x3"].convolution.weight
    assert weight.shape == (48, 16, 3, 3)
    assert weight.abs().max().item() == pytest.approx(1 / 12, rel=1e-2)
    assert weight.abs().max().item() <= 1 / 12
