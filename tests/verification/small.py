"""Trainings that take a fraction of a second."""

from __future__ import annotations

from functools import partial

from surrogate_nas.space import NB201
from surrogate_nas.verification.data import digits
from surrogate_nas.verification.recipe import Recipe

TINY = Recipe(epochs=2, batch_size=64, learning_rate=0.05, channels=4, cells_per_stage=1, flip=False, crop_padding=0)
CELLS = NB201.parse(
    [
        "|nor_conv_1x1~0|+|none~0|skip_connect~1|+|none~0|none~1|avg_pool_3x3~2|",
        "|none~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|",
    ]
)
few_digits = partial(digits, train=200, views=1)
