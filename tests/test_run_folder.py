"""A folder belongs to one run, and what differs between two that want the same one is said in words."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from surrogate_nas.errors import RunFolderError
from surrogate_nas.run_folder import claim, claimed, describe, differences
from surrogate_nas.verification.recipe import Recipe


def test_differences_go_down_to_the_parts_that_both_have() -> None:
    there = {"seed": 1, "recipe": describe(Recipe(epochs=4)), "data": describe(partial(dict, size=1)), "table": "a"}
    here = {"seed": 1, "recipe": describe(Recipe(epochs=12)), "data": describe(partial(list, size=2)), "space": "nb201"}
    assert differences(there, here).split("; ") == [
        "recipe.epochs is 4 there and 12 here",
        "data is 'builtins.dict' there and 'builtins.list' here",
        "data.size is 1 there and 2 here",
        "space is set here only",
        "table is set there only",
    ]


def test_a_long_difference_is_not_spelt_out() -> None:
    assert differences({"known": list(range(1000))}, {"known": list(range(999))}) == "known differs"


def test_a_run_that_is_refused_before_it_left_anything_gives_the_folder_back(tmp_path: Path) -> None:
    (tmp_path / "of a user").touch()
    with pytest.raises(ZeroDivisionError), claimed(tmp_path, "verification", {"seed": 1}):
        raise ZeroDivisionError
    assert [path.name for path in tmp_path.iterdir()] == ["of a user"]
    with claimed(tmp_path, "verification", {"seed": 2}) as folder:
        assert folder == tmp_path


def test_a_run_that_left_something_keeps_its_folder(tmp_path: Path) -> None:
    def interrupted(folder: Path) -> None:
        (folder / "verification.journal").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), claimed(tmp_path, "verification", {"seed": 1}):
        interrupted(tmp_path)
    with pytest.raises(RunFolderError, match="seed is 1 there and 2 here"):
        claim(tmp_path, "verification", {"seed": 2})
