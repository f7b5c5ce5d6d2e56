"""Train architectures for real.

Data and augmentation live on the device, nothing leaves it inside an epoch, and everything random is a function of the
seed and the epoch: on a CPU the same seed gives the same weights, whatever else runs beside it, also when the training
was interrupted and went on from a checkpoint.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from surrogate_nas.errors import DivergedError, ExhaustedError, StoppedError, TrainingError
from surrogate_nas.space.population import Population
from surrogate_nas.split import Split
from surrogate_nas.verification import checkpoint as checkpoints
from surrogate_nas.verification.checkpoint import Checkpoint, Progress
from surrogate_nas.verification.data import ImageTask
from surrogate_nas.verification.learner import Learner, Precision, arithmetic, worth_compiling
from surrogate_nas.verification.memory import bytes_needed, check_memory, reuse_memory
from surrogate_nas.verification.network import CellNetwork, cell_space
from surrogate_nas.verification.recipe import Recipe
from surrogate_nas.verification.resident import ResidentImages

EVALUATION_BATCH = 512


@dataclass(frozen=True)
class Training:
    """What one training gave.

    Attributes:
        architecture: text of the architecture.
        seed: of initialisation, order and augmentation.
        epochs: length of the training.
        accuracy: percent on each measured split, after the last epoch.
        losses: mean training loss of each epoch.
        seconds: wall time of the training, without the measuring; that of all its parts where it was interrupted.
    """

    architecture: str
    seed: int
    epochs: int
    accuracy: dict[Split, float]
    losses: tuple[float, ...]
    seconds: float


def build_network(architecture: Population, task: ImageTask, recipe: Recipe) -> CellNetwork:
    """Return the untrained network of one architecture, initialised from PyTorch's global generator."""
    return CellNetwork(
        cell_space(architecture).labelled_edges(architecture),
        classes=task.classes,
        image_channels=task.train.pixels.shape[-1],
        channels=recipe.channels,
        cells_per_stage=recipe.cells_per_stage,
    )


def train(
    architecture: Population,
    task: ImageTask,
    recipe: Recipe,
    *,
    seed: int,
    device: str = "cpu",
    precision: str = "fp32",
    compiled: bool | None = None,
    checkpoint: Checkpoint | None = None,
    stop: Callable[[], bool] | None = None,
    on_epoch: Callable[[int, float], None] | None = None,
) -> Training:
    """Train one architecture from scratch, or from its checkpoint, and measure it after the last epoch.

    Args:
        architecture: a Population of one.
        task: what to train and measure on.
        recipe: how to train.
        seed: of everything random.
        device: a torch device.
        precision: "fp32"; "tf32" for multiplications rounded to ten bits, on a GPU; "bf16" for bfloat16 activations.
        compiled: let torch.compile fuse the network's kernels, which takes a minute first; None for where it pays.
        checkpoint: where and how often the state is written, and where it is looked for; None for nowhere.
        stop: asked after each step whether to stop, for instance after a signal.
        on_epoch: called after each epoch with its number, from 0, and mean training loss.

    Raises:
        DivergedError: the loss of an epoch is not finite.
        ExhaustedError: memory is exhausted.
        StorageError: a checkpoint cannot be written.
        StoppedError: ``stop`` said so; the state is in the checkpoint, if there is one.
        CheckpointError: the checkpoint is damaged, of another run or of another version.
        SettingError: precision is unknown, or not to be had on this device.
    """
    (result,) = train_together(
        [Run(architecture, seed, checkpoint, on_epoch)],
        task,
        recipe,
        device=device,
        precision=precision,
        compiled=compiled,
        stop=stop,
    )
    if isinstance(result, TrainingError):
        raise result
    return result


@dataclass(frozen=True)
class Run:
    """One of several trainings that share a device; the attributes are those of ``train``."""

    architecture: Population
    seed: int
    checkpoint: Checkpoint | None = None
    on_epoch: Callable[[int, float], None] | None = None


