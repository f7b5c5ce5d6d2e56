"""Settings beside an architecture, such as a learning rate, as features."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.errors import SettingError
from surrogate_nas.space.joint import JointSpace
from surrogate_nas.space.population import Population

# A cell has hundreds of features; a setting has as many as one edge of it, or distances and random columns of trees
# would hardly see it.
REPEATS = 32


def setting_features(population: Population) -> NDArray[np.float32]:
    """Return (n, f): numbers as a position in 0 to 1, names one-hot, each repeated.

    Raises:
        SettingError: the architectures have no settings.
    """
    space = population.space
    if not isinstance(space, JointSpace):
        raise SettingError(f"settings are defined for joint spaces, got architectures of space {space.name!r}.")
    blocks = [
        level[:, None] / max(len(setting.options) - 1, 1) if ordered else np.eye(len(setting.options))[level]
        for setting, ordered, level in zip(space.settings, space.ordered, space.levels(population).T, strict=True)
    ]
    return np.repeat(np.hstack(blocks).astype(np.float32), REPEATS, axis=1)
