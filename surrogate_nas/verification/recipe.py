"""How large a network is built and how it is trained."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from surrogate_nas.errors import SettingError


@dataclass(frozen=True)
class Recipe:
    """A training recipe; the defaults are NAS-Bench-201's (Dong and Yang, ICLR 2020, section 2.2 and table 3).

    Attributes:
        epochs: passes over the training images.
        batch_size: images of a step; the last, smaller batch of an epoch is kept.
        learning_rate: of the first epoch; it falls with a cosine, once an epoch, towards zero.
        momentum: Nesterov momentum of the stochastic gradient descent.
        weight_decay: on all parameters.
        channels: C, the width of the first stage.
        cells_per_stage: N, the cells in each of the three stages.
        flip: mirror each training image with probability one half.
        crop_padding: pixels of value zero around a training image before a crop of its own size; 0 for no crop.
    """

    epochs: int = 200
    batch_size: int = 256
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    channels: int = 16
    cells_per_stage: int = 5
    flip: bool = True
    crop_padding: int = 4

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            least = 1 if field.name in ("epochs", "batch_size", "channels", "cells_per_stage") else 0
            if not value >= least or not math.isfinite(value):
                raise SettingError(f"recipe: {field.name} must be a finite number of at least {least}, got {value}.")

    def learning_rate_at(self, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 0."""
        return self.learning_rate / 2 * (1 + math.cos(math.pi * epoch / self.epochs))
