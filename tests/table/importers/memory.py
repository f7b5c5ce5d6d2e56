"""The memory of a process and of all that it started."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

LOOK = 0.5  # seconds between looks at the memory


def most_memory(running: subprocess.Popen[str]) -> float:
    """Return the most memory in GB that a process and its children have had together; what they share counts once."""
    most = 0
    while running.poll() is None:
        most = max(most, sum(map(_memory, _family(running.pid))))
        time.sleep(LOOK)
    return most / 1024**2


def _family(process: int) -> list[int]:
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:  # it has ended
        return []
    return [process, *(each for child in children for each in _family(int(child)))]


def _memory(process: int) -> int:
    """Return a process's memory in kB, of pages that it shares its share only."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
