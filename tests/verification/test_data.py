"""Images: the digits task and npz files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from surrogate_nas.errors import DataError
from surrogate_nas.split import Split
from surrogate_nas.verification.data import digits, from_npz


def npz(path: Path, **changes: object) -> Path:
    arrays: dict[str, object] = {
        "x_train": np.zeros((10, 6, 6, 3), dtype=np.uint8),
        "y_train": np.arange(10) % 2,
        "x_test": np.zeros((4, 6, 6, 3), dtype=np.uint8),
        "y_test": np.arange(4) % 2,
        **changes,
    }
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return path


def test_digits_are_small_colour_images_of_ten_classes() -> None:
    task = digits()
    assert task.train.pixels.shape == (2000, 10, 10, 3)
    assert {split: len(images) for split, images in task.splits.items()} == {
        Split.TRAIN: 2000,
        Split.VALID: 4 * 450,
        Split.TEST: 4 * 450,
    }
    assert task.classes == 10
    assert task.train.pixels.dtype == np.uint8


def test_digits_are_the_same_every_time_and_other_ones_for_another_seed() -> None:
    one, same, other = digits(), digits(), digits(seed=1)
    assert np.array_equal(one.train.pixels, same.train.pixels)
    assert not np.array_equal(one.train.pixels, other.train.pixels)


def test_no_base_image_is_in_two_splits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every base image, marked by an ink of its own, is found in the renderings of one split only."""
    from surrogate_nas.verification import data

    seen: dict[int, set[str]] = {}
    render = data._render

    def spy(ink: np.ndarray, shown: np.ndarray, **settings: object) -> np.ndarray:
        split = str(len(seen_calls))
        seen_calls.append(split)
        for digit in ink:
            seen.setdefault(hash(digit.tobytes()), set()).add(split)
        return render(ink, shown, **settings)

    seen_calls: list[str] = []
    monkeypatch.setattr(data, "_render", spy)
    digits()
    assert len(seen_calls) == 3
    assert all(len(splits) == 1 for splits in seen.values())
    assert len(seen) > 1790  # of 1,797 base images; a few may be pixel for pixel alike within a split


def test_each_base_image_is_shown_equally_often() -> None:
    valid = digits(views=3).splits[Split.VALID]
    assert len(valid) == 3 * 450
    assert np.bincount(valid.labels).sum() == 1350


@pytest.mark.parametrize("settings", [{"canvas": 7}, {"patch": 9}, {"patch": 0}])
def test_digits_that_do_not_fit_are_refused(settings: dict[str, int]) -> None:
    with pytest.raises(DataError, match="a canvas is at least 8"):
        digits(**settings)


def test_npz_without_validation_images_gives_half_of_its_training_images(tmp_path: Path) -> None:
    task = from_npz(npz(tmp_path / "images.npz"))
    assert {split: len(images) for split, images in task.splits.items()} == {
        Split.TRAIN: 5,
        Split.TEST: 4,
        Split.VALID: 5,
    }
    assert task.name == "images"


def test_npz_may_bring_validation_images_grey_images_and_column_labels(tmp_path: Path) -> None:
    grey = np.zeros((10, 6, 6), dtype=np.uint8)
    path = npz(
        tmp_path / "i.npz",
        x_train=grey,
        y_train=np.zeros((10, 1), dtype=np.uint8),
        x_valid=grey[:3],
        y_valid=np.zeros(3, dtype=int),
        x_test=grey[:4],
    )
    task = from_npz(path)
    assert task.train.pixels.shape == (10, 6, 6, 1)
    assert len(task.splits[Split.VALID]) == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x_train": np.zeros((10, 6, 6, 3))}, "x_train of .* must be uint8 .* got float64"),
        ({"x_train": np.zeros((10, 6, 6, 5), dtype=np.uint8)}, r"1 or 3 channels, which come last; got .*6, 5\)"),
        ({"x_train": np.zeros((10, 3, 6, 6), dtype=np.uint8)}, "1 or 3 channels, which come last"),
        ({"x_train": np.zeros((10, 0, 6, 3), dtype=np.uint8)}, r"got shape \(10, 0, 6, 3\)"),
        ({"x_train": np.zeros((10, 6), dtype=np.uint8)}, r"got uint8 of shape \(10, 6\)"),
        ({"y_train": np.zeros(9, dtype=int)}, r"y_train of .* must be 10 integers, got int64 of shape \(9,\)"),
        ({"y_train": np.zeros(10)}, "must be 10 integers, got float64"),
        ({"y_test": None}, "but no y_test"),
        ({"x_test": np.zeros((4, 5, 6, 3), dtype=np.uint8)}, "all must be alike"),
        ({"y_train": np.full(10, -1)}, "labels lie in 0 to"),
        ({"x_test": np.zeros((0, 6, 6, 3), dtype=np.uint8), "y_test": np.zeros(0, dtype=int)}, "no test images"),
    ],
)
def test_arrays_that_cannot_be_trained_on_are_refused(changes: dict[str, object], message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        from_npz(npz(tmp_path / "i.npz", **changes))


def test_files_that_are_no_npz_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read images"):
        from_npz(tmp_path / "nowhere.npz")
    whole = npz(tmp_path / "i.npz").read_bytes()
    for content in (b"", b"text", whole[: len(whole) // 2]):
        (tmp_path / "broken.npz").write_bytes(content)
        with pytest.raises(DataError, match="Expected a Keras-style npz file"):
            from_npz(tmp_path / "broken.npz")


def test_pickled_arrays_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "o.npz", x_train=np.array([{}], dtype=object))
    with pytest.raises(DataError, match="cannot read images"):
        from_npz(tmp_path / "o.npz")
