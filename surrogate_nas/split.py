"""The part of a data set that an accuracy was measured on: a type, never part of a column's name."""

from __future__ import annotations

from enum import StrEnum

from surrogate_nas.errors import NotMeasuredError, expected


class Split(StrEnum):
    """The part of a data set that an accuracy was measured on. Nothing falls back from one to another.

    ``VALTEST`` is the mean of validation and test images, as CIFAR-100's seeds are published for NATS-Bench; it
    contains test data and is no target for a search.
    """

    TRAIN = "train"
    VALID = "valid"
    TEST = "test"
    VALTEST = "valtest"

    @classmethod
    def of(cls, name: str) -> Split:
        """Return the split of this name.

        Raises:
            NotMeasuredError: there is no such split.
        """
        try:
            return cls(name)
        except ValueError:
            raise NotMeasuredError(expected("split", name, cls)) from None
