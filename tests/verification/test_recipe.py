"""NAS-Bench-201's recipe, sentence by sentence (Dong and Yang, ICLR 2020, section 2, and their published code)."""

from __future__ import annotations

import copy
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from surrogate_nas.configuration import load
from surrogate_nas.encoding.costs import flops, parameters
from surrogate_nas.space import NB201, Population
from surrogate_nas.split import Split
from surrogate_nas.verification import learner as learners
from surrogate_nas.verification import resident, trainer
from surrogate_nas.verification.checkpoint import Checkpoint
from surrogate_nas.verification.data import ImageTask, digits
from surrogate_nas.verification.learner import Learner, Precision
from surrogate_nas.verification.network import Cell, CellNetwork, NormalisedConvolution, ReductionBlock
from surrogate_nas.verification.recipe import Recipe
from surrogate_nas.verification.resident import ResidentImages, draw_epoch
from surrogate_nas.verification.trainer import build_network, train
from tests.verification.plain import copy_weights, plain_batch, plain_losses, plain_network

RECIPE = load("recipe", "nb201")
BEST = NB201.parse("|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|")
EVERYTHING = NB201.parse(  # every operation, several of one kind leaving one node
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|skip_connect~1|+|nor_conv_1x1~0|nor_conv_1x1~1|avg_pool_3x3~2|"
)
TASK = digits(train=200, views=1)


def network(architecture: Population = BEST, **sizes: int) -> CellNetwork:
    return CellNetwork(NB201.labelled_edges(architecture), **{"classes": 10, **sizes})


def learner(recipe: Recipe, task: ImageTask = TASK, architecture: Population = BEST) -> Learner:
    torch.manual_seed(0)
    images = ResidentImages.of(task.train, task, device="cpu", padding=recipe.crop_padding)
    return Learner(build_network(architecture, task, recipe), images, recipe, precision=Precision.FP32, compiled=False)


def small(**changes: object) -> Recipe:
    return Recipe(**{"channels": 4, "cells_per_stage": 1, "batch_size": 64, **changes})  # type: ignore[arg-type]


# The network


def test_the_stem_is_a_3x3_convolution_to_16_channels_and_normalisation_without_relu() -> None:
    convolution, normalisation = network().stem
    assert (convolution.in_channels, convolution.out_channels, convolution.kernel_size) == (3, 16, (3, 3))
    assert convolution.bias is None
    assert isinstance(normalisation, nn.BatchNorm2d)
    assert (network().stem(torch.randn(2, 3, 32, 32)) < 0).any()


def test_three_stages_of_five_cells_have_16_32_and_64_channels_with_reductions_between() -> None:
    stages = list(network().stages)
    assert [type(stage) for stage in stages] == [Cell] * 5 + [ReductionBlock] + [Cell] * 5 + [ReductionBlock] + [
        Cell
    ] * 5
    seen: list[tuple[int, ...]] = []
    model = network().eval()
    for stage in model.stages:
        stage.register_forward_hook(lambda module, inputs, output: seen.append(tuple(output.shape[1:])))
    model(torch.zeros(1, 3, 32, 32))
    assert seen == [(16, 32, 32)] * 5 + [(32, 16, 16)] * 6 + [(64, 8, 8)] * 6


def test_a_reduction_is_two_convolutions_beside_a_pooled_shortcut_without_normalisation() -> None:
    block = ReductionBlock(4).eval()
    x = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    scale = 1 / math.sqrt(1 + 1e-5)  # of a fresh batch normalisation: mean 0, variance 1
    first = functional.conv2d(functional.relu(x), block.first.convolution.weight, stride=2, padding=1) * scale
    second = functional.conv2d(functional.relu(first), block.second.convolution.weight, padding=1) * scale
    shortcut = functional.conv2d(functional.avg_pool2d(x, 2), block.shortcut[1].weight)
    assert torch.allclose(block(x), second + shortcut, atol=1e-6)  # float32
    assert not any(isinstance(module, nn.BatchNorm2d) for module in block.shortcut.modules())


def test_the_head_is_normalisation_relu_global_average_and_a_linear_layer() -> None:
    model = network(channels=2, cells_per_stage=1).eval()
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    features = model.stages(model.stem(images))
    pooled = functional.relu(features / math.sqrt(1 + 1e-5)).mean(dim=(2, 3))
    assert torch.allclose(model(images), pooled @ model.classifier.weight.T + model.classifier.bias, atol=1e-6)


def test_convolutions_are_relu_convolution_normalisation_without_bias() -> None:
    block = NormalisedConvolution(4, 4, 3).eval()
    assert block.convolution.bias is None
    x = -torch.rand(1, 4, 5, 5)
    assert torch.equal(block(x), torch.zeros(1, 4, 5, 5))  # ReLU comes first


