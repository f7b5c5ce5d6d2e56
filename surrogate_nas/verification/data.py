"""Images to train on: a task made from scikit-learn's digits, or any Keras-style npz file."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.errors import DataError
from surrogate_nas.split import Split

CHANNELS = (1, 3)  # of images in a file, grey or coloured; more would be features, or channels that come first
DIGIT_SIZE = 8  # scikit-learn's digits are 8 x 8 pixels of value 0 to 16


@dataclass(frozen=True)
class Images:
    """Labelled images.

    Attributes:
        pixels: (n, height, width, channels) uint8.
        labels: (n,) int64, from 0.
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: NDArray[np.int64]) -> Images:
        return Images(self.pixels[rows], self.labels[rows])


@dataclass(frozen=True)
class ImageTask:
    """Training, validation and test images of one classification task.

    Attributes:
        name: what reports call it.
        splits: images of each split; ``Split.TRAIN`` is trained on, the others are measured.
        classes: number of classes.
        mean, std: (channels,) of the training pixels, as fractions of 255.

    Raises:
        DataError: the splits differ in shape or from the statistics, are empty, or hold labels outside the classes.
    """

    name: str
    splits: dict[Split, Images]
    classes: int
    mean: NDArray[np.float32]
    std: NDArray[np.float32]

    def __post_init__(self) -> None:
        shape = self.train.pixels.shape[1:]
        if self.mean.shape != shape[-1:] or self.std.shape != shape[-1:]:
            raise DataError(
                f"task {self.name!r} is normalised with the statistics of {len(self.mean)} channels, got images of "
                f"shape {shape} (height, width, channels)."
            )
        for split, images in self.splits.items():
            if len(images) == 0:
                raise DataError(f"task {self.name!r} has no {split} images; give it at least one.")
            if images.pixels.shape[1:] != shape:
                raise DataError(
                    f"task {self.name!r}: {split} images are of shape {images.pixels.shape[1:]}, train images of "
                    f"{shape}; all must be alike."
                )
            if images.labels.min() < 0 or images.labels.max() >= self.classes:
                raise DataError(
                    f"task {self.name!r}: labels lie in 0 to {self.classes - 1}, got {images.labels.min()} to "
                    f"{images.labels.max()} in {split}."
                )

    @property
    def train(self) -> Images:
        """The images that are trained on."""
        return self.splits[Split.TRAIN]

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all images, labels and the normalisation; the name does not matter."""
        digest = hashlib.sha256()
        for split in sorted(self.splits):
            images = self.splits[split]
            for array in (images.pixels, images.labels):
                digest.update(f"{split} {array.dtype} {array.shape}".encode())
                digest.update(np.ascontiguousarray(array).data)
        for statistic in (self.mean, self.std):
            digest.update(statistic.tobytes())
        return digest.hexdigest()

    @classmethod
    def of(cls, name: str, splits: dict[Split, Images]) -> ImageTask:
        """Return the task with the classes, mean and deviation of its training images."""
        pixels = splits[Split.TRAIN].pixels.reshape(-1, splits[Split.TRAIN].pixels.shape[-1])
        return cls(
            name,
            splits,
            classes=int(max(images.labels.max(initial=0) for images in splits.values())) + 1,
            mean=(pixels.mean(axis=0, dtype=np.float64) / 255).astype(np.float32),
            std=(pixels.std(axis=0, dtype=np.float64) / 255).clip(1e-3).astype(np.float32),
        )


def digits(
    *,
    canvas: int = 10,
    distractors: int = 1,
    patch: int = 4,
    noise: float = 0.05,
    train: int = 2000,
    views: int = 4,
    seed: int = 0,
) -> ImageTask:
    """Return the digits task: a digit at a random place of a canvas, with patches of other digits, in two colours.

    Plain scikit-learn digits are too easy to tell cells apart. Here ink and paper have random colours, so that colour
    says nothing and contrast varies; ``benchmarks/table`` tells what else was tried and how well seeds agree. The 1,797
    base images are divided at random into 897 for training and 450 each for validation and test; no digit, and no
    distractor, crosses between them.

    Args:
        canvas: height and width of the images, in pixels.
        distractors: patches a canvas receives, each cut at a random place of a random digit of the same split.
        patch: height and width of a patch, in pixels.
        noise: standard deviation of the pixel noise, as a fraction of the ink.
        train: number of training images; every base image is rendered equally often, give or take one.
        views: renderings of each validation and test digit, so that the error of measurement is small.
        seed: of the division and the rendering; not of any training.

    Raises:
        DataError: a digit does not fit on the canvas, or a patch into a digit.
    """
    from sklearn.datasets import load_digits  # here, so that training on other data does not need scikit-learn

    if canvas < DIGIT_SIZE or not 1 <= patch <= DIGIT_SIZE:
        raise DataError(
            f"a canvas is at least {DIGIT_SIZE} pixels and a patch 1 to {DIGIT_SIZE}, got {canvas} and {patch}."
        )
    base = load_digits()
    ink, labels = (base.images / 16).astype(np.float32), base.target.astype(np.int64)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(ink))
    splits = {}
    for split, part in zip((Split.TRAIN, Split.VALID, Split.TEST), np.split(order, [897, 1347]), strict=True):
        count = train if split is Split.TRAIN else views * len(part)
        shown = np.resize(rng.permutation(len(part)), count)
        pixels = _render(ink[part], shown, canvas=canvas, distractors=distractors, patch=patch, noise=noise, rng=rng)
        splits[split] = Images(pixels, labels[part][shown])
    return ImageTask.of("digits", splits)


def digits_parity(*, train: int = 500, views: int = 4, seed: int = 0) -> ImageTask:
    """Return another task on the same kind of images: whether the digit is odd; to train beside ``digits``.

    With the same seed the base images are divided alike, so that no test image of one task trains the other.

    Args:
        train: number of training images.
        views: renderings of each validation and test digit.
        seed: of the division and the rendering.
    """
    task = digits(train=train, views=views, seed=seed)
    splits = {split: Images(images.pixels, images.labels % 2) for split, images in task.splits.items()}
    return ImageTask.of("digits-parity", splits)


def _render(
    ink: NDArray[np.float32],
    shown: NDArray[np.int64],
    *,
    canvas: int,
    distractors: int,
    patch: int,
    noise: float,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """Return (n, canvas, canvas, 3) images of the digits ``shown`` (n,) of ``ink`` (digits, 8, 8)."""
    n = len(shown)
    drawing = np.zeros((n, canvas, canvas), dtype=np.float32)
    _paste(drawing, ink[shown], rng)
    for _ in range(distractors):
        digit = rng.integers(len(ink), size=n)[:, None, None]
        rows, columns = _window(n, patch, DIGIT_SIZE, rng)
        _paste(drawing, ink[digit, rows, columns], rng)
    paper_colour, ink_colour = rng.uniform(0, 0.5, (n, 1, 1, 3)), rng.uniform(0.3, 1, (n, 1, 1, 3))
    coloured = paper_colour + drawing[..., None] * (ink_colour - paper_colour)
    coloured += rng.normal(scale=noise, size=coloured.shape)
    return (coloured * 200 + 25).round().clip(0, 255).astype(np.uint8)  # room below and above for the noise


def _window(n: int, size: int, within: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return rows (n, size, 1) and columns (n, 1, size) of n random squares inside a larger square."""
    corner = rng.integers(within - size + 1, size=(2, n, 1))
    rows, columns = corner + np.arange(size)
    return rows[:, :, None], columns[:, None, :]


