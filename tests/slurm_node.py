"""A Slurm of one node, this machine, for as long as a test wants it: Debian's slurmctld, slurmd and munge."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from getpass import getuser
from pathlib import Path

import pytest

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch")
START_SECONDS = 30  # that daemons may take

CONFIGURATION = """
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
KillWait=1
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


@contextmanager
def slurm_node() -> Iterator[None]:
    """Start the daemons, let ``SLURM_CONF`` name them, and end them with all jobs; skip where there is no Slurm."""
    path = f"{os.environ['PATH']}{os.pathsep}/usr/sbin"
    missing = [name for name in PROGRAMS if shutil.which(name, path=path) is None]
    if missing:
        pytest.skip(f"needs Slurm, {', '.join(missing)}: apt-get install slurmctld slurmd slurm-client munge")
    with ExitStack() as stack, pytest.MonkeyPatch.context() as environment:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="slurm")))  # a socket's path must be short
        _configure(folder)
        environment.setenv("PATH", path)
        environment.setenv("SLURM_CONF", str(folder / "slurm.conf"))
        keyed = [f"--{name}={folder}/munge.{name[:-5]}" for name in ("key-file", "pid-file", "log-file", "seed-file")]
        daemons = (
            ["munged", "--foreground", "--force", f"--socket={folder}/munge.socket", *keyed],
            ["slurmctld", "-D", "-i"],
            ["slurmd", "-D"],
        )
        for daemon in daemons:
            stack.enter_context(_running(daemon, folder))
            _wait_for(folder / "munge.socket")
        deadline = time.monotonic() + START_SECONDS
        while "idle" not in _asked("sinfo", "--noheader", "--format=%T"):
            assert time.monotonic() < deadline, (folder / "slurmctld.log").read_text()
            time.sleep(0.2)
        try:
            yield
        finally:
            _asked("scancel", f"--user={getuser()}")
            while _asked("squeue", "--noheader"):
                time.sleep(0.2)


def _configure(folder: Path) -> None:
    for name in ("state", "spool"):
        (folder / name).mkdir()
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    ports = []
    with ExitStack() as stack:
        for _ in range(2):
            found = stack.enter_context(closing(socket.create_server(("127.0.0.1", 0))))
            ports.append(found.getsockname()[1])
    text = CONFIGURATION.format(
        host=socket.gethostname().partition(".")[0],
        user=getuser(),
        folder=folder,
        ports=ports,
        cores=os.cpu_count(),
    )
    (folder / "slurm.conf").write_text(text)


@contextmanager
def _running(command: list[str], folder: Path) -> Iterator[None]:
    with (folder / f"{command[0]}.out").open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as daemon:
        try:
            yield
        finally:
            daemon.terminate()


def _wait_for(path: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} was not made"
        time.sleep(0.05)


def _asked(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, timeout=60).stdout
