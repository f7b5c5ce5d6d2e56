"""How worker processes are started, and what each does: leave Ctrl-C to its parent, and end when that was killed."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from multiprocessing import (
    connection,
    context,
    get_all_start_methods,
    get_context,
    get_start_method,
    parent_process,
    set_start_method,
)
from types import ModuleType


def spawning() -> context.SpawnContext:
    """Return what starts processes that inherit nothing: a forked one cannot use a GPU that its parent has touched.

    A process that joblib started has joblib's own method as its default, which a spawned child would look for in vain.
    """
    if get_start_method(allow_none=True) not in (None, *get_all_start_methods()):
        set_start_method("spawn", force=True)
    return get_context("spawn")


def available_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextlib.contextmanager
def without_main() -> Iterator[None]:
    """Let processes that are started meanwhile not run the user's script again, which need not expect that."""
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script


def follow_parent() -> None:
    """Make this process one that lives no longer than its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which ends its workers
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
