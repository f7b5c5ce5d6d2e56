"""Several predictors as one, with an uncertainty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from surrogate_nas.errors import SettingError
from surrogate_nas.predictor.base import Arrays, Prediction, Predictor, Values
from surrogate_nas.space import Population


class Ensemble(Predictor):
    """The mean of its members' means; the variance is the mean of theirs plus that of their means, as of a mixture.

    Args:
        members: unfitted predictors of the same target.
    """

    name = "ensemble"

    def __init__(self, members: Sequence[Predictor]) -> None:
        self.members = members

    def settings(self) -> dict[str, Any]:
        """Return the names and settings of the members."""
        return {"members": [{"predictor": member.name, "settings": member.settings()} for member in self.members]}

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        """Return an unfitted ensemble with the settings of a saved one."""
        from surrogate_nas.predictor import predictor_class

        return cls([predictor_class(m["predictor"]).from_settings(m["settings"]) for m in settings["members"]])

    def _fit(self, population: Population, targets: Values, weights: Values, rng: np.random.Generator) -> None:
        if not self.members:
            raise SettingError("ensemble: members must be at least one predictor, got none.")
        for member, own in zip(self.members, rng.spawn(len(self.members)), strict=True):
            member.fit(population, targets, weights=weights, rng=own)

    def _predict(self, population: Population) -> Prediction:
        parts = [member.predict(population) for member in self.members]
        means, variances = np.stack([part.mean for part in parts]), np.stack([part.std**2 for part in parts])
        return Prediction(means.mean(axis=0), np.sqrt(variances.mean(axis=0) + means.var(axis=0)))

    def _state(self) -> Arrays:
        return {
            f"{position}.{name}": array
            for position, member in enumerate(self.members)
            for name, array in member._state().items()
        }

    def _restore(self, state: Arrays) -> None:
        for position, member in enumerate(self.members):
            prefix = f"{position}."
            member.space_ = self.space_
            own = {name.removeprefix(prefix): array for name, array in state.items() if name.startswith(prefix)}
            member._restore(own)
