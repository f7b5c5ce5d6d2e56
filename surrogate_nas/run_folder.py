"""The folder of one run: writable, and of no other run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from surrogate_nas.errors import RunFolderError
from surrogate_nas.record import write_json

LONG = 140  # characters of a difference, such as that of two checksums, beyond which it is not spelt out


def claim(folder: str | Path, what: str, identity: Mapping[str, Any]) -> Path:
    """Return the folder, made if need be, after noting in it what it belongs to.

    Args:
        folder: of the run.
        what: the kind of run, and the name of the note: "search" or "verification".
        identity: everything that the results in the folder depend on, as JSON values.

    Raises:
        RunFolderError: the folder cannot be written, or belongs to another run.
    """
    folder = Path(folder)
    note = folder / f"{what}.identity.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not note.exists():
            write_json(note, identity)
        known = json.loads(note.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunFolderError(
            f"cannot write to the run folder {folder} ({error.strerror}); choose another one."
        ) from error
    except ValueError as error:
        raise RunFolderError(f"{note} is not readable ({error}); choose another run folder.") from error
    wanted = json.loads(json.dumps(identity))
    if known != wanted:
        raise RunFolderError(
            f"the run folder {folder} belongs to another {what}: {differences(known, wanted)}. Choose another folder."
        )
    return folder


@contextmanager
def claimed(folder: str | Path, what: str, identity: Mapping[str, Any]) -> Iterator[Path]:
    """Claim the folder as ``claim`` does for what follows, which gives it back if it fails without a trace.

    A run that is refused before it measured anything can so be corrected and started again in the same folder.
    """
    folder = Path(folder)
    before = set(folder.glob("*"))
    note = claim(folder, what, identity) / f"{what}.identity.json"
    try:
        yield folder
    except BaseException:
        if set(folder.iterdir()) - before == {note}:
            note.unlink()
        raise


def differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """Return in words in what two descriptions differ, down to the parts that both have."""
    return "; ".join(_differences(there, here, ""))


def _differences(there: Mapping[str, Any], here: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for key in {**here, **there}:
        name = prefix + key if key else prefix.removesuffix(".")
        if key not in there or key not in here:
            yield f"{name} is set {'here' if key in here else 'there'} only"
        elif isinstance(there[key], Mapping) and isinstance(here[key], Mapping):
            yield from _differences(there[key], here[key], f"{name}.")
        elif there[key] != here[key]:
            told = f"{name} is {there[key]!r} there and {here[key]!r} here"
            yield told if len(told) < LONG else f"{name} differs"


def describe(value: Any) -> Any:
    """Return an object as JSON values: its class and attributes, or its function and arguments."""
    if hasattr(value, "func"):
        return {"": _path(value.func), **{name: describe(part) for name, part in value.keywords.items()}}
    if isinstance(value, Mapping):
        return {str(name): describe(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [describe(part) for part in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, type) or not hasattr(value, "__dict__"):
        return _path(value)
    return {"": _path(type(value)), **{name: describe(part) for name, part in vars(value).items()}}


def _path(value: Any) -> str:
    return f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', value)}"
