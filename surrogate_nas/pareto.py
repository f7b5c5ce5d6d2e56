"""Several objectives: which points nothing dominates, and how much they dominate. Higher is better throughout."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def front(points: Array) -> NDArray[np.int64]:
    """Return the positions of the (n, m) points that none dominates, best first in the first objective.

    A point dominates another one that it equals or exceeds in everything and exceeds in something. Of equal points the
    first is returned; points with a NaN are not.
    """
    known = np.flatnonzero(~np.isnan(points).any(axis=1))
    order = known[np.lexsort(-points[known][:, ::-1].T)]  # no point is dominated by a later one
    kept: list[int] = []
    for at in order:
        if not (points[kept] >= points[at]).all(axis=1).any():
            kept.append(int(at))
    return np.array(kept, dtype=np.int64)


def hypervolume(points: Array, reference: Array) -> float:
    """Return the volume that (n, m) points dominate above a (m,) reference point, exactly.

    The last objective is cut into slices, in each of which the others are a smaller problem of the same kind (While,
    Hingston, Barone and Huband, "A faster algorithm for calculating hypervolume", 2006, section III).
    """
    above = points[(points > reference).all(axis=1)]
    if len(above) == 0:
        return 0.0
    if points.shape[1] == 1:
        return float(above.max() - reference[0])
    best = above[front(above)]
    best = best[np.argsort(-best[:, -1], kind="stable")]
    depths = best[:, -1] - np.append(best[1:, -1], reference[-1])
    slices = (hypervolume(best[:count, :-1], reference[:-1]) for count in range(1, len(best) + 1))
    return float(sum(depth * area for depth, area in zip(depths, slices, strict=True) if depth > 0))


def hypervolume_so_far(points: Array, reference: Array) -> Array:
    """Return the (n,) hypervolumes of the first one, two, ... n points; only those that matter cost time."""
    volumes, best, volume = np.zeros(len(points)), points[:0], 0.0
    for at, point in enumerate(points):
        if (point > reference).all() and not (best >= point).all(axis=1).any():
            best = np.vstack([best[~(best <= point).all(axis=1)], point])
            volume = hypervolume(best, reference)
        volumes[at] = volume
    return volumes
