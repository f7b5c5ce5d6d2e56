"""Settings that come from outside, checked with one clear sentence each."""

from __future__ import annotations

import math
from typing import Any

from surrogate_nas.errors import SettingError


def number(name: str, value: object, *, above: float = -math.inf) -> float:
    """Return a finite number above a bound.

    Raises:
        SettingError: it is none.
    """
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > above:
        return float(value)
    allowed = "" if above == -math.inf else f" above {above:g}"
    raise SettingError(f"{name} must be a finite number{allowed}, got {value!r}.")


def integer(name: str, value: object, *, least: int = 0, most: int | None = None, why: str = "") -> int:
    """Return a whole number in a range.

    Raises:
        SettingError: it is none, or outside.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= least and (most is None or value <= most):
        return value
    allowed = f"{least} to {most}" if most is not None else f"at least {least}"
    raise SettingError(f"{name} must be a whole number, {allowed}{why}, got {value!r}.")


def listed(value: Any) -> list[Any]:
    """Return a list as it is, and anything else as a list of one: what a setting may be given as."""
    return list(value) if isinstance(value, list) else [value]