@pytest.mark.parametrize("kernel_size", [1, 3])
@pytest.mark.parametrize("outputs", [16, 48])
def test_initialisation_is_pytorchs_default_also_of_joint_convolutions(kernel_size: int, outputs: int) -> None:
    """Kaiming-uniform with a = sqrt(5): uniform within 1 / sqrt(fan-in), whatever the number of outputs."""
    torch.manual_seed(0)
    weights = torch.cat(
        [NormalisedConvolution(16, outputs, kernel_size).convolution.weight.flatten() for _ in range(20)]
    )
    bound = 1 / math.sqrt(16 * kernel_size**2)
    assert weights.abs().max() <= bound
    # A uniform variable has deviation bound / sqrt(3); that of the n >= 5,120 drawn scatters by 0.45 / sqrt(n), 0.7 %.
    assert weights.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.03)
    normalisation = NormalisedConvolution(16, outputs, kernel_size).normalisation
    assert torch.equal(normalisation.weight, torch.ones(outputs))
    assert torch.equal(normalisation.bias, torch.zeros(outputs))


# The training


def test_it_is_200_epochs_of_batches_of_256() -> None:
    assert (RECIPE.epochs, RECIPE.batch_size, RECIPE.channels, RECIPE.cells_per_stage) == (200, 256, 16, 5)


def test_it_is_stochastic_gradient_descent_with_nesterov_momentum_and_decay_of_all_parameters() -> None:
    optimiser = learner(small()).optimiser
    assert isinstance(optimiser, torch.optim.SGD)
    (group,) = optimiser.param_groups
    wanted = {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 5e-4, "dampening": 0}
    assert {name: group[name] for name in wanted} == wanted
    (learned,) = group["params"]
    assert learned.numel() >= sum(
        parameter.numel() for parameter in network(channels=4, cells_per_stage=1).parameters()
    )


@pytest.mark.parametrize("epoch", [0, 1, 100, 199])
def test_the_learning_rate_is_a_cosine_by_epoch_without_warm_up(epoch: int) -> None:
    assert RECIPE.learning_rate_at(epoch) == pytest.approx(0.05 * (1 + math.cos(math.pi * epoch / 200)))
    built = learner(small())
    built.begin_epoch(RECIPE.learning_rate_at(epoch))
    assert built.optimiser.param_groups[0]["lr"] == RECIPE.learning_rate_at(epoch)


def test_the_last_batch_is_kept_and_every_image_is_seen_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[torch.Tensor] = []
    step = Learner.step
    monkeypatch.setattr(Learner, "step", lambda self, draws: (seen.append(draws[:, 0]), step(self, draws))[1])
    train(EVERYTHING, TASK, small(epochs=1), seed=1)
    assert [len(batch) for batch in seen] == [64, 64, 64, 8]
    assert sorted(torch.cat(seen).tolist()) == list(range(200))


def test_the_loss_is_cross_entropy() -> None:
    built = learner(small())
    draws = draw_epoch(200, small(), seed=1)[:64]
    images, labels = built.images.batch(draws)
    built.begin_epoch(0.1)
    logits = built.network(images).detach()
    built.step(draws)
    by_hand = -logits.log_softmax(dim=1)[torch.arange(64), labels].mean()
    assert built.epoch_loss() * 200 / 64 == pytest.approx(by_hand.item(), rel=1e-5)  # float32


def test_the_accuracy_is_that_of_the_last_epochs_weights(tmp_path: Path) -> None:
    result = train(EVERYTHING, TASK, small(epochs=3), seed=1, checkpoint=Checkpoint(tmp_path / "c.npz"))
    built = learner(small(), architecture=EVERYTHING)
    with np.load(tmp_path / "c.npz") as file:
        built.restore({name: file[name] for name in file.files if name != "header"})
    for split in (Split.VALID, Split.TEST):
        images = ResidentImages.of(TASK.splits[split], TASK, device="cpu")
        assert trainer.measure(built.network.eval(), images, Precision.FP32) == result.accuracy[split]


def losses_of(built: Learner, recipe: Recipe, *, beside: Learner | None = None) -> tuple[list[float], list[float]]:
    """Let it learn in a hundred steps, in turn with another one; return the losses and the learning rates."""
    losses, rates = [], []
    for epoch in range(recipe.epochs):
        for draws in draw_epoch(200, recipe, seed=epoch).split(recipe.batch_size):
            built.begin_epoch(recipe.learning_rate_at(epoch))  # also forgets the loss of the last step
            built.step(draws)
            if beside is not None:
                beside.step(draws)
            losses.append(built.epoch_loss() * 200 / len(draws))
            rates.append(recipe.learning_rate_at(epoch))
    assert len(losses) == 100
    return losses, rates


