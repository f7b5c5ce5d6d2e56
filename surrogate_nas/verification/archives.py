"""CIFAR-10, CIFAR-100 and ImageNet16-120 in their authors' own files, split and normalised as NAS-Bench-201 does.

Krizhevsky, "Learning multiple layers of features from tiny images" (2009); Chrabaszcz et al., "A downsampled variant of
ImageNet" (2017). Splits and statistics: Dong and Yang, "NAS-Bench-201" (ICLR 2020), section 2.2, and their published
code. The files hold pickles: they are read with an unpickler that admits plain values and arrays, and checked against
the published checksums first. Nothing of an archive is written to the disk.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import random
import tarfile
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.errors import DataError, SurrogateNASError
from surrogate_nas.split import Split
from surrogate_nas.verification.data import Images, ImageTask, read_npz

HALF = 25_000  # training images where the other half of CIFAR-10's 50,000 validates
HALVES_SEED = 1021  # of the shuffle that halves CIFAR-10 in NAS-Bench-201's published code
EVALUATION_SEED = 0  # of our own halves of a test set; NAS-Bench-201's are a list that its code does not derive
IMAGENET_CLASSES = 120
# MD5 of ImageNet16's files, as NAS-Bench-201's published code checks them.
IMAGENET16 = {
    "train_data_batch_1": "27846dcaa50de8e21a7d1a35f30f0e91",
    "train_data_batch_2": "c7254a054e0e795c69120a5727050e3f",
    "train_data_batch_3": "4333d3df2e5ffb114b05d2ffc19b1e87",
    "train_data_batch_4": "1620cdf193304f4a92677b695d70d10f",
    "train_data_batch_5": "348b3c2fdbb3940c4e9e834affd3b18d",
    "train_data_batch_6": "6e765307c242a1b3d7d5ef9139b48945",
    "train_data_batch_7": "564926d8cbf8fc4818ba23d2faac7564",
    "train_data_batch_8": "f4755871f718ccb653440b9dd0ebac66",
    "train_data_batch_9": "bb6dd660c38c58552125b1a92f86b5d4",
    "train_data_batch_10": "8f03f34ac4b42271a294f91bf480f29b",
    "val_data": "3410e3017fdaefba8d5073aaa65e4bd6",
}


@dataclass(frozen=True)
class Source:
    """An image set as its authors publish it.

    Attributes:
        name: what reports call it.
        archive: file name of the archive, which is also the end of its address.
        sha256: of the archive.
        files: names of the files in it, by split.
        label: key of the labels in each file.
        classes: number of classes.
        size: height and width of the images in pixels.
        mean, std: of the three channels, in pixel values of 0 to 255.
    """

    name: str
    archive: str
    sha256: str
    files: Mapping[Split, tuple[str, ...]]
    label: str
    classes: int
    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def task(self, splits: dict[Split, Images]) -> ImageTask:
        """Return the task of these splits, with the published statistics.

        Raises:
            DataError: the images are of another shape.
        """
        for split, images in splits.items():
            if images.pixels.shape[1:] != (self.size, self.size, 3):
                raise DataError(
                    f"images of {self.name} are {self.size} x {self.size} pixels of 3 channels, got {split} images of "
                    f"shape {images.pixels.shape[1:]}."
                )
        mean, std = (np.array(values, dtype=np.float64) / 255 for values in (self.mean, self.std))
        return ImageTask(self.name, splits, self.classes, mean.astype(np.float32), std.astype(np.float32))


ADDRESS = "https://www.cs.toronto.edu/~kriz/"
CIFAR10 = Source(
    name="cifar10",
    archive="cifar-10-python.tar.gz",
    sha256="6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    files={Split.TRAIN: tuple(f"data_batch_{part}" for part in range(1, 6)), Split.TEST: ("test_batch",)},
    label="labels",
    classes=10,
    size=32,
    mean=(125.3, 123.0, 113.9),
    std=(63.0, 62.1, 66.7),
)
CIFAR100 = Source(
    name="cifar100",
    archive="cifar-100-python.tar.gz",
    sha256="85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
    files={Split.TRAIN: ("train",), Split.TEST: ("test",)},
    label="fine_labels",
    classes=100,
    size=32,
    mean=(129.3, 124.1, 112.4),
    std=(68.2, 65.4, 70.4),
)
IMAGENET16_120 = Source(
    name="ImageNet16-120",
    archive="",
    sha256="",
    files={Split.TRAIN: tuple(IMAGENET16)[:-1], Split.TEST: tuple(IMAGENET16)[-1:]},
    label="labels",
    classes=IMAGENET_CLASSES,
    size=16,
    mean=(122.68, 116.66, 104.01),
    std=(63.22, 61.26, 65.09),
)


def cifar10(path: str | None = None, *, train: int = 50_000, sha256: str | None = CIFAR10.sha256) -> ImageTask:
    """Return CIFAR-10: trained on all 50,000 images and tested, or on 25,000, validated on the others and tested.

    Args:
        path: the official archive, the folder it was unpacked to, a Keras-style npz of the same images, or a folder
            for the archive, which is downloaded to it unless it is there; None for the user's cache folder.
        train: 50,000, or 25,000: the halves of NAS-Bench-201, which need the official order of the images.
        sha256: of the archive; None to take any.

    Raises:
        DataError: the images cannot be had, or are not CIFAR-10's.
    """
    splits = _cifar(CIFAR10, path, sha256)
    whole = splits[Split.TRAIN]
    if train == len(whole):
        return CIFAR10.task(splits)
    if train != HALF or len(whole) != 2 * HALF:
        raise DataError(
            f"CIFAR-10 is trained on all {len(whole)} images, or on {HALF} of {2 * HALF}, got train={train}."
        )
    order = list(range(2 * HALF))
    random.Random(HALVES_SEED).shuffle(order)  # noqa: S311  # not for secrets: the published halves
    halves = {Split.TRAIN: np.sort(order[:HALF]), Split.VALID: np.sort(order[HALF:])}
    return CIFAR10.task({**splits, **{split: whole[part] for split, part in halves.items()}})


def cifar100(path: str | None = None, *, sha256: str | None = CIFAR100.sha256) -> ImageTask:
    """Return CIFAR-100: trained on 50,000 images, validated and tested on two halves of the 10,000 test images.

    The halves are random, of the same size as NAS-Bench-201's but not the same images.

    Args:
        path: as for ``cifar10``.
        sha256: of the archive; None to take any.

    Raises:
        DataError: the images cannot be had, or are not CIFAR-100's.
    """
    return CIFAR100.task(_evaluation_halves(_cifar(CIFAR100, path, sha256)))


def imagenet16(path: str, *, checked: bool = True) -> ImageTask:
    """Return ImageNet16-120: the first 120 classes of ImageNet at 16x16 pixels, test images halved as for CIFAR-100.

    Args:
        path: the folder that holds the authors' eleven files, ``train_data_batch_1`` to ``10`` and ``val_data``.
        checked: compare the files with their published checksums.

    Raises:
        DataError: a file is missing, altered, or holds something else.
    """
    folder, splits = Path(path), {}
    for split, names in IMAGENET16_120.files.items():
        parts = []
        for name in names:
            content = _content(folder / name)
            if checked:
                _check(content, "md5", IMAGENET16[name], folder / name)
            parts.append(_batch(content, IMAGENET16_120.label, folder / name))
        images = _joined(parts)
        chosen = (images.labels >= 1) & (images.labels <= IMAGENET_CLASSES)  # the files count classes from 1
        splits[split] = Images(images.pixels[chosen], images.labels[chosen] - 1)
    return IMAGENET16_120.task(_evaluation_halves(splits))


def _cifar(source: Source, path: str | None, sha256: str | None) -> dict[Split, Images]:
    place = Path(path) if path is not None else _cache()
    if place.suffix == ".npz":
        return read_npz(place)
    unpacked = [
        folder for folder in (place, *place.glob("cifar-*")) if (folder / source.files[Split.TEST][0]).is_file()
    ]
    if unpacked:
        contents = {name: _content(unpacked[0] / name) for names in source.files.values() for name in names}
        return _read(source, contents, unpacked[0])
    archive = place if place.suffix in (".gz", ".tar", ".tgz") else place / source.archive
    if not archive.exists() and archive != place:
        _download(ADDRESS + source.archive, archive, sha256)
    if sha256 is not None:
        _check(_content(archive), "sha256", sha256, archive)
    return _read(source, _members(archive, {name for names in source.files.values() for name in names}), archive)


def _read(source: Source, contents: Mapping[str, bytes], path: Path) -> dict[Split, Images]:
    missing = [name for names in source.files.values() for name in names if name not in contents]
    if missing:
        raise DataError(f"{path} holds no {missing[0]}; it is not {source.name} as its authors publish it.")
    return {
        split: _joined([_batch(contents[name], source.label, path / name) for name in names])
        for split, names in source.files.items()
    }


def _members(archive: Path, wanted: set[str]) -> dict[str, bytes]:
    """Return the contents of the files of these names, after checking every name in the archive."""
    contents = {}
    with _told(archive), tarfile.open(archive) as tar:
        for member in tar:
            place = PurePosixPath(member.name)
            if place.is_absolute() or ".." in place.parts or not (member.isfile() or member.isdir()):
                raise DataError(
                    f"{archive} is refused: {member.name!r} climbs out of the archive's folder, or is no plain file. "
                    "Take the archive from its authors."
                )
            if place.name in wanted and member.isfile():
                file = tar.extractfile(member)
                contents[place.name] = file.read() if file else b""
    return contents


def _batch(content: bytes, label: str, path: Path) -> Images:
    """Return the images of one pickled batch: rows of 3 x size x size pixel values, channel by channel."""
    with _told(path):
        value = _Unpickler(content).load()
        pixels, labels = value["data"], np.asarray(value[label])
        size = round((pixels.shape[1] / 3) ** 0.5)
        if pixels.dtype != np.uint8 or labels.dtype.kind not in "iu" or len(pixels) != len(labels):
            raise ValueError(f"{pixels.dtype} pixels of shape {pixels.shape}, {labels.dtype} labels {labels.shape}")
        return Images(pixels.reshape(-1, 3, size, size).transpose(0, 2, 3, 1), labels.astype(np.int64))


def _joined(parts: list[Images]) -> Images:
    pixels = np.concatenate([part.pixels for part in parts])
    return Images(np.ascontiguousarray(pixels), np.concatenate([part.labels for part in parts]))


def _evaluation_halves(splits: dict[Split, Images]) -> dict[Split, Images]:
    """Return the splits with the test images divided at random into validation and test."""
    whole = splits[Split.TEST]
    order = np.random.default_rng(EVALUATION_SEED).permutation(len(whole))
    valid, test = (np.sort(part) for part in np.array_split(order, 2))
    return {**splits, Split.VALID: whole[valid], Split.TEST: whole[test]}


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read images from {path}: {error.strerror or error}.") from error


def _check(content: bytes, kind: str, expected: str, path: Path) -> None:
    found = hashlib.new(kind, content, usedforsecurity=False).hexdigest()
    if found != expected:
        raise DataError(
            f"{path} has the wrong checksum: {kind} {found}, expected {expected}. It is damaged or another file; "
            "take it from its authors again."
        )


def _download(address: str, path: Path, sha256: str | None) -> None:
    """Fetch an archive beside its place, check it, and rename it."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(address, timeout=60) as answer, aside.open("wb") as file:  # noqa: S310
            while chunk := answer.read(1 << 20):
                file.write(chunk)
        if sha256 is not None:
            _check(aside.read_bytes(), "sha256", sha256, Path(address))
        os.replace(aside, path)
    except OSError as error:
        raise DataError(
            f"cannot download {address} to {path}: {error}. Fetch it by other means and give its place as data.path."
        ) from error
    finally:
        aside.unlink(missing_ok=True)


