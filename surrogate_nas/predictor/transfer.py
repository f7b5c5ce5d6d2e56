"""What was learned from other tasks, adapted to a handful of labels: other data sets, other devices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from scipy.special import ndtri, stdtrit

from surrogate_nas.encoding.written import written
from surrogate_nas.errors import SettingError, expected
from surrogate_nas.predictor.base import Arrays, Prediction, Predictor, Values
from surrogate_nas.predictor.covariance import most_likely, squared_distance
from surrogate_nas.predictor.gaussian_process import ALONE, APART_AND_TOGETHER, feature_blocks
from surrogate_nas.predictor.slopes import posterior
from surrogate_nas.predictor.stacking import likely_shares, mixed, shares
from surrogate_nas.predictor.targets import TargetKind, TargetScale
from surrogate_nas.space import Population, get_space

SPACE_ROWS = 2_000  # draws of architectures that a source's scale is found on
LIKELIHOOD_ROWS = 256  # architectures that the slopes are found on
TRUST = 10  # labels at which half of what the base makes of remains is believed
SOURCES = 40  # labels at which a fit without sources is expected to have a quarter of the mixture, of many a half
DECISIVE = 2  # labels that the mixture is told as much by as by more
CENTRE, WIDTH = -3.4, 0.1  # of the scale on which the base is shown what remains: as accuracies, around 70 percent


class Transfer(Predictor):
    r"""Sources tell a first guess, and the base predictor learns what remains.

    .. math:: score(y) = \sum_k b_k \, source_k + base

    The slopes b are those of a Gaussian process with the sources in its mean, averaged over hypotheses by their
    marginal likelihood (Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006, section 2.7; Hoeting
    et al., "Bayesian Model Averaging", Statistical Science 1999). One hypothesis is that the sources tell nothing: what
    misleads ends with slopes near zero, which leaves the base alone with the labels. What the labels alone tell the
    base is mixed in, the more of it the better it does on labels left out: where there are many, sources of another
    kind tell little that is new, and the mean of both is better than either.

    Args:
        base: unfitted; learns what the sources do not tell.
        sources: fitted predictors of other tasks, in this space or one whose cells it shares; or names of shipped ones.

    Attributes:
        slopes_: (sources,) deviations of the task's score for one of each source's.
        trust_: posterior probability that the sources tell anything.
        share_: of what the base says, how much is believed: few labels tell what remains of an accuracy from noise less
            well than a whole task. All of it is where the sources tell nothing, and of costs, which add up.
        shares_: (2,) of the base alone and of sources and base together; the latter is all where no label is left out.
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
        if not self.sources or isinstance(self.sources, str):
            got = repr(self.sources) if self.sources else "none"
            raise SettingError(f"transfer: sources must be a list of at least one predictor or name, got {got}.")
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
        self.scale_ = TargetScale.fit(targets, self.target)
        score, told = self.scale_.score(targets), self._told(population)
        n = len(score)
        rows = np.arange(n) if n <= LIKELIHOOD_ROWS else rng.choice(n, LIKELIHOOD_ROWS, replace=False)
        own = _own_covariance(population[rows], score[rows], self.target)
        found = posterior(told[rows], own, score[rows], weights[rows])
        self.slopes_, self.trust_ = found.mean, found.trust
        self.centre_, self.unsure_ = told.mean(axis=0), found.covariance
        self.share_ = 1.0 if self.target == "cost" else 1 - self.trust_ * TRUST / (n + TRUST)
        remains = score - told @ self.slopes_
        self.alone_ = type(self.base).from_settings(self.base.settings())
        self.base.fit(population, self._carrier.target(remains), weights=weights, rng=rng)
        self.doubt_ = _doubt(n) ** self.trust_
        together = self._prediction(*self._joined(self.base.held_out_, told))
        if np.isnan(together.mean).all():
            self.shares_ = np.array([0.0, 1.0])
            return together
        alone = self.alone_.fit(population, targets, weights=weights, rng=rng).held_out_
        self.shares_ = self._shares(np.stack([alone.mean, together.mean]), targets)
        return mixed([alone, together], self.shares_, self.scale_)

    def _predict(self, population: Population) -> Prediction:
        score, deviation = self._joined(self.base.predict(population), self._told(population))
        together = self._prediction(score, self.doubt_ * deviation)
        if not self.shares_[0]:
            return together
        return mixed([self.alone_.predict(population), together], self.shares_, self.scale_)

    def _shares(self, means: Values, targets: Values) -> Values:
        """Return the shares of the base alone and of both together, by their (2, n) predictions without each label."""
        scores, truth, n = self.scale_.score(means), self.scale_.score(targets), len(targets)
        alone = n / (n + SOURCES) / 2
        expected = likely_shares(scores, truth, decisive=DECISIVE) * np.array([alone, 1 - alone])
        return shares(scores, truth, expected=expected / expected.sum())

    def _told(self, population: Population) -> Values:
        """Return the (n, sources) scores that the sources tell, of mean 0 and deviation about 1 over the space."""
        pairs = zip(self.scales_, self._tutors, strict=True)
        return np.stack([scale.score(source.predict(population).mean) for scale, source in pairs], axis=1)

    @property
    def _carrier(self) -> TargetScale:
        """The scale on which the base, which takes targets of its kind, is shown scores: not to be bent once more."""
        bent = self.scale_
        knee = CENTRE + WIDTH * (bent.knee - bent.centre) / bent.width
        return TargetScale(self.target, CENTRE, WIDTH, knee=knee, unit=WIDTH * bent.unit / bent.width)

    def _joined(self, remains: Prediction, told: Values) -> tuple[Values, Values]:
        """Return (n,) scores of what the sources and the base say together, and their deviations."""
        rest = self._carrier.score(remains.mean)
        deviation = self._carrier.score_deviation(rest, remains.std)
        away = told - self.centre_  # from where the base learns the level
        unknown = np.einsum("ni,ij,nj->n", away, self.unsure_, away).clip(min=0)
        return told @ self.slopes_ + self.share_ * rest, np.sqrt(deviation**2 + unknown)

    def _prediction(self, score: Values, deviation: Values) -> Prediction:
        return Prediction(self.scale_.target(score), self.scale_.deviation(score, deviation))

    def _state(self) -> Arrays:
        numbers = np.array([self.trust_, self.share_, self.doubt_])
        state = {"slopes": self.slopes_, "unsure": self.unsure_, "centre": self.centre_}
        state |= {"numbers": numbers, "scale": self.scale_.numbers(), "shares": self.shares_}
        state |= {f"base.{name}": array for name, array in self.base.state().items()}
        if self.shares_[0]:
            state |= {f"alone.{name}": array for name, array in self.alone_.state().items()}
        for position, (scale, source) in enumerate(zip(self.scales_, self._tutors, strict=True)):
            state[f"{position}.scale"] = scale.numbers()
            if not isinstance(self.sources[position], str):
                state |= {f"{position}.source.{name}": array for name, array in source.state().items()}
        return state

    def _restore(self, state: Arrays) -> None:
        self.slopes_, self.unsure_, self.centre_ = state["slopes"], state["unsure"], state["centre"]
        self.trust_, self.share_, self.doubt_ = state["numbers"].tolist()
        self.scale_ = TargetScale(self.target, *state["scale"].tolist())
        self.base.restore(self.space_, _under("base.", state))
        self.shares_ = state["shares"]
        if self.shares_[0]:
            self.alone_ = type(self.base).from_settings(self.base.settings())
            self.alone_.restore(self.space_, _under("alone.", state))
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


