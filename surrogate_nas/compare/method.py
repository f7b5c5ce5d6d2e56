"""What takes part in a comparison: a name of a ``conf/`` group, or the path of anybody's own class."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surrogate_nas.configuration import instantiated, settings_of
from surrogate_nas.errors import SettingError, UnknownMethodError


@dataclass(frozen=True)
class Method:
    """A sampler or a predictor under a name.

    Attributes:
        name: what results call it.
        kind: "sampler" or "predictor".
        settings: its ``_target_`` and arguments.
    """

    name: str
    kind: str
    settings: Mapping[str, Any]

    def make(self) -> Any:
        """Return a new object.

        Raises:
            SettingError, UnknownMethodError: it cannot be made.
        """
        return instantiated(self.settings, f"{self.kind} {self.name!r}")

    @property
    def identity(self) -> dict[str, Any]:
        """What the results of a method depend on, as JSON values: its settings and the text of its module."""
        from hydra.utils import get_object

        source = inspect.getsourcefile(inspect.unwrap(get_object(str(self.settings["_target_"]))))
        text = Path(source).read_bytes() if source else b""
        return {**self.settings, "source": hashlib.sha256(text).hexdigest()[:16]}


def methods(kind: str, entries: Iterable[str | Mapping[str, Any]]) -> list[Method]:
    """Return the methods that a list names, each of them made once to see that it can be.

    Args:
        kind: "sampler" or "predictor".
        entries: a name in the group of ``conf/``, a dotted path to a class, or a mapping with a ``_target_``, arguments
            and, if need be, a ``name``.

    Raises:
        UnknownMethodError: there is no such name or class.
        SettingError: a method cannot be made, or two have the same name.
    """
    found = [_method(kind, entry) for entry in entries]
    if not found:
        raise SettingError(f"a comparison needs at least one {kind}: {kind}s=[random].")
    known: set[str] = set()
    for method in found:
        if method.name in known:
            raise SettingError(
                f"two {kind}s are called {method.name!r}; tell them apart: {{name: other, _target_: "
                f"{method.settings['_target_']}}}."
            )
        known.add(method.name)
        method.make()
    return found


def _method(kind: str, entry: str | Mapping[str, Any]) -> Method:
    if isinstance(entry, str) and "." not in entry:
        return Method(entry, kind, settings_of(kind, entry))
    settings = {"_target_": entry} if isinstance(entry, str) else dict(entry)
    target = settings.get("_target_")
    if not isinstance(target, str):
        raise SettingError(f"a {kind} is a name, a dotted path or a mapping with a _target_, got {entry!r}.")
    _check_found(kind, target)
    name = str(settings.pop("name", target.rpartition(".")[2]))
    return Method(name, kind, settings)


def _check_found(kind: str, target: str) -> None:
    from hydra.utils import get_object

    try:
        get_object(target)
    except (ImportError, AttributeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise UnknownMethodError(
            f"{kind} {target!r} cannot be imported ({reason}); it must lie in an installed module or in a file of this "
            "folder, as in FILE.CLASS."
        ) from error
