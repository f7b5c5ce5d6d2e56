"""What another predictor says of every class of equal function, written down: a small file and a quick answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from surrogate_nas.predictor.base import Arrays, Prediction, Predictor, Values
from surrogate_nas.predictor.targets import TargetKind
from surrogate_nas.space import Population
from surrogate_nas.space.cell import CellSpace
from surrogate_nas.space.recast import recast


class Distilled(Predictor):
    """The predictions of a teacher for a whole space, looked up.

    It also answers for cells of other spaces whose operations are all among those of its own.

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
        self.classes_ = population.space.representatives().index
        told = self.teacher.predict(population.space.at(self.classes_))
        self.mean_, self.std_ = told.mean, told.std
        return self.teacher.held_out_

    def _predict(self, population: Population) -> Prediction:
        at = np.searchsorted(self.classes_, population.index)
        return Prediction(self.mean_[at], self.std_[at])

    def _state(self) -> Arrays:
        return {"mean": self.mean_, "std": self.std_}

    def _restore(self, state: Arrays) -> None:
        self.classes_ = self.space_.representatives().index
        self.mean_, self.std_ = state["mean"], state["std"]
