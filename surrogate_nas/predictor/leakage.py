"""Labels seen and not counted: what a predictor learned from must not be what it is judged on."""

from __future__ import annotations

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
    return images_of(dataset) not in {images_of(name) for name in predictor.seen}


def check_unseen(predictor: Predictor, dataset: str) -> None:
    """Raise if a predictor knows labels that were measured on the images of a data set (see ``unseen``).

    Raises:
        LeakageError: it does.
    """
    if not unseen(predictor, dataset):
        known = ", ".join(sorted(predictor.seen))
        raise LeakageError(
            f"predictor {predictor.name!r} has learned from labels of {known}, which would be seen and not counted on "
            f"{dataset!r}. Take another predictor, or leave that source out."
        )
