"""What was learned from other tasks, adapted to a handful of labels: other data sets, other devices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, solve_triangular

from surrogate_nas.encoding.features import features
from surrogate_nas.encoding.thresholds import space_code
from surrogate_nas.encoding.untrained import untrained
from surrogate_nas.encoding.written import written
from surrogate_nas.errors import SettingError, expected
from surrogate_nas.predictor.base import Arrays, Prediction, Predictor, Values
from surrogate_nas.predictor.covariance import most_likely, squared_distance
from surrogate_nas.predictor.targets import TargetKind, TargetScale
from surrogate_nas.space import Population, get_space

SPACE_ROWS = 2_000  # draws of architectures that a source's scale is found on
LIKELIHOOD_ROWS = 256  # architectures that the slopes are found on
# The prior variance of the slopes, if they are not zero; how much remains for the task's own function, in units of what
# it has without sources; and the noise variance. All are equally likely beforehand.
NOTHING = 0.5  # prior probability that they are zero
SLOPES = (0.1, 1.0, 10.0)
REMAINS = (1.0, 0.3, 0.1, 0.03)
NOISES = (0.003, 0.01, 0.03, 0.1, 0.3)
TRUST = 10  # labels at which half of what the base makes of remains is believed
LEVEL = 25.0  # prior variance of the mean, which the sources do not tell
CENTRE, WIDTH = -3.4, 0.1  # of the scale on which the base is shown what remains: as accuracies, around 70 percent


class Transfer(Predictor):
    r"""Sources tell a first guess, and the base predictor learns what remains.

    .. math:: score(y) = \sum_k b_k \, source_k + base

    The slopes b are those of a Gaussian process with the sources in its mean, averaged over hypotheses by their
    marginal likelihood (Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006, section 2.7; Hoeting
    et al., "Bayesian Model Averaging", Statistical Science 1999). One hypothesis is that the sources tell nothing: what
    misleads ends with slopes near zero, which leaves the base alone with the labels.

    Args:
        base: unfitted; learns what the sources do not tell.
        sources: fitted predictors of other tasks, in this space or one whose cells it shares; or names of shipped ones.

    Attributes:
        slopes_: (sources,) deviations of the task's score for one of each source's.
        trust_: posterior probability that the sources tell anything.
        share_: of what the base says, how much is believed: few labels tell what remains of an accuracy from noise less
            well than a whole task. All of it is where the sources tell nothing, and of costs, which add up.
    """

    name = "transfer"

    def __init__(self, base: Predictor, sources: Sequence[Predictor | str]) -> None:
        self.base = base
        self.sources = sources

    @property
    def target(self) -> TargetKind:  # type: ignore[override]
        """What the base predicts."""
        return self.base.target

    @property
    def seen(self) -> frozenset[str]:
        """The data sets that the sources and the base know."""
        return frozenset().union(self.base.seen, *(source.seen for source in self._tutors))

    @cached_property
    def _tutors(self) -> list[Predictor]:
        if not self.sources:
            raise SettingError("transfer: sources must be at least one predictor or name, got none.")
        return [_shipped(source) if isinstance(source, str) else source for source in self.sources]

    def settings(self) -> dict[str, Any]:
        """Return names and settings of the base and the sources; a shipped source is its name."""
        return {"base": _described(self.base), "sources": [_described(source) for source in self.sources]}

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        """Return an unfitted predictor with the settings of a saved one; only shipped sources are fitted already."""
        return cls(_made(settings["base"]), [_made(source) for source in settings["sources"]])

    def _fit(self, population: Population, targets: Values, weights: Values, rng: np.random.Generator) -> Prediction:
        self.scales_ = [_space_scale(source, population) for source in self._tutors]
        scale = TargetScale.fit(targets, self.target)
        self.scale_ = replace(scale, floor=-np.inf)  # a failure that is measured is clipped, a low prediction is not
        score, told = scale.score(targets), np.apply_along_axis(_clipped, 0, self._told(population))
        n = len(score)
        rows = np.arange(n) if n <= LIKELIHOOD_ROWS else rng.choice(n, LIKELIHOOD_ROWS, replace=False)
        own = _own_covariance(population[rows], score[rows], self.target)
        self.slopes_, self.trust_ = _slopes(told[rows], own, score[rows], weights[rows])
        self.share_ = 1.0 if self.target == "cost" else 1 - self.trust_ * TRUST / (n + TRUST)
        remains = score - told @ self.slopes_
        self.base.fit(population, self._carrier.target(remains), weights=weights, rng=rng)
        return self._joined(self.base.held_out_, told)

    def _predict(self, population: Population) -> Prediction:
        return self._joined(self.base.predict(population), self._told(population))

    def _told(self, population: Population) -> Values:
        """Return the (n, sources) scores that the sources tell, of mean 0 and deviation about 1 over the space."""
        pairs = zip(self.scales_, self._tutors, strict=True)
        return np.stack([scale.score(source.predict(population).mean) for scale, source in pairs], axis=1)

    @property
    def _carrier(self) -> TargetScale:
        """The scale on which the base, which takes targets of its kind, is shown scores."""
        return TargetScale(self.target, CENTRE, WIDTH, -np.inf)

    def _joined(self, remains: Prediction, told: Values) -> Prediction:
        rest = self._carrier.score(remains.mean)
        deviation = remains.std / self._carrier.deviation(rest, np.ones_like(rest))
        score = told @ self.slopes_ + self.share_ * rest
        return Prediction(self.scale_.target(score), self.scale_.deviation(score, deviation))

    def _state(self) -> Arrays:
        numbers = np.array([self.trust_, self.share_])
        state = {"slopes": self.slopes_, "numbers": numbers, "scale": self.scale_.numbers()}
        state |= {f"base.{name}": array for name, array in self.base.state().items()}
        for position, (scale, source) in enumerate(zip(self.scales_, self._tutors, strict=True)):
            state[f"{position}.scale"] = scale.numbers()
            if not isinstance(self.sources[position], str):
                state |= {f"{position}.source.{name}": array for name, array in source.state().items()}
        return state

    def _restore(self, state: Arrays) -> None:
        self.slopes_, (self.trust_, self.share_) = state["slopes"], state["numbers"].tolist()
        self.scale_ = TargetScale(self.target, *state["scale"].tolist())
        self.base.restore(self.space_, _under("base.", state))
        self.scales_ = []
        for position, source in enumerate(self.sources):
            if not isinstance(source, str):
                source.restore(source.space_, _under(f"{position}.source.", state))
            numbers = state[f"{position}.scale"].tolist()
            self.scales_.append(TargetScale(self._tutors[position].target, *numbers))


def _under(prefix: str, state: Arrays) -> Arrays:
    return {name.removeprefix(prefix): array for name, array in state.items() if name.startswith(prefix)}


def _shipped(name: str) -> Predictor:
    from surrogate_nas.predictor import load_saved_predictor, shipped_predictors

    known = shipped_predictors()
    if name not in known:
        raise SettingError(expected("source", name, known))
    return load_saved_predictor(known[name])


def _described(predictor: Predictor | str) -> str | dict[str, Any]:
    if isinstance(predictor, str):
        return predictor
    described = {"predictor": predictor.name, "settings": predictor.settings()}
    return {**described, "space": predictor.space_.name} if hasattr(predictor, "space_") else described


def _made(described: str | Mapping[str, Any]) -> Any:
    from surrogate_nas.predictor import predictor_class

    if isinstance(described, str):
        return described
    predictor = predictor_class(described["predictor"]).from_settings(described["settings"])
    if "space" in described:
        predictor.space_ = get_space(described["space"])
    return predictor


def _clipped(told: Values) -> Values:
    """Return the (n,) scores of a source, clipped where targets of the same architectures would be if they failed."""
    scale = TargetScale.fit(told, "value")
    return scale.target(scale.score(told))


def _space_scale(source: Predictor, population: Population) -> TargetScale:
    """Return the scale of what a source expects to be measured of architectures drawn from the space.

    Scores of its means then deviate by one where it is sure, and by less the less it knows.
    """
    space = population.space
    told = source.predict(space.at(np.random.default_rng(0).integers(space.size, size=SPACE_ROWS)))
    scale = TargetScale.fit(told.mean, source.target)
    score = scale.score(told.mean)
    unknown = np.median(told.std / scale.deviation(score, np.ones_like(score)))  # in units of the means' deviation
    return replace(scale, width=float(scale.width * np.hypot(1, unknown)), floor=-np.inf)


def _own_covariance(population: Population, score: Values, target: TargetKind) -> Values:
    """Return the (n, n) covariance of the task's function as a process without sources would have it."""
    if target == "cost":
        x = written(population)
        x -= x.mean(axis=0)
        return np.asarray(x @ x.T / max(float((x**2).sum(axis=1).mean()), 1e-9))
    blocks = [space_code(population.space)(features(population)), untrained(population).astype(np.float64)]
    squared = [squared_distance(block, block) for block in blocks if block.shape[1]]
    parts = ((0,), (1,), (0, 1)) if len(squared) > 1 else ((0,),)
    return most_likely(squared, score, parts)(squared)


