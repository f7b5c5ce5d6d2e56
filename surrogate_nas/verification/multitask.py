"""One network for several tasks: a cell-based trunk with a linear head for each.

Losses of different scale are balanced by learned uncertainties (Kendall, Gal and Cipolla, "Multi-task learning using
uncertainty to weigh losses", CVPR 2018, section 3.2) times the user's weights. Every step takes equally many images of
each task, so that a large data set does not drown a small one: an epoch passes once over the largest task, and the
others begin again in a new order as often as it takes. The images of a step go through the trunk together, so that its
normalisation sees all tasks, as it will when it is measured.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from surrogate_nas.errors import DataError, SettingError, TrainingError
from surrogate_nas.space.population import Population
from surrogate_nas.split import Split
from surrogate_nas.verification.data import ImageTask
from surrogate_nas.verification.learner import Learner, Precision, arithmetic
from surrogate_nas.verification.network import LabelledEdge, Trunk, cell_space
from surrogate_nas.verification.recipe import Recipe
from surrogate_nas.verification.resident import ResidentImages, draw_epoch, layout
from surrogate_nas.verification.trainer import Run, derived, learn, measured, seeded, take_turns

Tasks = Mapping[str, ImageTask]


@dataclass(frozen=True)
class JointTraining:
    """What one training for several tasks gave.

    Attributes:
        architecture: text of the architecture.
        seed: of initialisation, order and augmentation.
        epochs: length of the training, in passes over the largest task.
        accuracy: percent on each measured split of each task, after the last epoch.
        balance: what the loss of each task was multiplied with in the end, the user's weight included.
        losses: mean training loss of each epoch, balanced.
        seconds: wall time of the training, without the measuring.
    """

    architecture: str
    seed: int
    epochs: int
    accuracy: dict[str, dict[Split, float]]
    balance: dict[str, float]
    losses: tuple[float, ...]
    seconds: float


class JointNetwork(Trunk):
    """A trunk with a linear head for each task, and the logarithm of each task's variance.

    Args:
        edges: the cell's (source node, target node, operation) triples.
        classes: of each task.
        weights: the user's weight of each task.
        sizes: as for ``Trunk``.
    """

    undecayed = ("log_variances",)  # weight decay would pull all variances to one

    def __init__(
        self, edges: Sequence[LabelledEdge], *, classes: Sequence[int], weights: Sequence[float], **sizes: int
    ) -> None:
        super().__init__(edges, **sizes)
        self.heads = nn.ModuleList(nn.Linear(self.width, count) for count in classes)
        self.log_variances = nn.Parameter(torch.zeros(len(classes)))
        self.weights = tuple(weights)

    def loss(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return the balanced mean cross-entropy.

        With s the logarithm of a task's variance, its cross-entropy L enters as w (exp(-s) L + s / 2).

        Shapes:
            images (tasks * b, channels, height, width) and labels (tasks * b,), task after task
        """
        features = self.features(images).chunk(len(self.heads))
        total = torch.zeros((), device=images.device)
        for head, part, truth, weight, s in zip(
            self.heads, features, labels.chunk(len(self.heads)), self.weights, self.log_variances, strict=True
        ):
            total = total + weight * (torch.exp(-s) * functional.cross_entropy(head(part), truth) + s / 2)
        return total

    def logits(self, task: int) -> Callable[[Tensor], Tensor]:
        """Return the function from images to the logits of one task."""
        return lambda images: self.heads[task](self.features(images))

    def balance(self) -> list[float]:
        """Return what the loss of each task is multiplied with."""
        return [weight * math.exp(-s) for weight, s in zip(self.weights, self.log_variances.tolist(), strict=True)]


