"""Images as files: a folder for each split, in it a folder for each class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.errors import DataError
from surrogate_nas.split import Split
from surrogate_nas.verification.data import Images, ImageTask, with_validation

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".webp"}


def from_folder(path: str, *, valid_fraction: float = 0.5, seed: int = 0) -> ImageTask:
    """Return the task of ``PATH/train/CLASS/*.png`` and the like, ``PATH/test`` and, if there is one, ``PATH/valid``.

    Classes are numbered in the order of their names among the training folders. All images have one size, and are all
    grey or all coloured.

    Args:
        path: the folder.
        valid_fraction: part of the training images that validates where there is no ``valid`` folder.
        seed: of that division.

    Raises:
        DataError: a folder is missing or empty, a file is no image or unlike the others, or Pillow is missing.
    """
    root = Path(path)
    names = sorted(folder.name for folder in (root / str(Split.TRAIN)).glob("*") if folder.is_dir())
    if not names:
        raise DataError(f"{root} holds no train/CLASS folder with images.")
    splits = {split: _read(root / str(split), names) for split in (Split.TRAIN, Split.TEST)}
    if (root / str(Split.VALID)).is_dir():
        splits[Split.VALID] = _read(root / str(Split.VALID), names)
    else:
        splits = with_validation(splits, valid_fraction, seed=seed)
    return ImageTask.of(root.name, splits)


def _read(folder: Path, names: list[str]) -> Images:
    unknown = sorted({entry.name for entry in folder.glob("*") if entry.is_dir()} - set(names))
    if unknown:
        raise DataError(f"{folder / unknown[0]} is a class that has no training images; known: {', '.join(names)}.")
    pixels: list[NDArray[np.uint8]] = []
    labels: list[int] = []
    for label, name in enumerate(names):
        for file in sorted(entry for entry in (folder / name).glob("*") if entry.suffix.lower() in SUFFIXES):
            pixels.append(_pixels(file))
            labels.append(label)
            if pixels[-1].shape != pixels[0].shape:
                raise DataError(
                    f"{file} is of shape {pixels[-1].shape} (height, width, channels), the images before it of "
                    f"{pixels[0].shape}; all must be alike."
                )
    if not pixels:
        raise DataError(f"{folder} holds no images in class folders; allowed are {', '.join(sorted(SUFFIXES))}.")
    return Images(np.stack(pixels), np.array(labels, dtype=np.int64))


def _pixels(file: Path) -> NDArray[np.uint8]:
    """Return (height, width, channels) of one image: one channel if it is grey, otherwise three."""
    try:
        from PIL import Image
    except ImportError as error:
        raise DataError("reading image files needs Pillow: pip install 'surrogate-nas[images]'.") from error
    try:
        with Image.open(file) as image:
            pixels = np.asarray(image if image.mode == "L" else image.convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"{file} is no readable image ({type(error).__name__}: {error}).") from error
    return pixels if pixels.ndim == 3 else pixels[..., None]
