"""Labels seen and not counted: what a predictor learned from must not be what it is judged on."""

from __future__ import annotations

from collections.abc import Iterable

from surrogate_nas.errors import LeakageError
from surrogate_nas.predictor.base import Predictor


def images_of(dataset: str) -> str:
    """Return whose images a data set consists of: ``cifar10`` for ``cifar10-25k``, ``digits`` for ``digits-parity``."""
    return dataset.lower().partition("-")[0]


def unseen(predictor: Predictor, dataset: str) -> bool:
    """Return whether a predictor knows no label that was measured on the images of a data set.

    Other splits and lengths of training, and other tables of the same images, count as the same: their labels tell
    nearly as much.
    """
    return not _same(predictor.seen, dataset)


def check_unseen(predictor: Predictor, dataset: str) -> None:
    """Raise if a predictor knows labels that were measured on the images of a data set (see ``unseen``).

    Raises:
        LeakageError: it does.
    """
    check_others(predictor.seen, dataset, who=f"predictor {predictor.name!r}")


def check_others(known: Iterable[str], dataset: str, *, who: str) -> None:
    """Raise if one of the known data sets has the images of the one to be fitted.

    Raises:
        LeakageError: one has.
    """
    same = _same(known, dataset)
    if same:
        raise LeakageError(
            f"{who} has learned from labels of {', '.join(same)}, which would be seen and not counted on {dataset!r}. "
            "Take another one, or leave it out."
        )


def _same(known: Iterable[str], dataset: str) -> list[str]:
    return sorted(name for name in known if images_of(name) == images_of(dataset))