def train_together(
    runs: Sequence[Run],
    task: ImageTask,
    recipe: Recipe,
    *,
    device: str = "cpu",
    precision: str = "fp32",
    compiled: bool | None = None,
    stop: Callable[[], bool] | None = None,
) -> list[Training | TrainingError]:
    """Train several architectures, or seeds of one, at the same time on one device: they take turns, step by step.

    On a GPU each has a stream of its own, so that the kernels of one fill the gaps of another; the images lie there
    once. Each gives what it gives alone, on a CPU bit for bit. One that fails does not end the others. The arguments
    beside ``runs`` are those of ``train``.

    Returns:
        A training for each run, or why it failed.

    Raises:
        ExhaustedError: they do not fit into the device's memory.
        StoppedError, CheckpointError, SettingError: as for ``train``.
    """
    chosen = Precision.of(precision, device)
    for run in runs:
        cell_space(run.architecture)
    architectures = [run.architecture for run in runs]
    check_memory(architectures, task, recipe, device)
    if torch.device(device).type == "cpu":
        reuse_memory(bytes_needed(architectures, task, recipe))
    if compiled is None:
        compiled = worth_compiling(device, recipe.epochs * (len(task.train) // recipe.batch_size))
    with arithmetic(chosen):
        images = ResidentImages.of(task.train, task, device=device, padding=recipe.crop_padding)
        turns = [
            _training(run, task, images, recipe, precision=chosen, compiled=compiled, stop=stop, sharing=len(runs))
            for run in runs
        ]
        return take_turns(turns, [(run.architecture.text, run.seed) for run in runs], device)


Result = TypeVar("Result")


def take_turns(
    turns: Sequence[Generator[None, None, Result]], names: Sequence[tuple[str, int]], device: str
) -> list[Result | TrainingError]:
    """Let generators run in turn, each on its own stream where there are streams, and return what they return.

    Args:
        turns: trainings that yield after each step.
        names: text and seed of each, for messages.
        device: where they train.

    Raises:
        StoppedError: one was asked to stop; then all have written their checkpoints.
    """
    on_gpu = torch.device(device).type == "cuda"
    streams = [torch.cuda.Stream(device) if on_gpu else None for _ in turns]
    if on_gpu:
        torch.cuda.synchronize(device)  # the images are there before another stream reads them
    results: dict[int, Result | TrainingError] = {}
    stopped: StoppedError | None = None
    while len(results) < len(turns):
        for at, (turn, stream) in enumerate(zip(turns, streams, strict=True)):
            if at in results:
                continue
            try:
                with torch.cuda.stream(stream), _memory_told(*names[at]):
                    next(turn)
            except StopIteration as end:
                results[at] = end.value
            except TrainingError as error:
                turn.close()
                results[at] = error
            except StoppedError as error:
                stopped = error
        if stopped is not None:
            raise stopped
    return [results[at] for at in range(len(turns))]


def _training(
    run: Run,
    task: ImageTask,
    images: ResidentImages,
    recipe: Recipe,
    *,
    precision: Precision,
    compiled: bool,
    stop: Callable[[], bool] | None,
    sharing: int,
) -> Generator[None, None, Training]:
    """Train one of several and measure it."""
    identity = {
        "architecture": run.architecture.text,
        "seed": run.seed,
        "recipe": asdict(recipe),
        "images": task.fingerprint if run.checkpoint else "",
        "precision": str(precision),
    }
    with seeded(run.seed):
        network = build_network(run.architecture, task, recipe)
    learner = Learner(network, images, recipe, precision=precision, compiled=compiled)
    progress = yield from learn(learner, recipe, identity, run, stop=stop, sharing=sharing)
    accuracy = measured(network.eval(), task, precision, device=str(images.device))
    return Training(run.architecture.text, run.seed, recipe.epochs, accuracy, tuple(progress.losses), progress.seconds)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Let a network be initialised from a seed, and leave PyTorch's global generator as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived(seed))
        yield


def learn(
    learner: Learner,
    recipe: Recipe,
    identity: Mapping[str, Any],
    run: Run,
    *,
    stop: Callable[[], bool] | None,
    sharing: int,
) -> Generator[None, None, Progress]:
    """Take all steps of a training, from the last checkpoint on, and yield after each.

    Args:
        learner: what learns.
        recipe: how it learns.
        identity: everything that the weights depend on, as JSON values.
        run: names, checkpoint and callback.
        stop: as for ``train``.
        sharing: how many trainings take turns; each accounts for its share of the wall time.
    """
    name, checkpoint = f"the training of {run.architecture.text} with seed {run.seed}", run.checkpoint
    saved = checkpoints.load(checkpoint.path, identity) if checkpoint else None
    progress = Progress()
    if saved is not None:
        progress, arrays = saved
        learner.restore(arrays)
    clock = [time.perf_counter()]

    def save() -> None:
        progress.seconds += _elapsed(clock) / sharing
        if checkpoint:
            checkpoints.save(checkpoint.path, identity, progress, learner.state())

    for epoch in range(progress.epoch, recipe.epochs):
        draws = learner.images.draw_epoch(recipe, seed=derived(run.seed, epoch)).to(learner.device)
        learner.begin_epoch(recipe.learning_rate_at(epoch), resumed=progress.step > 0)
        for step, batch in enumerate(draws.split(recipe.batch_size)):
            if step < progress.step:
                continue
            learner.step(batch)
            if stop is not None and stop():
                progress.step = step + 1
                save()
                where = f"; its state is in {checkpoint.path}" if checkpoint else ""
                raise StoppedError(f"{name} was stopped in epoch {epoch + 1} of {recipe.epochs}{where}.")
            yield
        loss = learner.epoch_loss()
        if not np.isfinite(loss):
            raise DivergedError(
                f"{name} diverged: loss {loss} in epoch {epoch + 1} of {recipe.epochs}. "
                f"Lower learning_rate ({recipe.learning_rate})."
            )
        progress.epoch, progress.step = epoch + 1, 0
        progress.losses.append(loss)
        if checkpoint and (progress.epoch % checkpoint.every == 0 or progress.epoch == recipe.epochs):
            save()
        if run.on_epoch is not None:
            run.on_epoch(epoch, loss)
    progress.seconds += _elapsed(clock) / sharing
    return progress


def measured(
    network: Callable[[Tensor], Tensor], task: ImageTask, precision: Precision, *, device: str
) -> dict[Split, float]:
    """Return the percent of each measured split that a network in evaluation mode labels correctly."""
    return {
        split: measure(network, ResidentImages.of(images, task, device=device), precision)
        for split, images in task.splits.items()
        if split is not Split.TRAIN
    }


@torch.no_grad()
def measure(network: Callable[[Tensor], Tensor], images: ResidentImages, precision: Precision) -> float:
    """Return the percentage of images whose highest logit is their label's."""
    correct = torch.zeros((), dtype=torch.int64, device=images.labels.device)
    for at in torch.arange(len(images), device=images.labels.device).split(EVALUATION_BATCH):
        pixels, labels = images.batch(at[:, None])
        with precision.autocast(labels.device.type):
            correct += (network(pixels).argmax(dim=1) == labels).sum()
    return 100 * float(correct) / len(images)


@contextmanager
def _memory_told(architecture: str, seed: int) -> Iterator[None]:
    """Turn the several ways in which memory is said to be exhausted into one."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:  # PyTorch raises a plain RuntimeError for the CPU's memory
        if not isinstance(error, MemoryError | torch.OutOfMemoryError) and "allocate memory" not in str(error):
            raise
        raise ExhaustedError(
            f"memory was exhausted by the training of {architecture} with seed {seed}. Train fewer at the same time "
            "(workers), or with a smaller batch_size."
        ) from error


def derived(*seeds: int) -> int:
    """Return one seed, as good as independent of those of any other sequence."""
    return int(np.random.SeedSequence(seeds).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _elapsed(clock: list[float]) -> float:
    """Return the seconds since the clock was last asked, and set it again."""
    now = time.perf_counter()
    since, clock[0] = clock[0], now
    return now - since
