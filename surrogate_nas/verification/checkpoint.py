"""The state of an unfinished training on the disk: written whole or not at all, bound to its run, never a pickle.

A checkpoint is one npz file: arrays, and under ``header`` a JSON text with the identity of the run and how far it came.
Everything random in a training is a function of seed and epoch, so weights, momenta and the position are all it takes.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from surrogate_nas.errors import CheckpointError, StorageError

FORMAT = 2  # 1 added in another order, so that its trainings went on to other weights


@dataclass(frozen=True)
class Checkpoint:
    """Where a training leaves its state, and how often.

    The file stays when the training has ended; who has stored the result removes it.

    Attributes:
        path: of the file; its folder is made if need be.
        every: epochs between two writings; a training that is asked to stop writes once more.
    """

    path: Path
    every: int = 1


@dataclass
class Progress:
    """How far a training has come.

    Attributes:
        epoch: number of whole epochs done.
        step: steps done of the next epoch.
        losses: mean training loss of each whole epoch.
        seconds: wall time spent on training.
    """

    epoch: int = 0
    step: int = 0
    losses: list[float] = field(default_factory=list)
    seconds: float = 0.0


def versions() -> dict[str, Any]:
    """Return what a training continues bit for bit with: the format, this package and PyTorch."""
    try:
        own = version("surrogate-nas")
    except PackageNotFoundError:  # run from a checkout that is not installed
        own = "uninstalled"
    return {"format": FORMAT, "surrogate_nas": own, "torch": str(torch.__version__)}


def save(path: Path, identity: Mapping[str, Any], progress: Progress, arrays: Mapping[str, Any]) -> None:
    """Write a checkpoint beside its place, force it to the disk and rename it.

    Raises:
        StorageError: the disk is full, or the folder cannot be written; nothing is left of the attempt.
    """
    header = json.dumps({"versions": versions(), "identity": identity, "progress": asdict(progress)})
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, header=np.array(header), **arrays)
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("wb") as file:
            file.write(content.getbuffer())
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise StorageError(
            f"cannot write the checkpoint {path}: {error.strerror or error}. Make room or choose another folder; "
            "the training goes on from its last checkpoint when it is started again."
        ) from error


def load(path: Path, identity: Mapping[str, Any]) -> tuple[Progress, dict[str, NDArray[Any]]] | None:
    """Return the progress and arrays of a checkpoint, None where there is none.

    Raises:
        CheckpointError: it is damaged, belongs to another run, or was written by another version.
    """
    if not path.exists():
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        header = json.loads(str(arrays.pop("header")))
        found, own, progress = header["versions"], header["identity"], Progress(**header["progress"])
    except (OSError, ValueError, EOFError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise CheckpointError(
            f"{path} is no whole checkpoint ({type(error).__name__}: {error}). Delete it to train from the start."
        ) from error
    for what, there, here in (
        ("was written by another version", found, versions()),
        ("belongs to another run", own, json.loads(json.dumps(identity))),
    ):
        differing = [name for name in here if there.get(name) != here[name]]
        if differing:
            name = differing[0]
            raise CheckpointError(
                f"the checkpoint {path} {what}: {name} is {there.get(name)!r} there and {here[name]!r} here. "
                "Delete it to train from the start, or choose another folder."
            )
    return progress, arrays