def _doubt(n: int) -> float:
    """Return the factor of deviations around a line that n labels told, which lies closer to these than to others.

    It makes 90 % intervals those of Student's distribution, of as many degrees of freedom as labels that remain after
    the level and the slope; of few labels of three, since hypotheses about noise and slope tell something, too.
    """
    freedom = max(n - 2, 3)
    return float(stdtrit(freedom, 0.95) / ndtri(0.95) * np.sqrt((freedom + 2) / freedom))


def _space_scale(source: Predictor, population: Population) -> TargetScale:
    """Return the scale of what a source expects to be measured of architectures drawn from the space.

    Scores of its means then deviate by one where it is sure, and by less the less it knows.
    """
    space = population.space
    told = source.predict(space.at(np.random.default_rng(0).integers(space.size, size=SPACE_ROWS)))
    if told.mean.ndim > 1:
        tasks = told.mean.shape[1]
        raise SettingError(f"transfer: a source predicts one task, got {source.name!r} of {tasks}; fit one to each.")
    scale = TargetScale.fit(told.mean, source.target)
    score = scale.score(told.mean)
    unknown = np.median(scale.score_deviation(score, told.std))  # in units of the means' deviation
    return replace(scale, width=float(scale.width * np.hypot(1, unknown)))


def _own_covariance(population: Population, score: Values, target: TargetKind) -> Values:
    """Return the (n, n) covariance of the task's function as a process without sources would have it."""
    if target == "cost":
        x = written(population)
        x -= x.mean(axis=0)
        return np.asarray(x @ x.T / max(float((x**2).sum(axis=1).mean()), 1e-9))
    blocks = [block.astype(np.float64) for block in feature_blocks(population)]
    squared = [squared_distance(block, block) for block in blocks]
    return most_likely(squared, score, APART_AND_TOGETHER if len(squared) > 1 else ALONE)(squared)
