"""Packages that only some uses need, and that are installed on request."""

from __future__ import annotations

import importlib.util

from surrogate_nas.errors import MissingExtraError


def require(module: str, *, extra: str, wanted_by: str) -> None:
    """Raise in one sentence where a module is not installed.

    Args:
        module: what is imported.
        extra: the name under which ``pip install 'surrogate-nas[EXTRA]'`` installs it.
        wanted_by: the setting that asks for it.

    Raises:
        MissingExtraError: it is not installed.
    """
    if importlib.util.find_spec(module) is None:
        raise MissingExtraError(
            f"{wanted_by} needs the package {module}, which is not installed; pip install 'surrogate-nas[{extra}]'."
        )
