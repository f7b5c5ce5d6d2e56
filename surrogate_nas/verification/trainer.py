"""Train architectures for real.

Data and augmentation live on the device, nothing leaves it inside an epoch, and everything random is a function of the
seed and the epoch: on a CPU the same seed gives the same weights, whatever else runs beside it, also when the training
was interrupted and went on from a checkpoint.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import numpy as np
import torch

from surrogate_nas.errors import DivergedError, ExhaustedError, SettingError, StoppedError
from surrogate_nas.space.cell import CellSpace
from surrogate_nas.space.population import Population
from surrogate_nas.split import Split
from surrogate_nas.verification import checkpoint as checkpoints
from surrogate_nas.verification.checkpoint import Checkpoint, Progress
from surrogate_nas.verification.data import ImageTask
from surrogate_nas.verification.learner import Learner, Precision, arithmetic
from surrogate_nas.verification.network import CellNetwork
from surrogate_nas.verification.recipe import Recipe
from surrogate_nas.verification.resident import ResidentImages, draw_epoch

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
    space = architecture.space
    if not isinstance(space, CellSpace):
        raise SettingError(f"only cells can be trained, got an architecture of space {space.name!r}.")
    return CellNetwork(
        space.labelled_edges(architecture),
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
    compiled: bool = False,
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
        compiled: let torch.compile fuse the network's kernels, which takes a minute first.
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
    with arithmetic(Precision.of(precision, device)), memory_told(architecture.text, seed):
        steps = _training(
            architecture,
            task,
            ResidentImages.of(task.train, task, device=device, padding=recipe.crop_padding),
            recipe,
            seed=seed,
            precision=Precision(precision),
            compiled=compiled,
            checkpoint=checkpoint,
            stop=stop,
            on_epoch=on_epoch,
        )
        while True:
            try:
                next(steps)
            except StopIteration as end:
                result: Training = end.value
                return result


def _training(
    architecture: Population,
    task: ImageTask,
    images: ResidentImages,
    recipe: Recipe,
    *,
    seed: int,
    precision: Precision,
    compiled: bool,
    checkpoint: Checkpoint | None,
    stop: Callable[[], bool] | None,
    on_epoch: Callable[[int, float], None] | None,
    sharing: int = 1,
) -> Generator[None, None, Training]:
    """Train step by step, so that several trainings can take turns.

    The arguments are those of ``train``; ``images`` are the training images on the device, and of ``sharing`` trainings
    that take turns each accounts for its share of the wall time.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_derived(seed))
        network = build_network(architecture, task, recipe)
    learner = Learner(network, images, recipe, precision=precision, compiled=compiled)
    identity = {
        "architecture": architecture.text,
        "seed": seed,
        "recipe": asdict(recipe),
        "images": task.fingerprint if checkpoint else "",
        "precision": str(precision),
    }
    saved = checkpoints.load(checkpoint.path, identity) if checkpoint else None
    progress = Progress()
    if saved is not None:
        progress, arrays = saved
        learner.restore(arrays)

    def save() -> None:
        if checkpoint:
            progress.seconds += _elapsed(clock) / sharing
            checkpoints.save(checkpoint.path, identity, progress, learner.state())

    clock = [time.perf_counter()]
    for epoch in range(progress.epoch, recipe.epochs):
        draws = draw_epoch(len(images), recipe, seed=_derived(seed, epoch)).to(images.labels.device)
        learner.begin_epoch(recipe.learning_rate_at(epoch), resumed=progress.step > 0)
        for step, batch in enumerate(draws.split(recipe.batch_size)):
            if step < progress.step:
                continue
            learner.step(batch)
            if stop is not None and stop():
                progress.step = step + 1
                save()
                where = f"; its state is in {checkpoint.path}" if checkpoint else ""
                raise StoppedError(
                    f"the training of {architecture.text} with seed {seed} was stopped in epoch {epoch + 1} of "
                    f"{recipe.epochs}{where}."
                )
            yield
        loss = learner.epoch_loss()
        if not np.isfinite(loss):
            raise DivergedError(
                f"the training of {architecture.text} with seed {seed} diverged: loss {loss} in epoch {epoch + 1} of "
                f"{recipe.epochs}. Lower learning_rate ({recipe.learning_rate})."
            )
        progress.epoch, progress.step = epoch + 1, 0
        progress.losses.append(loss)
        if checkpoint and (progress.epoch % checkpoint.every == 0 or progress.epoch == recipe.epochs):
            save()
        if on_epoch is not None:
            on_epoch(epoch, loss)
    progress.seconds += _elapsed(clock) / sharing
    accuracy: dict[Split, float] = {
        split: measure(network, ResidentImages.of(part, task, device=str(images.labels.device)), precision)
        for split, part in task.splits.items()
        if split is not Split.TRAIN
    }
    return Training(architecture.text, seed, recipe.epochs, accuracy, tuple(progress.losses), progress.seconds)


@torch.no_grad()
def measure(network: CellNetwork, images: ResidentImages, precision: Precision) -> float:
    """Return the percentage of images whose highest logit is their label's."""
    network.eval()
    correct = torch.zeros((), dtype=torch.int64, device=images.labels.device)
    for at in torch.arange(len(images), device=images.labels.device).split(EVALUATION_BATCH):
        pixels, labels = images.batch(at[:, None])
        with precision.autocast(labels.device.type):
            correct += (network(pixels).argmax(dim=1) == labels).sum()
    return 100 * float(correct) / len(images)


@contextmanager
def memory_told(architecture: str, seed: int) -> Iterator[None]:
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


def _derived(*seeds: int) -> int:
    """Return one seed, as good as independent of those of any other sequence."""
    return int(np.random.SeedSequence(seeds).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _elapsed(clock: list[float]) -> float:
    """Return the seconds since the clock was last asked, and set it again."""
    now = time.perf_counter()
    since, clock[0] = clock[0], now
    return now - since
