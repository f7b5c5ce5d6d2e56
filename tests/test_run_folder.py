"""What differs between two runs that want the same folder is said in words."""

from __future__ import annotations

from functools import partial

from surrogate_nas.run_folder import describe, differences
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
