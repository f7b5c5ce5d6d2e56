"""The command line as a user calls it: in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from surrogate_nas.table.catalog import DATA_FOLDER

COMMAND = [sys.executable, "-m", "surrogate_nas"]


def surrogate_nas(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it in a folder, without tables but the embedded ones, and return what it printed."""
    env = {name: value for name, value in os.environ.items() if name != DATA_FOLDER} | environment
    return subprocess.run([*COMMAND, *arguments], cwd=cwd, capture_output=True, text=True, timeout=300, env=env)
