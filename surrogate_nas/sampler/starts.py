"""Where a search begins: architectures that differ in what is known of them without any label."""

from __future__ import annotations

import numpy as np

from surrogate_nas.encoding.costs import size
from surrogate_nas.encoding.features import features
from surrogate_nas.encoding.thresholds import space_code
from surrogate_nas.sampler.base import History, draw
from surrogate_nas.space import Population, concatenate

DRAWN = 30  # candidates of a stratum, of which the farthest from all earlier ones is taken


def spread_starts(n: int, history: History, *, starts: int, rng: np.random.Generator) -> Population:
    """Return up to n unmeasured candidates, the next of ``starts`` that are spread over sizes and over the features.

    Each start comes from a stratum of its own of the candidates in order of size. The strata's bounds are square roots
    of evenly spaced quantiles, so that half of all starts are among the largest 30 percent. Within a stratum it is the
    farthest from all earlier architectures (maximin: Johnson, Moore and Ylvisaker, 1990) of a few random ones, in the
    code of the features.
    """
    by_size = history.unmeasured[np.argsort(size(history.unmeasured), kind="stable")]
    chosen = history.population
    for turn in range(len(history), len(history) + n):
        low, high = (np.sqrt(np.array([0, 1]) + turn % starts) / np.sqrt(starts) * len(by_size)).astype(np.int64)
        stratum = by_size[low : max(high, low + 1)]
        stratum = stratum[~stratum.isin(chosen)]
        if len(stratum):
            chosen = concatenate([chosen, _farthest(draw(stratum, DRAWN, rng), chosen)])
    return chosen[len(history) :]


def _farthest(drawn: Population, chosen: Population) -> Population:
    """Return the architecture of ``drawn`` whose nearest one in ``chosen`` is the farthest."""
    if len(chosen) == 0:
        return drawn[0]
    code = space_code(drawn.space)
    ours, others = code(features(drawn)), code(features(chosen))
    squared = (ours**2).sum(axis=1)[:, None] + (others**2).sum(axis=1) - 2 * ours @ others.T
    return drawn[int(squared.min(axis=1).argmax())]