def _cache() -> Path:
    try:
        from platformdirs import user_cache_path
    except ImportError as error:  # a lean training node is told where its images lie
        raise DataError("give the place of the images as data.path: the package platformdirs is missing.") from error
    return user_cache_path("surrogate_nas") / "images"


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn what damaged bytes make a reader raise into one sentence."""
    try:
        yield
    except SurrogateNASError:
        raise
    except (tarfile.TarError, OSError, EOFError, pickle.UnpicklingError, ValueError, TypeError) as error:
        raise DataError(f"{path} is not as its authors publish it ({type(error).__name__}: {error}).") from error
    except (KeyError, IndexError, AttributeError, MemoryError, OverflowError) as error:
        raise DataError(f"{path} holds no images of the expected kind ({type(error).__name__}: {error}).") from error


def _reconstruct(kind: type, shape: tuple[int, ...], code: bytes) -> NDArray[Any]:
    """Make the empty array that a pickle then fills."""
    return np.ndarray(0, dtype=np.uint8)


def _dtype(name: str, *_: object) -> np.dtype[Any]:
    """Return a dtype of plain numbers; an array of Python objects could hold anything."""
    dtype = np.dtype(name)
    if dtype.kind not in "biuf":
        raise pickle.UnpicklingError(f"an array of {dtype} holds no numbers")
    return dtype


class _Unpickler(pickle.Unpickler):
    """Reads plain values and arrays of numbers; whatever else a pickle names is refused before it is run."""

    def __init__(self, content: bytes) -> None:
        super().__init__(io.BytesIO(content), encoding="latin1")  # pickled by Python 2

    def find_class(self, module: str, name: str) -> Any:
        admitted: dict[tuple[str, str], Callable[..., Any] | type] = {
            ("numpy", "ndarray"): np.ndarray,
            ("numpy", "dtype"): _dtype,
            ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
            ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
            ("_codecs", "encode"): _encode,
        }
        if (module, name) not in admitted:
            raise DataError(f"it names {module}.{name}, which no file of images holds; nothing of it was run.")
        return admitted[module, name]


def _encode(text: str, encoding: str) -> bytes:
    """Return bytes that Python 3 pickled for Python 2."""
    return text.encode("latin1")