def _paste(drawing: NDArray[np.float32], stamps: NDArray[np.float32], rng: np.random.Generator) -> None:
    """Lay stamps (n, s, s) over drawings (n, canvas, canvas), each at a random place; the darker ink stays."""
    n = len(drawing)
    at = (np.arange(n)[:, None, None], *_window(n, stamps.shape[-1], drawing.shape[-1], rng))
    drawing[at] = np.maximum(drawing[at], stamps)


def from_npz(path: str | Path, *, valid_fraction: float = 0.5, seed: int = 0) -> ImageTask:
    """Return the task in a Keras-style npz file.

    The file holds ``x_train`` (n, height, width[, channels]) uint8 and ``y_train`` (n,) or (n, 1) integers, the same
    for ``test``, and may hold ``valid``; where it does not, a random part of the training images becomes the validation
    split.

    Raises:
        DataError: the file is unreadable, an array is missing, or one has another shape or dtype.
    """
    path = Path(path)
    splits = read_npz(path)
    if Split.VALID not in splits:
        splits = with_validation(splits, valid_fraction, seed=seed)
    return ImageTask.of(path.stem, splits)


def read_npz(path: Path) -> dict[Split, Images]:
    """Return the training, test and, where there are some, validation images of a Keras-style npz file.

    Raises:
        DataError: the file is unreadable, an array is missing, or one has another shape or dtype.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile) as error:  # TypeError: a bare npy file
        raise DataError(f"cannot read images from {path}: {error}. Expected a Keras-style npz file.") from error
    wanted = [Split.TRAIN, Split.TEST] + ([Split.VALID] if "x_valid" in arrays else [])
    return {split: _images(arrays, split, path) for split in wanted}


def with_validation(splits: dict[Split, Images], fraction: float, *, seed: int) -> dict[Split, Images]:
    """Return the splits with a random part of the training images as validation split."""
    whole = splits[Split.TRAIN]
    held = round(len(whole) * fraction)
    order = np.random.default_rng(seed).permutation(len(whole))
    return {**splits, Split.TRAIN: whole[order[held:]], Split.VALID: whole[order[:held]]}


def _images(arrays: dict[str, NDArray[np.generic]], split: Split, path: Path) -> Images:
    for name in (f"x_{split}", f"y_{split}"):
        if name not in arrays:
            raise DataError(f"{path} holds {', '.join(sorted(arrays)) or 'nothing'}, but no {name}.")
    pixels, labels = arrays[f"x_{split}"], arrays[f"y_{split}"]
    if pixels.dtype != np.uint8 or pixels.ndim not in (3, 4):
        raise DataError(
            f"x_{split} of {path} must be uint8 of shape (n, height, width) or (n, height, width, channels), "
            f"got {pixels.dtype} of shape {pixels.shape}."
        )
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if not np.issubdtype(labels.dtype, np.integer) or labels.shape != pixels.shape[:1]:
        raise DataError(
            f"y_{split} of {path} must be {len(pixels)} integers, got {labels.dtype} of shape {labels.shape}."
        )
    images = pixels.astype(np.uint8, copy=False)
    images = images if images.ndim == 4 else images[..., None]
    if images.shape[-1] not in CHANNELS or 0 in images.shape[1:]:
        raise DataError(
            f"x_{split} of {path} must hold grey or coloured images, of 1 or 3 channels, which come last; got shape "
            f"{pixels.shape}."
        )
    return Images(images, labels.astype(np.int64))
