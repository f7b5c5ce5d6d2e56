"""Numbers to predictions. Nothing here can see a table."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from surrogate_nas.errors import SavedPredictorError, expected
from surrogate_nas.predictor.base import Prediction, Predictor, load_saved

__all__ = ["Prediction", "Predictor", "load_saved_predictor", "predictor_class", "shipped_predictors"]

# Where each kind of predictor lives; loaded when asked for, since torch-geometric and xgboost are slow to import.
SHIPPED = Path(__file__).parent / "shipped"  # fitted predictors, written by ``python -m surrogate_nas.pretrain``
_CLASSES = {
    "additive": ("additive", "Additive"),
    "boosted": ("boosted", "Boosted"),
    "distilled": ("distilled", "Distilled"),
    "ensemble": ("ensemble", "Ensemble"),
    "gaussian_process": ("gaussian_process", "GaussianProcess"),
    "graph": ("graph", "Graph"),
    "multitask": ("multitask", "MultiTask"),
    "transfer": ("transfer", "Transfer"),
}


def predictor_class(name: str) -> type[Predictor]:
    """Return the class of a kind of predictor.

    Raises:
        SavedPredictorError: there is no such kind.
    """
    if name not in _CLASSES:
        raise SavedPredictorError(expected("predictor", name, _CLASSES))
    module, kind = _CLASSES[name]
    found: type[Predictor] = getattr(import_module(f"{__name__}.{module}"), kind)
    return found


def load_saved_predictor(path: str | Path) -> Predictor:
    """Return a fitted predictor from the file that ``save`` wrote.

    Raises:
        SavedPredictorError: the file is incomplete, altered, or of another version.
    """
    return load_saved(Path(path), predictor_class)


def shipped_predictors() -> dict[str, Path]:
    """Return the files of the fitted predictors that ship with the package, by the tables that they learned from."""
    return {path.stem: path for path in sorted(SHIPPED.glob("*.safetensors"))}
