"""Commands as a reader can copy them into a shell."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

ACTIVE = '"\\$`!'  # what double quotes leave its meaning to, or end at


def copyable(arguments: Iterable[str]) -> str:
    """Return arguments as one line that a shell splits into them again, quoted in the way that is easiest to read."""
    return " ".join(_quoted(argument) for argument in arguments)


def _quoted(argument: str) -> str:
    plain = shlex.quote(argument)
    readable = "'" in argument and not set(argument) & set(ACTIVE)
    return f'"{argument}"' if readable else plain
