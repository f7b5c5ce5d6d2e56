"""A file of PyTorch read in slices holds what PyTorch reads of it as a whole."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from surrogate_nas.errors import TableFormatError
from surrogate_nas.table.importers import slices
from surrogate_nas.table.importers.outline import LEFT_OUT
from surrogate_nas.table.importers.runs import RunForms
from surrogate_nas.table.importers.torch_file import TORCH

numbers = st.floats(allow_nan=False) | st.integers(0, 2**31 - 1) | st.none()
epochs = st.sampled_from([1, 3, 5, 12, 130]).map(range)
by_number = epochs.map(lambda kept: {epoch: epoch / 7 for epoch in kept})
by_text = st.builds(
    lambda names, kept: {f"{name}@{epoch}": epoch / 3 for name in names for epoch in kept},
    st.lists(st.sampled_from(["x-valid", "ori-test", "é", "a much longer name than any other"]), unique=True),
    epochs,
)
others = st.dictionaries(st.text() | st.tuples(st.text(), st.integers(0, 999)), numbers | st.lists(numbers), max_size=4)
parts = st.recursive(
    by_number | by_text | others, lambda inner: st.dictionaries(st.text(max_size=2), inner), max_leaves=4
)
records = st.fixed_dictionaries({"less": parts, "full": parts})


def saved(path: Path, infos: Any, *, zipped: bool = False, **around: Any) -> Path:
    content = {"meta_archs": ["one", "two"], "arch2infos": infos, "evaluated_indexes": {1, 2}, **around}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    return path


def read(path: Path, chosen: list[int]) -> dict[int, Any]:
    """The records of some architectures, whole."""
    outline = slices.cut(path, TORCH)
    infos = slices.read(outline, [number for number in chosen if number in {item.number for item in outline.items}])
    with path.open("rb") as file:
        return {number: slices.filled(infos["arch2infos"][number], file, RunForms()) for number in chosen}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(infos=st.dictionaries(st.integers(0, 70000), records, min_size=2, max_size=5), zipped=st.booleans())
def test_any_records_come_back_as_they_were_saved(infos: dict[int, Any], zipped: bool, tmp_path: Path) -> None:
    path = saved(tmp_path / "any.pth", infos, zipped=zipped)
    chosen = [*infos][::2]
    assert repr(read(path, chosen)) == repr({number: infos[number] for number in chosen})  # also the order of keys


@pytest.mark.parametrize("count", [0, 1, 2, 999, 1000, 1001, 2001])  # a pickler's batches have 1,000
def test_any_number_of_records_is_found(count: int, tmp_path: Path) -> None:
    infos = {number: {"less": {0: 0.5, 1: number / 2}} for number in range(count)}
    path = saved(tmp_path / "some.pth", infos)
    assert read(path, [*infos]) == infos
    outline = slices.cut(path, TORCH)
    assert slices.read(outline, [])["evaluated_indexes"] == {1, 2}
    assert len(outline.items) + len(slices.read(outline, [])["arch2infos"]) == count


def test_numbers_stay_in_the_file_until_a_record_is_used(tmp_path: Path) -> None:
    infos = {number: {"full": {f"x-valid@{epoch}": epoch / 3 for epoch in range(200)}} for number in range(40)}
    path = saved(tmp_path / "long.pth", infos)
    outline = slices.cut(path, TORCH)
    bodies = [len(item.body or b"") for item in outline.items[2:]]  # the first ones are written differently
    assert max(bodies) < 200 < (outline.items[5].end - outline.items[5].start) / 20
    assert slices.read(outline, [5])["arch2infos"].keys() == {0, 5}  # the first has the text "full", shared by all


SHARED_CURVE = {f"x-valid@{epoch}": epoch / 3 for epoch in range(200)}
TEXT = "-".join("a text of some length")


@pytest.mark.parametrize(
    "infos",
    [
        {number: {"less": number, "full": SHARED_CURVE} for number in range(5)},
        {number: {"full": {key: number + value for key, value in SHARED_CURVE.items()}} for number in range(5)},
        {number: {"a": dict(SHARED_CURVE), "b": dict(SHARED_CURVE)} for number in range(5)},
        {
            number: {"a": dict.fromkeys([*SHARED_CURVE][number : number + 3], 0.5), "b": SHARED_CURVE}
            for number in range(5)
        },
        {
            number: {"text": TEXT, "list": [TEXT, [*SHARED_CURVE][3]], "curve": dict(SHARED_CURVE)}
            for number in range(5)
        },
        {number: OrderedDict(less=OrderedDict(SHARED_CURVE)) for number in range(5)},
        {
            number: {"number": np.float64(number), "curve": {epoch: np.float64(epoch) for epoch in range(9)}}
            for number in range(5)
        },
        OrderedDict((number, {"full": dict(SHARED_CURVE)}) for number in range(5)),
    ],
    ids=["dictionary", "texts", "twice", "some texts", "text and list", "ordered", "numpy", "ordered records"],
)
@pytest.mark.parametrize("zipped", [True, False])
def test_what_records_share_is_found(infos: dict[int, Any], zipped: bool, tmp_path: Path) -> None:
    path = saved(tmp_path / "shared.pth", infos, zipped=zipped)
    for chosen in ([4], [3, 1], [0, 1, 2, 3, 4]):
        assert read(path, chosen) == {number: infos[number] for number in chosen}


@pytest.mark.parametrize("zipped", [True, False])
def test_a_file_in_another_order_is_read_as_a_whole(zipped: bool, tmp_path: Path) -> None:
    texts = [f"architecture {number}" for number in range(300)]
    infos = {number: {"arch_str": text, "full": {0: 0.5, 1: 1.5}} for number, text in enumerate(texts)}
    path = tmp_path / "order.pth"
    torch.save({"arch2infos": infos, "meta_archs": texts}, path, _use_new_zipfile_serialization=zipped)
    outline = slices.cut(path, TORCH)
    assert outline.items == []
    assert slices.read(outline, []) == {"arch2infos": infos, "meta_archs": texts}


@pytest.mark.parametrize("content", [None, [1, 2], {}, {"arch2infos": 3}, {"x": "arch2infos"}, "arch2infos"])
def test_a_file_without_records_is_read_as_a_whole(content: object, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "other.pth")
    assert slices.read(slices.cut(tmp_path / "other.pth", TORCH), []) == content


def test_a_record_cannot_pretend_that_numbers_were_left_in_the_file(tmp_path: Path) -> None:
    infos = {number: {LEFT_OUT + 40: 20} for number in range(2)}
    with pytest.raises(TableFormatError, match="more than 32 bits"):
        slices.cut(saved(tmp_path / "forged.pth", infos), TORCH)
