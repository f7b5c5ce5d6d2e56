"""Random search: the baseline that everything has to beat."""

from __future__ import annotations

import numpy as np

from surrogate_nas.sampler.base import History, Sampler, draw
from surrogate_nas.space import Population


class Random(Sampler):
    """Draws uniformly, without replacement, from the candidates."""

    several = True

    def propose(self, n: int, history: History, *, rng: np.random.Generator) -> Population:
        """Return n unmeasured candidates, all equally likely."""
        return draw(history.unmeasured, n, rng)
