"""Neural architecture search that measures little and predicts much."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from surrogate_nas.compare import compare
    from surrogate_nas.configuration import load_predictor, load_sampler
    from surrogate_nas.fit import fit
    from surrogate_nas.sampler.optuna import SurrogateSampler
    from surrogate_nas.search import search
    from surrogate_nas.space import Population, get_space
    from surrogate_nas.split import Split
    from surrogate_nas.table import Table, load_table

__all__ = [
    "Population",
    "Split",
    "SurrogateSampler",
    "Table",
    "compare",
    "fit",
    "get_space",
    "load_predictor",
    "load_sampler",
    "load_table",
    "search",
]

# Where each public name lives; imported when it is asked for, so that importing the package costs nothing.
_HOMES = {
    "Population": "space",
    "Split": "split",
    "SurrogateSampler": "sampler.optuna",
    "Table": "table",
    "compare": "compare",
    "fit": "fit",
    "get_space": "space",
    "load_predictor": "configuration",
    "load_sampler": "configuration",
    "load_table": "table",
    "search": "search",
}


class _Package(ModuleType):
    """A module in which the functions ``search`` and ``fit`` are not hidden by the submodules that they live in."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{self.__name__}.{_HOMES[name]}"), name)

    def __dir__(self) -> list[str]:
        return __all__


sys.modules[__name__].__class__ = _Package
