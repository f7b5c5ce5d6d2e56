"""Names to objects: every method, recipe and data source is one file in a group of ``conf/``."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from surrogate_nas.errors import SettingError, SurrogateNASError, UnknownMethodError, expected

PLAIN_TYPES: dict[object, tuple[type, ...]] = {"int": (int,), "float": (float, int), "bool": (bool,), "str": (str,)}


def configuration_folder() -> Path:
    """Return the folder that holds ``conf/``'s groups: inside an installed package, beside it in a checkout."""
    package = Path(__file__).parent
    inside = package / "conf"
    return inside if inside.is_dir() else package.parent / "conf"


def names(group: str) -> list[str]:
    """Return the names that a group offers."""
    return sorted(path.stem for path in (configuration_folder() / group).glob("*.yaml"))


def load(group: str, name: str, **overrides: Any) -> Any:
    """Return the object that a name in a group stands for, with some of its arguments replaced.

    Raises:
        UnknownMethodError: the group has no such name.
        SettingError: an argument does not exist, or is outside what is allowed.
    """
    return instantiated({**settings_of(group, name), **overrides}, f"{group} {name!r}")


def settings_of(group: str, name: str) -> dict[str, Any]:
    """Return the ``_target_`` and the arguments that a name in a group stands for.

    Raises:
        UnknownMethodError: the group has no such name.
    """
    import yaml

    if name not in names(group):
        raise UnknownMethodError(expected(group, name, names(group)))
    settings: dict[str, Any] = yaml.safe_load(
        (configuration_folder() / group / f"{name}.yaml").read_text(encoding="utf-8")
    )
    return settings


def instantiated(settings: Mapping[str, Any], what: str) -> Any:
    """Return the object that a mapping with a ``_target_`` describes.

    Raises:
        SettingError: an argument does not exist, is missing, or is outside what is allowed.
    """
    from hydra.errors import InstantiationException
    from hydra.utils import instantiate

    missing = [name for name, value in settings.items() if value == "???"]
    if missing:
        raise SettingError(f"{what} needs a value for {missing[0]}.")
    _check_types(settings, what)
    try:
        return instantiate(dict(settings), _convert_="all")
    except InstantiationException as error:
        if isinstance(error.__cause__, SurrogateNASError):
            raise error.__cause__ from error
        raise SettingError(f"{what} cannot be made: {error.__cause__ or error}.") from error


def _check_types(settings: Mapping[str, Any], what: str) -> None:
    """Raise when a plain argument is of another type than its annotation; who only stores it would notice late."""
    from hydra.utils import get_object

    parameters = inspect.signature(get_object(settings["_target_"])).parameters
    for name, value in settings.items():
        hint = parameters[name].annotation if name in parameters else None
        allowed = PLAIN_TYPES.get(getattr(hint, "__name__", hint))
        if allowed and (not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed)):
            raise SettingError(f"{what}: {name} must be of type {allowed[0].__name__}, got {value!r}.")


def load_sampler(name: str, **overrides: Any) -> Any:
    """Return a sampler by its name, or a factory of Optuna samplers that takes ``seed``.

    Raises:
        UnknownMethodError: there is no such sampler.
        SettingError: an argument does not exist, or is outside what is allowed.
    """
    return load("sampler", name, **overrides)


def load_predictor(name_or_path: str | Path, **overrides: Any) -> Any:
    """Return an unfitted predictor by its name, or a fitted one from the file that ``save`` wrote.

    ``nb201-digits``, like every name of ``shipped_predictors()``, is a fitted one that ships with the package.

    Raises:
        UnknownMethodError: there is neither such a predictor nor such a file.
        SettingError: an argument does not exist, or is outside what is allowed.
        SavedPredictorError: the file holds no predictor.
    """
    from surrogate_nas.predictor import load_saved_predictor, shipped_predictors

    known = [*names("predictor"), *shipped_predictors()]
    path = shipped_predictors().get(str(name_or_path), Path(name_or_path))
    if str(name_or_path) in names("predictor"):
        return load("predictor", str(name_or_path), **overrides)
    if not path.is_file():
        raise UnknownMethodError(f"{expected('predictor', str(name_or_path), known)} Nor is there such a file.")
    return load_saved_predictor(path)
