"""One file per foreign format, the only place that knows it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path

from surrogate_nas.errors import SettingError, expected
from surrogate_nas.space import SearchSpace
from surrogate_nas.table.curves import CurveWriter
from surrogate_nas.table.table import Table

Importer = Callable[[Path, str, CurveWriter], Table]  # what to read, the table's name, where learning curves go

# Kind of source -> module and function; imported when asked for, as some need torch.
_HOMES = {
    "nas-bench-201": ("nas_bench_201", "import_official"),
    "nats-tss": ("nats", "import_topology"),
    "nats-sss": ("nats", "import_size"),
    "hw-nas-bench": ("hw_nas_bench", "import_devices"),
    "naslib": ("naslib", "import_means"),
    "transnas": ("transnas", "import_micro"),
    "csv": ("long_form", "import_csv"),
    "parquet": ("long_form", "import_parquet"),
}
KINDS = tuple(_HOMES)
OF_ANY_SPACE = ("csv", "parquet")  # do not say themselves which space their architectures are of


def importer(kind: str, space: SearchSpace) -> Importer:
    """Return the function that reads a kind of source.

    Args:
        kind: one of ``KINDS``.
        space: what the architectures are of, where the source does not say.

    Raises:
        SettingError: there is no such kind.
    """
    if kind not in _HOMES:
        raise SettingError(expected("kind of source", kind, KINDS))
    module, name = _HOMES[kind]
    function = getattr(import_module(f"{__name__}.{module}"), name)
    return partial(function, space=space) if kind in OF_ANY_SPACE else function
