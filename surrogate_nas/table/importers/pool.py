"""Make something of each of many parts in several processes, and take the results in the order of the parts."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection
from typing import TypeVar

from surrogate_nas.errors import TableFormatError
from surrogate_nas.worker_process import available_cores, follow_parent, spawning, without_main

FEWEST = 8  # parts for which processes are started: to start one takes as long as a part or two
MOST = 3  # processes: a third of a gigabyte each

Part = TypeVar("Part")
Result = TypeVar("Result")


def in_order(function: Callable[[Part], Result], parts: Iterable[Part], count: int) -> Generator[Result, None, None]:
    """Yield what a function makes of each part; no more than a few parts and results are in memory.

    Args:
        function: it must be possible to pickle it, and its parts, results and errors.
        parts: taken one by one.
        count: of the parts; few are done in this process.

    Raises:
        TableFormatError: a process was killed.
    """
    workers = min(available_cores(), MOST)
    if workers < 2 or count < FEWEST:
        yield from map(function, parts)
        return
    context = spawning()
    end, lifeline = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(workers, context, _serve, (end,))
    try:
        waiting = deque[Future[Result]]()
        for part in parts:
            with without_main():
                waiting.append(pool.submit(function, part))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise TableFormatError(
            f"one of the {workers} processes that read the source was killed, as happens when memory runs out; nothing "
            "was imported. Try again with more memory, or on one core (taskset -c 0)."
        ) from error
    finally:
        lifeline.close()  # after an error or Ctrl-C nobody waits for what still runs
        pool.shutdown(cancel_futures=True)
        end.close()


def _serve(end: connection.Connection) -> None:
    """Make this process one that lives no longer than its parent and the other end of a pipe."""
    follow_parent()
    threading.Thread(target=_end_with, args=[end], daemon=True).start()


def _end_with(end: connection.Connection) -> None:
    connection.wait([end])
    os._exit(1)
