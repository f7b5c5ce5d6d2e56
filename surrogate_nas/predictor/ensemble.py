"""Several predictors as one, with an uncertainty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Self

import numpy as np

from surrogate_nas.errors import SettingError
from surrogate_nas.predictor.base import Arrays, Prediction, Predictor, Values
from surrogate_nas.predictor.stacking import likely_shares, mixed, shares
from surrogate_nas.predictor.targets import TargetKind, TargetScale
from surrogate_nas.space import Population

DECISIVE = 5  # labels: members err in different places; shares that decide more ranked worse on most tasks tried


class Ensemble(Predictor):
    """A mixture of its members, with shares that predict held-out labels best.

    Scores are averaged, logarithmic errors for accuracies. The shares are those of stacking (Breiman, "Stacked
    regressions", Machine Learning 1996), not negative and drawn to the inverse of the errors on held-out labels.

    Args:
        members: unfitted predictors of the same target.
    """

    name = "ensemble"

    def __init__(self, members: Sequence[Predictor]) -> None:
        self.members = members

    @cached_property
    def target(self) -> TargetKind:  # type: ignore[override]
        """What the members predict."""
        if not self.members:
            raise SettingError("ensemble: members must be at least one predictor, got none.")
        kinds = {member.target for member in self.members}
        if len(kinds) > 1:
            raise SettingError(f"ensemble: members must predict the same target, got {', '.join(sorted(kinds))}.")
        return kinds.pop()

    @property
    def seen(self) -> frozenset[str]:
        """The data sets that its members know."""
        return frozenset().union(*(member.seen for member in self.members))

    def settings(self) -> dict[str, Any]:
        """Return the names and settings of the members."""
        return {"members": [{"predictor": member.name, "settings": member.settings()} for member in self.members]}

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        """Return an unfitted ensemble with the settings of a saved one."""
        from surrogate_nas.predictor import predictor_class

        return cls([predictor_class(m["predictor"]).from_settings(m["settings"]) for m in settings["members"]])

    def _fit(self, population: Population, targets: Values, weights: Values, rng: np.random.Generator) -> Prediction:
        self.scale_ = TargetScale.fit(targets, self.target)
        for member, own in zip(self.members, rng.spawn(len(self.members)), strict=True):
            member.fit(population, targets, weights=weights, rng=own)
        held_out = [member.held_out_ for member in self.members]
        scores = np.stack([self.scale_.score(part.mean) for part in held_out])
        truth = self.scale_.score(targets)
        self.shares_ = shares(scores, truth, expected=likely_shares(scores, truth, decisive=DECISIVE))
        return mixed(held_out, self.shares_, self.scale_)

    def _predict(self, population: Population) -> Prediction:
        return mixed([member.predict(population) for member in self.members], self.shares_, self.scale_)

    def _state(self) -> Arrays:
        state = {"shares": self.shares_, "scale": self.scale_.numbers()}
        for position, member in enumerate(self.members):
            state |= {f"{position}.{name}": array for name, array in member.state().items()}
        return state

    def _restore(self, state: Arrays) -> None:
        self.shares_, self.scale_ = state["shares"], TargetScale(self.target, *state["scale"].tolist())
        for position, member in enumerate(self.members):
            prefix = f"{position}."
            own = {name.removeprefix(prefix): array for name, array in state.items() if name.startswith(prefix)}
            member.restore(self.space_, own)