def plainly_pooled(network: CellNetwork) -> None:
    """Let PyTorch pool between the stages."""
    for stage in network.stages:
        if isinstance(stage, ReductionBlock):
            stage.shortcut[0] = nn.AvgPool2d(2, stride=2, ceil_mode=True)


def batches_of(recipe: Recipe) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """The batches of the same steps, transformed image by image."""
    return [
        plain_batch(TASK, draws, recipe.crop_padding)
        for epoch in range(recipe.epochs)
        for draws in draw_epoch(200, recipe, seed=epoch).split(recipe.batch_size)
    ]


@pytest.mark.parametrize(
    "text",
    [
        EVERYTHING.text,
        BEST.text,
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|nor_conv_3x3~0|avg_pool_3x3~1|avg_pool_3x3~2|",  # three joint
        "|nor_conv_1x1~0|+|avg_pool_3x3~0|nor_conv_3x3~1|+|nor_conv_1x1~0|nor_conv_3x3~1|none~2|",  # a dead end
    ],
)
def test_a_hundred_losses_are_those_of_a_plain_loop(text: str) -> None:
    """In float32, to the last bit: such a training amplifies any rounding beyond measure within ten steps.

    The plain loop transforms images one by one and steps its parameters one by one; ours takes turns with another.
    """
    architecture, recipe = NB201.parse(text), small(epochs=25)
    built, other = learner(recipe, architecture=architecture), learner(recipe)
    plain = copy.deepcopy(built.network)
    plainly_pooled(plain)
    losses, rates = losses_of(built, recipe, beside=other)
    # The loss of an epoch is summed over its images, and divided by their number, in float32.
    assert losses == pytest.approx(plain_losses(plain, batches_of(recipe), rates), rel=3e-7)
    ours, theirs = built.network.state_dict(), plain.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_in_float64_they_are_those_of_a_network_of_a_module_an_edge_also_in_the_order_of_a_gpu(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Joint convolutions and channels_last add in another order, and no more; in float64 that stays small."""
    monkeypatch.setattr(resident, "layout", lambda device: torch.channels_last)
    monkeypatch.setattr(learners, "layout", lambda device: torch.channels_last)
    normalised = ResidentImages.normalised
    monkeypatch.setattr(ResidentImages, "normalised", lambda self, pixels: normalised(self, pixels).double())
    recipe = small(epochs=25)
    torch.manual_seed(0)
    network = build_network(EVERYTHING, TASK, recipe)
    plain = plain_network(EVERYTHING, recipe, classes=10)
    copy_weights(network, plain)
    images = ResidentImages.of(TASK.train, TASK, device="cpu", padding=recipe.crop_padding)
    built = Learner(network.double(), images, recipe, precision=Precision.FP32, compiled=False)
    losses, rates = losses_of(built, recipe)
    batches = [(pixels.double(), labels) for pixels, labels in batches_of(recipe)]
    assert losses == pytest.approx(
        plain_losses(plain.double(), batches, rates), rel=1e-6
    )  # summed in float32, as above


# The costs


def test_measured_flops_are_twice_the_published_multiply_accumulates() -> None:
    """PyTorch counts two operations a multiply-accumulate and leaves out the classifier's bias, a term a class."""
    from torch.utils.flop_counter import FlopCounterMode

    drawn = NB201.sample(50, rng=np.random.default_rng(0))
    measured = []
    for architecture in drawn:
        with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
            network(architecture).eval()(torch.empty(1, 3, 32, 32))
        measured.append(counter.get_total_flops())
    assert measured == (2 * (flops(drawn) - 10)).tolist()


def test_parameters_of_all_15625_networks_are_the_closed_form(everything: Population) -> None:
    """Parameters depend on which convolution an edge carries, if any: 729 networks stand for all 15,625.

    They are built with one cell a stage. That parameters follow the sizes is tested in ``test_network.py``, that the
    closed form gives the published values in ``tests/encoding/test_costs.py``.
    """
    kind = np.array([{"nor_conv_1x1": 1, "nor_conv_3x3": 2}.get(name, 0) for name in NB201.operations])
    kinds, first, of = np.unique(kind[everything.decisions], axis=0, return_index=True, return_inverse=True)
    assert len(kinds) == 729
    counts = []
    for architecture in everything[first]:
        with torch.device("meta"):
            model = network(architecture, cells_per_stage=1)
        counts.append(sum(parameter.numel() for parameter in model.parameters()))
    assert (np.array(counts)[of.ravel()] == parameters(everything, cells_per_stage=1)).all()
