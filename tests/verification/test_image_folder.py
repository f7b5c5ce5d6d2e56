"""Image files in class folders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from surrogate_nas.errors import DataError
from surrogate_nas.split import Split
from surrogate_nas.verification.image_folder import from_folder


def write(file: Path, value: int, *, size: tuple[int, ...] = (4, 6, 3)) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full(size, value, dtype=np.uint8)).save(file)


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    for split in ("train", "test"):
        for label, name in enumerate(("cat", "dog")):
            for number in range(4):
                write(tmp_path / "pets" / split / name / f"{number}.png", 100 * label + number)
    return tmp_path / "pets"


def test_classes_are_folders_in_the_order_of_their_names(pets: Path) -> None:
    write(pets / "valid" / "dog" / "0.png", 7)
    task = from_folder(str(pets))
    assert task.train.labels.tolist() == [0] * 4 + [1] * 4
    assert task.train.pixels[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 100, 101, 102, 103]
    assert task.train.pixels.shape[1:] == (4, 6, 3)
    assert task.splits[Split.VALID].labels.tolist() == [1]
    assert (task.name, task.classes) == ("pets", 2)


def test_without_validation_images_half_of_the_training_images_validate(pets: Path) -> None:
    task = from_folder(str(pets))
    assert [len(task.splits[split]) for split in (Split.TRAIN, Split.VALID, Split.TEST)] == [4, 4, 8]


def test_grey_images_have_one_channel(tmp_path: Path) -> None:
    for split in ("train", "test"):
        for number in range(2):
            write(tmp_path / split / "a" / f"{number}.png", number, size=(5, 5))
    assert from_folder(str(tmp_path)).train.pixels.shape == (1, 5, 5, 1)


@pytest.mark.parametrize(("size", "message"), [((4, 5, 3), r"of shape \(4, 5, 3\)"), ((4, 6), r"of shape \(4, 6, 1\)")])
def test_images_of_another_size_or_channel_count_are_refused(size: tuple[int, ...], message: str, pets: Path) -> None:
    write(pets / "train" / "dog" / "odd.png", 1, size=size)
    with pytest.raises(DataError, match=f"odd.png is {message}.* all must be alike"):
        from_folder(str(pets))


def test_what_is_no_image_is_refused(pets: Path) -> None:
    (pets / "train" / "dog" / "broken.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"broken.png is no readable image"):
        from_folder(str(pets))


def test_missing_folders_and_unknown_classes_are_told(pets: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no train/CLASS folder"):
        from_folder(str(tmp_path / "nowhere"))
    write(pets / "test" / "cow" / "0.png", 1)
    with pytest.raises(DataError, match="cow is a class that has no training images; known: cat, dog"):
        from_folder(str(pets))


def test_an_empty_split_is_told(tmp_path: Path) -> None:
    write(tmp_path / "train" / "a" / "0.png", 1)
    (tmp_path / "test" / "a").mkdir(parents=True)
    with pytest.raises(DataError, match="test holds no images in class folders"):
        from_folder(str(tmp_path))
