"""What another predictor says of a whole space, written down: a small file and a quick answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.predictor.base import Arrays, Prediction, Predictor, Values
from surrogate_nas.predictor.targets import TargetKind, TargetScale
from surrogate_nas.space import Population, SearchSpace
from surrogate_nas.space.cell import CellSpace
from surrogate_nas.space.recast import recast


class Distilled(Predictor):
    """The predictions of a teacher for a whole space, looked up.

    They are drawn to their mean as far as labels that the teacher did not see ask for it. Where several labels of one
    function were fitted to, as in whole tables, their mean counts, too: it is right about what the teacher misses, as
    far as that exceeds the noise. It also answers for cells of other spaces whose operations are all among those of
    its own.

    Args:
        teacher: unfitted; fitted to the labels, and asked once.
        sources: what the labels are: a mapping for each task, with its ``dataset`` and whatever else tells where its
            labels come from, all of them JSON values.
    """

    name = "distilled"

    def __init__(self, teacher: Predictor, sources: Sequence[Mapping[str, Any]] = ()) -> None:
        self.teacher = teacher
        self.sources = sources

    @property
    def target(self) -> TargetKind:  # type: ignore[override]
        """What the teacher predicts."""
        return self.teacher.target

    @property
    def seen(self) -> frozenset[str]:
        """The data sets of its sources, and those that the teacher knows."""
        return self.teacher.seen | {source["dataset"] for source in self.sources}

    def settings(self) -> dict[str, Any]:
        """Return name and settings of the teacher, and the sources."""
        teacher = {"predictor": self.teacher.name, "settings": self.teacher.settings()}
        return {"teacher": teacher, "sources": [dict(source) for source in self.sources]}

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        """Return an unfitted predictor with the settings of a saved one."""
        from surrogate_nas.predictor import predictor_class

        teacher = settings["teacher"]
        return cls(predictor_class(teacher["predictor"]).from_settings(teacher["settings"]), settings["sources"])

    def predict(self, population: Population) -> Prediction:
        """Return what to expect of each architecture; the same for all that compute the same function.

        Raises:
            NotFittedError: ``fit`` was not called.
            InvalidArchitectureError: the architectures are none of the space of ``fit``, under whatever name.
        """
        self._check_fitted()
        cells = recast(population, self.space_) if isinstance(self.space_, CellSpace) else None
        return super().predict(population if cells is None else cells)

    def _fit(self, population: Population, targets: Values, weights: Values, rng: np.random.Generator) -> Prediction:
        self.teacher.fit(population, targets, weights=weights, rng=rng)
        self.rows_ = _rows(population.space, self.target)
        told = self.teacher.predict(population.space.at(self.rows_))
        scale = TargetScale.fit(targets, self.target)
        truth = scale.score(targets)
        held_out = scale.score(self.teacher.held_out_.mean)
        score = _believed(held_out, truth) * scale.score(told.mean)  # the mean of the scores is zero
        if self.target != "cost":
            member = np.searchsorted(self.rows_, population.space.represent(population).index)
            score += _missed(truth - score[member], weights, member, len(self.rows_))
        self.mean_, self.std_ = scale.target(score), told.std
        return self.teacher.held_out_

    def _predict(self, population: Population) -> Prediction:
        at = np.searchsorted(self.rows_, population.index)
        return Prediction(self.mean_[at], self.std_[at])

    def _state(self) -> Arrays:
        return {"mean": self.mean_, "std": self.std_}

    def _restore(self, state: Arrays) -> None:
        self.rows_ = _rows(self.space_, self.target)
        self.mean_, self.std_ = state["mean"], state["std"]


def _rows(space: SearchSpace, target: TargetKind) -> NDArray[np.int64]:
    """Return the sorted positions of what is told apart: representatives of functions, or all for costs."""
    return np.arange(space.size) if target == "cost" else space.representatives().index


def _believed(held_out: Values, truth: Values) -> float:
    """Return the least-squares factor, 0 to 1, of (n,) predictions made without the label; zero if they are noise."""
    known = np.isfinite(held_out)
    square = float((held_out[known] ** 2).sum())
    return float(np.clip((held_out[known] * truth[known]).sum() / square, 0, 1)) if square > 0 else 1.0


def _missed(residual: Values, weights: Values, member: NDArray[np.int64], count: int) -> Values:
    """Return the (count,) posterior mean of what a teacher misses of each function, zero where nothing tells.

    Residuals of one function scatter by the noise, and their means by the noise and by what is missed. Both variances
    are those of a one-way analysis of variance (Searle, Casella and McCulloch, "Variance Components", 1992, section
    3.6); without functions that were measured more than once they cannot be told apart.

    Shapes:
        residual (n,), weights (n,), member (n,) the function of each
    """
    total = np.bincount(member, weights, count)
    mean = np.divide(np.bincount(member, weights * residual, count), total, out=np.zeros(count), where=total > 0)
    freedom = len(member) - len(np.unique(member))
    if freedom == 0:
        return np.zeros(count)
    noise = float(weights @ (residual - mean[member]) ** 2) / freedom
    known = total > 0
    missed = float((mean[known] ** 2 - noise / total[known]).mean())
    if missed <= 0:
        return np.zeros(count)
    return np.asarray(mean * missed / (missed + noise / np.where(known, total, 1)))
