"""What is typed, and what Hydra is given for it."""

from __future__ import annotations

import pytest

from surrogate_nas.overrides import opened, typed


@pytest.mark.parametrize(
    "override", ["sampler.starts=4", "recipe.epochs=2", "data.path=a=b", "constraint.params_millions=0.2"]
)
def test_an_argument_of_a_group_may_be_new_and_is_shown_as_it_was_typed(override: str) -> None:
    assert opened(override) == f"++{override}"
    assert typed(opened(override)) == override


@pytest.mark.parametrize(
    "override", ["budget=4", "sampler=random", "verification.top=0", "++hydra.verbose=true", "-m", "folder=a.b"]
)
def test_the_rest_stays_as_it_is(override: str) -> None:
    assert typed(opened(override)) == override == opened(override)


def test_what_was_typed_for_hydra_is_shown_in_the_short_form() -> None:
    assert typed("++recipe.epochs=2") == "recipe.epochs=2"