def _slopes(told: Values, own: Values, score: Values, weights: Values) -> tuple[Values, float]:
    """Return the (sources,) posterior mean of the slopes, and the posterior probability that any is not zero.

    The hypotheses are that nothing is told, that one source tells it, and that all of them do.

    Shapes:
        told (n, sources), own (n, n), score (n,), weights (n,)
    """
    count = told.shape[1]
    grid = [
        _Whitened.of(told, score, LEVEL + remains * own + np.diag(noise / weights.clip(min=1e-6)))
        for remains in REMAINS
        for noise in NOISES
    ]
    told_by = [np.array([at]) for at in range(count)] + ([np.arange(count)] if count > 1 else [])
    evidence = [np.log(NOTHING) + np.array([point.evidence for point in grid])]
    slopes = [np.zeros((len(grid), count))]
    for columns in told_by:
        value, mean = _agreeing(grid, columns)
        evidence.append(np.log((1 - NOTHING) / len(told_by) / len(SLOPES)) + value)
        slopes.append(mean)
    share = np.exp(np.concatenate(evidence) - np.concatenate(evidence).max())
    share /= share.sum()
    every = np.concatenate(slopes)
    return share @ every, float(share[every.any(axis=1)].sum())


@dataclass(frozen=True, eq=False)
class _Whitened:
    """Scores and sources as they are seen by a process whose covariance, noise included, is one of the hypotheses.

    Attributes:
        evidence: log marginal likelihood, but for a constant, where nothing is told.
        gram: (sources, sources) products of the sources.
        seen: (sources,) their products with the scores.
    """

    evidence: float
    gram: Values
    seen: Values

    @classmethod
    def of(cls, told: Values, score: Values, covariance: Values) -> Self:
        factor = cholesky(covariance, lower=True)
        y, x = (solve_triangular(factor, side, lower=True) for side in (score, told))
        return cls(-0.5 * float(y @ y) - float(np.log(np.diag(factor)).sum()), x.T @ x, x.T @ y)

    def told_by(self, columns: NDArray[np.int64], variance: float) -> tuple[float, Values]:
        """Return the evidence, and the slopes of these sources, whose prior variance adds up to ``variance``."""
        each = variance / len(columns)
        factor = cholesky(np.eye(len(columns)) + each * self.gram[np.ix_(columns, columns)], lower=True)
        seen = self.seen[columns]
        mean = each * cho_solve((factor, True), seen)
        return self.evidence + 0.5 * float(seen @ mean) - float(np.log(np.diag(factor)).sum()), mean


def _agreeing(grid: Sequence[_Whitened], columns: NDArray[np.int64]) -> tuple[Values, Values]:
    """Return (h,) log evidence and (h, sources) slopes of the hypotheses that these sources tell what is told.

    Tasks of one space agree rather than disagree, so that a negative slope is nearly always one found by chance. The
    source that has the least is left out, and the others are asked again.
    """
    while len(columns):
        results = [point.told_by(columns, variance) for point in grid for variance in SLOPES]
        evidence, found = (np.array(part) for part in zip(*results, strict=True))
        share = np.exp(evidence - evidence.max())
        average = share @ found / share.sum()
        if average.min() >= 0:
            slopes = np.zeros((len(evidence), len(grid[0].seen)))
            slopes[:, columns] = found
            return evidence, slopes
        columns = np.delete(columns, average.argmin())
    evidence = np.repeat([point.evidence for point in grid], len(SLOPES))
    return evidence, np.zeros((len(evidence), len(grid[0].seen)))
