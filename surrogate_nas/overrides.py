"""Hydra overrides as a user types them, and as Hydra wants them."""

from __future__ import annotations

OPEN_GROUPS = ("sampler", "predictor", "data", "recipe", "executor", "constraint")  # a configuration lists not all of


def opened(override: str) -> str:
    """Return ``sampler.starts=4`` as ``++sampler.starts=4``.

    Defaults live in constructors, and configurations do not repeat them; whether an argument exists is checked when the
    object is made.
    """
    return f"++{override}" if _is_open(override) else override


def typed(override: str) -> str:
    """Return an override without what ``opened`` puts before it."""
    plain = override.removeprefix("++")
    return plain if _is_open(plain) else override


def _is_open(override: str) -> bool:
    name = override.partition("=")[0]
    return "." in name and name.partition(".")[0] in OPEN_GROUPS
