"""Keep Optuna's progress messages out of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import optuna


@contextmanager
def quiet_optuna() -> Iterator[None]:
    """Let Optuna tell only what went wrong, for as long as the context lasts."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)  # of a storage that is away we tell ourselves
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
