"""Acquisition functions: what measuring an architecture promises. Higher is better; measurements are maximised."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Array = NDArray[np.float64]

PATIENCE = 10  # measurements without an improvement before a search widens
WIDER = 0.03  # of the deviations, for each further one


def expected_improvement(mean: Array, std: Array, best: float) -> Array:
    r"""Return (n,) expected improvements over ``best``, in the unit of ``mean`` (Jones et al., 1998, equation 15).

    .. math:: EI = (\mu - y^*) \Phi(z) + \sigma \phi(z), \quad z = (\mu - y^*) / \sigma
    """
    gain = mean - best
    z = _standardised(gain, std)
    return np.where(std > 0, gain * ndtr(z) + std * _density(z), np.maximum(gain, 0))


def probability_of_improvement(mean: Array, std: Array, best: float) -> Array:
    r"""Return (n,) probabilities :math:`\Phi((\mu - y^*) / \sigma)` to exceed ``best`` (Kushner, 1964)."""
    gain = mean - best
    return np.where(std > 0, ndtr(_standardised(gain, std)), gain > 0).astype(np.float64)


def upper_confidence_bound(mean: Array, std: Array, *, beta: float = 1.0) -> Array:
    r"""Return (n,) bounds :math:`\mu + \beta \sigma` (Srinivas et al., 2010)."""
    return mean + beta * std


def thompson(mean: Array, std: Array, *, rng: np.random.Generator) -> Array:
    """Return (n,) independent draws from the predictions (Thompson, 1933; independent as in White et al., 2021)."""
    return rng.normal(mean, std)


def noisy_incumbent(mean: Array) -> float:
    """Return the highest of the (n,) means that a predictor has of what was measured, so that no lucky label is chased.

    It takes the place of the best measurement where measurements are noisy (the "plugin" of Picheny, Wagner and
    Ginsbourger, "A benchmark of kriging-based infill criteria for noisy optimization", 2013, section 3.1).
    """
    return float(mean.max())


def exploration(values: Array) -> float:
    """Return the factor of deviations by which a search that stalls widens.

    Args:
        values: (n,) measurements in their order; NaN where one failed.
    """
    known = np.nan_to_num(values, nan=-np.inf)
    since = len(known) - 1 - int(known.argmax()) if len(known) else 0
    return 1 + WIDER * max(since - PATIENCE, 0)


def _standardised(gain: Array, std: Array) -> Array:
    return np.divide(gain, std, out=np.zeros_like(gain), where=std > 0)


def _density(z: Array) -> Array:
    return np.asarray(np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi))
