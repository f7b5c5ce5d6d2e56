"""CIFAR and ImageNet16 files: read as their authors publish them, and refused when they are anything else."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from surrogate_nas.configuration import load
from surrogate_nas.errors import DataError
from surrogate_nas.split import Split
from surrogate_nas.verification import archives
from surrogate_nas.verification.archives import CIFAR10, CIFAR100, cifar10, cifar100, imagenet16


def batch(seed: int, count: int, *, label: str = "labels", classes: int = 10, size: int = 32, least: int = 0) -> bytes:
    """Return a pickle of random images, laid out as the authors' files are."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(256, size=(count, 3 * size * size), dtype=np.uint8)
    labels = rng.integers(least, classes + least, size=count).tolist()
    return pickle.dumps({"data": pixels, label: labels, "batch_label": "invented"}, protocol=2)


def archive(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


@pytest.fixture
def small_cifar10(tmp_path: Path) -> Path:
    names = [f"data_batch_{part}" for part in range(1, 6)] + ["test_batch"]
    members = {f"cifar-10-batches-py/{name}": batch(seed, 4) for seed, name in enumerate(names)}
    return archive(tmp_path / "cifar-10-python.tar.gz", {"cifar-10-batches-py/batches.meta": b"ignored", **members})


def test_pixels_are_unfolded_channel_by_channel_in_the_order_of_the_batches(small_cifar10: Path) -> None:
    task = cifar10(str(small_cifar10), train=20, sha256=None)
    raw = pickle.loads(batch(1, 4))
    assert task.train.pixels.shape == (20, 32, 32, 3)
    assert (task.train.pixels[5, 2, 7] == raw["data"][1].reshape(3, 32, 32)[:, 2, 7]).all()
    assert task.train.labels[4:8].tolist() == raw["labels"]
    assert set(task.splits) == {Split.TRAIN, Split.TEST}


def test_the_unpacked_folder_and_its_parent_serve_as_well(small_cifar10: Path, tmp_path: Path) -> None:
    with tarfile.open(small_cifar10) as tar:
        tar.extraction_filter = getattr(tarfile, "data_filter", None)  # new in Python 3.11.4
        tar.extractall(tmp_path / "unpacked")
    packed = cifar10(str(small_cifar10), train=20, sha256=None)
    for place in ("unpacked", "unpacked/cifar-10-batches-py"):
        assert cifar10(str(tmp_path / place), train=20).fingerprint == packed.fingerprint


def test_statistics_are_the_published_ones_whatever_the_images(small_cifar10: Path) -> None:
    task = cifar10(str(small_cifar10), train=20, sha256=None)
    assert task.mean * 255 == pytest.approx([125.3, 123.0, 113.9])
    assert task.std * 255 == pytest.approx([63.0, 62.1, 66.7])


def test_the_halves_of_cifar10_are_those_of_nas_bench_201(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The published code asserts these places of its two lists."""
    number = np.arange(50_000)
    pixels = np.zeros((50_000, 1, 1, 3), dtype=np.uint8)
    pixels[:, 0, 0, :2] = np.stack([number // 256, number % 256], axis=1)  # each image tells its own position
    np.savez(tmp_path / "i.npz", x_train=pixels, y_train=number % 10, x_test=pixels[:9], y_test=number[:9])
    monkeypatch.setattr(archives, "CIFAR10", replace(CIFAR10, size=1))
    task = cifar10(str(tmp_path / "i.npz"), train=25_000)
    places = {split: part.pixels[:, 0, 0, :2] @ np.array([256, 1]) for split, part in task.splits.items()}
    assert places[Split.TRAIN][[0, 10, 111]].tolist() == [0, 26, 203]
    assert places[Split.VALID][[0, 10, 111]].tolist() == [1, 18, 242]
    assert sorted([*places[Split.TRAIN], *places[Split.VALID]]) == number.tolist()


def test_cifar100_has_fine_labels_and_halves_its_test_images(tmp_path: Path) -> None:
    members = {name: batch(seed, 30, label="fine_labels", classes=100) for seed, name in enumerate(("train", "test"))}
    path = archive(tmp_path / "c.tar.gz", {f"cifar-100-python/{name}": part for name, part in members.items()})
    task = cifar100(str(path), sha256=None)
    assert {split: len(part) for split, part in task.splits.items()} == {
        Split.TRAIN: 30,
        Split.VALID: 15,
        Split.TEST: 15,
    }
    assert task.classes == 100
    both = np.concatenate([task.splits[split].pixels for split in (Split.VALID, Split.TEST)])
    assert len(np.unique(both.reshape(30, -1), axis=0)) == 30  # no test image is in both halves


def test_imagenet16_120_keeps_the_first_120_classes_counted_from_1(tmp_path: Path) -> None:
    for seed, name in enumerate(archives.IMAGENET16):
        (tmp_path / name).write_bytes(batch(seed, 50, classes=200, size=16, least=1))
    task = imagenet16(str(tmp_path), checked=False)
    labels = [
        label for seed in range(10) for label in pickle.loads(batch(seed, 50, classes=200, size=16, least=1))["labels"]
    ]
    assert task.train.labels.tolist() == [label - 1 for label in labels if label <= 120]
    assert task.train.pixels.shape[1:] == (16, 16, 3)
    with pytest.raises(DataError, match=r"train_data_batch_1 has the wrong checksum: md5 .* take it from its authors"):
        imagenet16(str(tmp_path))


def test_a_wrong_checksum_is_told(small_cifar10: Path) -> None:
    with pytest.raises(DataError, match=f"wrong checksum: sha256 [0-9a-f]{{64}}, expected {CIFAR10.sha256}"):
        cifar10(str(small_cifar10))


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", "cifar-10-batches-py/../../outside"])
def test_a_path_that_climbs_out_is_refused(name: str, tmp_path: Path) -> None:
    path = archive(tmp_path / "a.tar.gz", {name: b"content"})
    with pytest.raises(DataError, match="climbs out of the archive's folder"):
        cifar10(str(path), sha256=None)
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_in_an_archive_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        link = tarfile.TarInfo("cifar-10-batches-py/test_batch")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with pytest.raises(DataError, match="is no plain file"):
        cifar10(str(tmp_path / "a.tar.gz"), sha256=None)


class Trap:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("trapped",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            pickle.dumps({"data": Trap(), "labels": []}, protocol=2),
            "names (posix|nt).mkdir, .* nothing of it was run",
        ),
        (pickle.dumps({"data": np.array([Trap()], dtype=object), "labels": [1]}, protocol=2), "holds no numbers|mkdir"),
        (pickle.dumps({"labels": []}, protocol=2), "holds no images of the expected kind"),
        (pickle.dumps({"data": np.zeros((2, 3072)), "labels": [0, 1]}, protocol=2), "float64 pixels"),
        (
            pickle.dumps({"data": np.zeros((2, 3072), np.uint8), "labels": [0]}, protocol=2),
            "not as its authors publish",
        ),
        (pickle.dumps({"data": np.zeros((2, 3071), np.uint8), "labels": [0, 1]}, protocol=2), "not as its authors"),
        (b"", "not as its authors publish it"),
        (batch(0, 2)[:-100], "not as its authors publish it|of the expected kind"),
    ],
)
def test_batches_that_are_no_images_are_refused(
    content: bytes, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = [name for names in CIFAR10.files.values() for name in names]
    path = archive(tmp_path / "a.tar.gz", dict.fromkeys(names, content))
    with pytest.raises(DataError, match=message):
        cifar10(str(path), sha256=None)
    assert not Path("trapped").exists()


def test_labels_outside_the_classes_are_refused(tmp_path: Path) -> None:
    names = [name for names in CIFAR10.files.values() for name in names]
    path = archive(tmp_path / "a.tar.gz", dict.fromkeys(names, batch(0, 50, classes=11)))
    with pytest.raises(DataError, match="labels lie in 0 to 9, got 0 to 10"):
        cifar10(str(path), train=250, sha256=None)


def test_an_archive_of_something_else_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.tar.gz", {"other": b""})
    with pytest.raises(DataError, match="holds no data_batch_1; it is not cifar10"):
        cifar10(str(path), sha256=None)
    (tmp_path / "b.tar.gz").write_bytes(b"no archive")
    with pytest.raises(DataError, match="not as its authors publish it"):
        cifar10(str(tmp_path / "b.tar.gz"), sha256=None)
    with pytest.raises(DataError, match=r"cannot read images from .*nowhere.tar.gz: No such file"):
        cifar10(str(tmp_path / "nowhere.tar.gz"))


def test_another_number_of_training_images_is_refused(small_cifar10: Path) -> None:
    with pytest.raises(DataError, match="trained on all 20 images, or on 25000 of 50000, got train=25000"):
        cifar10(str(small_cifar10), train=25_000, sha256=None)


@pytest.mark.parametrize("shape", [(32, 32), (28, 28, 3)], ids=["grey", "small"])
def test_images_of_another_shape_are_no_cifar(shape: tuple[int, ...], tmp_path: Path) -> None:
    others = np.zeros((4, *shape), dtype=np.uint8)
    np.savez(tmp_path / "i.npz", x_train=others, y_train=np.arange(4), x_test=others, y_test=np.arange(4))
    with pytest.raises(DataError, match="images of cifar10 are 32 x 32 pixels of 3 channels, got"):
        cifar10(str(tmp_path / "i.npz"), train=4)


@pytest.fixture
def mirror(small_cifar10: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The authors' server: a folder in its place, read through a file address."""
    folder = tmp_path / "server"
    folder.mkdir()
    small_cifar10.rename(folder / small_cifar10.name)
    monkeypatch.setattr(archives, "ADDRESS", f"{folder.as_uri()}/")
    return folder


def test_an_archive_is_downloaded_once_and_checked(mirror: Path, tmp_path: Path) -> None:
    sha256 = hashlib.sha256((mirror / CIFAR10.archive).read_bytes()).hexdigest()
    place = tmp_path / "mine"
    first = cifar10(str(place), train=20, sha256=sha256)
    (mirror / CIFAR10.archive).unlink()
    assert cifar10(str(place), train=20, sha256=sha256).fingerprint == first.fingerprint
    assert list(place.iterdir()) == [place / CIFAR10.archive]


def test_a_download_with_a_wrong_checksum_leaves_nothing(mirror: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="wrong checksum"):
        cifar10(str(tmp_path / "mine"))
    assert list((tmp_path / "mine").iterdir()) == []


def test_a_failed_download_says_what_to_do(mirror: Path, tmp_path: Path) -> None:
    (mirror / CIFAR10.archive).unlink()
    with pytest.raises(DataError, match=r"cannot download file:.* Fetch it by other means and give"):
        cifar10(str(tmp_path / "mine"))


def test_every_source_is_a_configuration() -> None:
    for name, function in (("cifar10", "cifar10"), ("cifar10-25k", "cifar10"), ("cifar100", "cifar100")):
        made = load("data", name, _partial_=True)
        assert made.func is getattr(archives, function)
    assert load("data", "cifar10-25k", _partial_=True).keywords == {"train": 25_000}
    assert load("data", "imagenet16-120", _partial_=True, path="p").func is imagenet16
    assert load("recipe", "imagenet16").crop_padding == 2
    assert load("recipe", "nb201-12").learning_rate_at(11) == pytest.approx(0.05 * (1 + np.cos(np.pi * 11 / 12)))
    assert CIFAR100.mean == (129.3, 124.1, 112.4)  # NAS-Bench-201's published code