@dataclass(frozen=True)
class JointImages:
    """The training images of several tasks on one device; an example is one image of each."""

    parts: tuple[ResidentImages, ...]

    def __len__(self) -> int:
        return max(len(part) for part in self.parts)

    @property
    def device(self) -> torch.device:
        """Where the images lie."""
        return self.parts[0].device

    def draw_epoch(self, recipe: Recipe, *, seed: int) -> Tensor:
        """Return (n, tasks, 4 or 1): an image of each task for each of the n images of the largest one."""
        columns = []
        for number, part in enumerate(self.parts):
            rounds = -(-len(self) // len(part))
            drawn = [draw_epoch(len(part), recipe, seed=derived(seed, number, turn)) for turn in range(rounds)]
            columns.append(torch.cat(drawn)[: len(self)])
        return torch.stack(columns, dim=1)

    def batch(self, draws: Tensor) -> tuple[Tensor, Tensor]:
        """Return images (tasks * b, channels, height, width) and labels (tasks * b,), task after task."""
        batches = [part.batch(draws[:, number]) for number, part in enumerate(self.parts)]
        pixels = torch.cat([pixels for pixels, _ in batches])
        return pixels.contiguous(memory_format=layout(self.device)), torch.cat([labels for _, labels in batches])


def train_jointly(
    architecture: Population,
    tasks: Tasks,
    recipe: Recipe,
    *,
    seed: int,
    weights: Sequence[float] | None = None,
    device: str = "cpu",
    precision: str = "fp32",
    run: Run | None = None,
    stop: Callable[[], bool] | None = None,
) -> JointTraining:
    """Train one network for several tasks, and measure it on each after the last epoch.

    A step takes ``recipe.batch_size`` images, as many of each task.

    Args:
        architecture: a Population of one.
        tasks: at least two, by name, with images of one shape.
        recipe: how to train.
        seed: of everything random.
        weights: of the tasks' losses, in their order, on top of the learned ones; None for ones.
        device: a torch device.
        precision: of the arithmetic.
        stop: asked after each step whether to stop.
        run: checkpoint and callback, where there are any.

    Raises:
        DataError: the images of the tasks are not of one shape.
        SettingError: there are fewer than two tasks, the weights are not positive numbers, one a task, or a batch does
            not hold two images of each.
        DivergedError, ExhaustedError, StorageError, StoppedError, CheckpointError: as for ``train``.
    """
    _check(tasks, recipe, weights)
    chosen = Precision.of(precision, device)
    share = replace(recipe, batch_size=recipe.batch_size // len(tasks))
    with arithmetic(chosen):
        turn = _joint_training(
            run or Run(architecture, seed), tasks, share, tuple(weights or [1.0] * len(tasks)), chosen, device, stop
        )
        (result,) = take_turns([turn], [(architecture.text, seed)], device)
    if isinstance(result, TrainingError):
        raise result
    return result


def _joint_training(
    run: Run,
    tasks: Tasks,
    recipe: Recipe,
    weights: tuple[float, ...],
    precision: Precision,
    device: str,
    stop: Callable[[], bool] | None,
) -> Generator[None, None, JointTraining]:
    padding = recipe.crop_padding
    images = JointImages(
        tuple(ResidentImages.of(task.train, task, device=device, padding=padding) for task in tasks.values())
    )
    with seeded(run.seed):
        network = JointNetwork(
            cell_space(run.architecture).labelled_edges(run.architecture),
            classes=[task.classes for task in tasks.values()],
            weights=weights,
            image_channels=images.parts[0].pixels.shape[-1],
            channels=recipe.channels,
            cells_per_stage=recipe.cells_per_stage,
        )
    learner = Learner(network, images, recipe, precision=precision, compiled=False)
    identity = {
        "architecture": run.architecture.text,
        "seed": run.seed,
        "recipe": asdict(recipe),
        "images": [task.fingerprint for task in tasks.values()] if run.checkpoint else [],
        "weights": list(weights),
        "precision": str(precision),
    }
    progress = yield from learn(learner, recipe, identity, run, stop=stop, sharing=1)
    network.eval()
    accuracy = {
        name: measured(network.logits(number), task, precision, device=device)
        for number, (name, task) in enumerate(tasks.items())
    }
    balance = dict(zip(tasks, network.balance(), strict=True))
    losses = tuple(progress.losses)
    return JointTraining(run.architecture.text, run.seed, recipe.epochs, accuracy, balance, losses, progress.seconds)


def _check(tasks: Tasks, recipe: Recipe, weights: Sequence[float] | None) -> None:
    if len(tasks) < 2:
        raise SettingError(f"several tasks are at least two, got {list(tasks)}; a single one is data=NAME.")
    if weights is not None and (
        len(weights) != len(tasks) or not all(math.isfinite(weight) and weight > 0 for weight in weights)
    ):
        raise SettingError(f"task_weights must be {len(tasks)} positive numbers, one a task, got {list(weights)}.")
    if recipe.batch_size < 2 * len(tasks):
        raise SettingError(
            f"a batch must hold two images of each of {len(tasks)} tasks, got batch_size={recipe.batch_size}."
        )
    shapes = {name: task.train.pixels.shape[1:] for name, task in tasks.items()}
    if len(set(shapes.values())) > 1:
        raise DataError(
            f"tasks that share a trunk need images of one shape (height, width, channels), got "
            f"{', '.join(f'{name} {shape}' for name, shape in shapes.items())}."
        )
