"""A Gaussian process on the cell features: fast, and honest about what it does not know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, solve_triangular

from surrogate_nas.encoding.features import features, kinds
from surrogate_nas.encoding.thresholds import space_code, surroundings
from surrogate_nas.encoding.untrained import untrained
from surrogate_nas.predictor import beyond
from surrogate_nas.predictor.base import Arrays, Prediction, Predictor, Values
from surrogate_nas.predictor.covariance import STEPS, Covariance, Float, Parts, most_likely, squared_distance
from surrogate_nas.predictor.targets import TargetKind, TargetScale
from surrogate_nas.space import Population

ALONE: Parts = ((0,),)
APART_AND_TOGETHER: Parts = ((0,), (1,), (0, 1))
LIKELIHOOD_ROWS = 256  # architectures that the marginal likelihood is computed on
SEARCH_STEPS = 15  # of the optimiser before every measurement of a search
STRETCH = 1.5  # of the most likely length scales, those of labels from all over; benchmarks/predictor tells whence


class GaussianProcess(Predictor):
    """A Gaussian process with Matern 5/2 kernels on the threshold code of the features and on untrained statistics.

    One kernel sees the code, one the statistics, one both, and their sum is the covariance. Where statistics are
    unknown, the first is all. The code of a cell is the mean with those around it: labels reach farther. Scales and
    noise maximise the marginal likelihood times a prior (Rasmussen and Williams, "Gaussian Processes for Machine
    Learning", 2006, sections 2.2 and 5.4). The deviation includes the noise.

    Far from what was measured these kernels fall back to the mean, where the best architectures are not. What
    ``predictor.beyond`` adds goes on.

    With ``by_kind`` each kind of feature has a kernel of its own, and the statistics have one; none sees two of them
    (Duvenaud et al., "Additive Gaussian Processes", NeurIPS 2011, of first order). It errs elsewhere: alone it is no
    better, but the mean of both is.

    Args:
        target: what is predicted; accuracies are learned by their logarithmic error.
        searching: whether a search chose the architectures. Then a cell's code is its own, since what is measured is
            much alike, and nothing goes on. The scales are found sooner, in fewer steps, and the deviations are those
            of the likelihood: labels that were chosen do not tell how far the others are off.
        by_kind: whether kinds of features add up, each on its own.
    """

    name = "gaussian_process"

    def __init__(self, *, target: TargetKind = "accuracy", searching: bool = False, by_kind: bool = False) -> None:
        self.target = target
        self.searching = searching
        self.by_kind = by_kind

    def settings(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"target": self.target, "searching": self.searching, "by_kind": self.by_kind}

    def _fit(self, population: Population, targets: Values, weights: Values, rng: np.random.Generator) -> Prediction:
        self.scale_ = TargetScale.fit(targets, self.target)
        score = self.scale_.score(targets)
        self.blocks_ = self._feature_blocks(population)
        squared = [squared_distance(block, block) for block in self._doubles()]
        rows = slice(None) if len(score) <= LIKELIHOOD_ROWS else rng.choice(len(score), LIKELIHOOD_ROWS, replace=False)
        known = [block[rows][:, rows] for block in squared]
        self.covariance_ = most_likely(known, score[rows], self._parts, steps=SEARCH_STEPS if self.searching else STEPS)
        if not self.searching:
            self.covariance_ = replace(self.covariance_, lengths=STRETCH * self.covariance_.lengths)
        self.inputs_ = self._inputs(population)
        inputs = self.inputs_.astype(np.float64)
        covariance = self._covariance(squared, inputs, inputs)
        covariance[np.diag_indices_from(covariance)] += self.covariance_.noise / weights.clip(min=1e-6)
        self.factor_ = np.ascontiguousarray(cholesky(covariance, lower=True))  # as it is loaded
        self.dual_ = cho_solve((self.factor_, True), score)
        if self.searching:
            return Prediction(np.full(len(score), np.nan), np.full(len(score), np.nan))
        # Without each label in closed form (Rasmussen and Williams, equations 5.10 to 5.12).
        precision = np.diag(cho_solve((self.factor_, True), np.eye(len(score))))
        left_out = score - self.dual_ / precision
        return Prediction(self.scale_.target(left_out), self.scale_.deviation(left_out, 1 / np.sqrt(precision)))

    def _predict(self, population: Population) -> Prediction:
        # Single precision is far below the noise, and doubles the speed of a search.
        blocks = self._feature_blocks(population)
        pairs = zip(self.blocks_, blocks, strict=True)
        inputs = self._inputs(population)
        squared = [squared_distance(fitted, block) for fitted, block in pairs]
        kernel = self._covariance(squared, self.inputs_, inputs)  # (fitted, n)
        mean = self.dual_ @ kernel
        half = solve_triangular(self.factor_.astype(np.float32), kernel, lower=True, check_finite=False)
        explained = np.einsum("ij,ij->j", half, half, dtype=np.float64)
        prior = self.covariance_.signal + (0 if self.searching else beyond.variance(inputs))
        std = np.sqrt((prior - explained).clip(min=0) + self.covariance_.noise)
        return Prediction(self.scale_.target(mean), self.scale_.deviation(mean, std))

    def _feature_blocks(self, population: Population) -> list[NDArray[np.float32]]:
        return feature_blocks(population, around=not self.searching, by_kind=self.by_kind)

    def _inputs(self, population: Population) -> NDArray[np.float32]:
        """Return (n, s + 1) what is seen by that which goes on; in a search nothing does, (n, 0)."""
        return np.empty((len(population), 0), dtype=np.float32) if self.searching else beyond.inputs(population)

    def _covariance(self, squared: Sequence[NDArray[Float]], x: NDArray[Float], y: NDArray[Float]) -> NDArray[Float]:
        """Return the (n, m) covariances at the (n, m) squared distances of each block and the inputs of both."""
        near = self.covariance_(squared)
        return near if self.searching else near + beyond.covariance(x, y)

    @property
    def _parts(self) -> Parts:
        """What each kernel sees of the blocks that were fitted to."""
        count = len(self.blocks_)
        if self.by_kind or count == 1:
            return tuple((block,) for block in range(count))
        return APART_AND_TOGETHER

    def _doubles(self) -> list[NDArray[np.float64]]:
        return [block.astype(np.float64) for block in self.blocks_]

    def _state(self) -> Arrays:
        blocks = {f"block_{position}": block for position, block in enumerate(self.blocks_)}
        numbers = {"covariance": self.covariance_.numbers(), "scale": self.scale_.numbers()}
        return {**blocks, **numbers, "factor": self.factor_, "dual": self.dual_, "inputs": self.inputs_}

    def _restore(self, state: Arrays) -> None:
        count = sum(name.startswith("block_") for name in state)
        self.blocks_ = [state[f"block_{position}"] for position in range(count)]
        self.covariance_ = Covariance.of(self._parts, state["covariance"])
        self.factor_, self.dual_, self.inputs_ = state["factor"], state["dual"], state["inputs"]
        self.scale_ = TargetScale(self.target, *state["scale"].tolist())


def feature_blocks(population: Population, *, around: bool = True, by_kind: bool = False) -> list[NDArray[np.float32]]:
    """Return the (n, c) threshold code and, where they are known, the (n, s) statistics of untrained networks.

    Args:
        population: n architectures.
        around: whether the code of a cell is averaged with that of the cells around it.
        by_kind: whether the code of each kind of feature is a block of its own.
    """
    code = surroundings(population) if around else _code(population)
    if not by_kind:
        return [block for block in (code, _statistics(population)) if block.shape[1]]
    kind = kinds(population.space)[space_code(population.space).columns]
    parts = [np.ascontiguousarray(code[:, kind == each]) for each in np.unique(kind)]
    return [block for block in (*parts, _statistics(population)) if block.shape[1]]


@lru_cache(maxsize=4)  # a search predicts for the same candidates again and again
def _code(population: Population) -> NDArray[np.float32]:
    """Return the (n, c) threshold code of the whole space."""
    return space_code(population.space)(features(population)).astype(np.float32)


@lru_cache(maxsize=4)
def _statistics(population: Population) -> NDArray[np.float32]:
    """Return the (n, s) statistics of untrained networks."""
    return untrained(population)
