"""Several tasks at once: what one of them tells helps the others, where it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from surrogate_nas.errors import SettingError, TargetError
from surrogate_nas.predictor.base import Arrays, Prediction, Predictor, Values, as_numbers
from surrogate_nas.predictor.coregionalised import Coregionalised
from surrogate_nas.predictor.covariance import Parts
from surrogate_nas.predictor.gaussian_process import ALONE, APART_AND_TOGETHER, feature_blocks
from surrogate_nas.predictor.graph import PREDICTED_AT_ONCE, check_network_settings
from surrogate_nas.predictor.shared_network import SharedNetwork, train
from surrogate_nas.predictor.sharing import Sharing, judged
from surrogate_nas.predictor.stacking import likely_shares, shares
from surrogate_nas.predictor.targets import TargetKind, TargetScale
from surrogate_nas.predictor.task_labels import check_tasks, tasks_folds
from surrogate_nas.space import Population
from surrogate_nas.threads import one_thread

MODELS = ("process", "network", "alone")
# A process of all tasks finds itself how much they have in common, so it is expected to predict best; a few held-out
# labels, among them what failed to train, say too little to think otherwise (development tasks: benchmarks/predictor).
EXPECTED = np.array([0.85, 0.05, 0.1])
CAUTION = 0.1  # power of the likelihood of held-out labels
TRUST = 30  # labels at which stacking counts as much as these expectations
Blocks = list[NDArray[np.float32]]


@dataclass(frozen=True)
class _Scores:
    """(n, tasks) means and deviations on the scale of the tasks' scores."""

    mean: Values
    std: Values


class MultiTask(Predictor):
    """Predicts several tasks, by Gaussian processes and a graph network that all tasks share, and by each task alone.

    Three models are fitted: a coregionalised process of all tasks; a network with one encoder and a head for each task,
    whose losses are balanced by learned uncertainties and whose conflicting gradients are freed of each other; and for
    each task a process of its own labels. They are mixed task by task, with shares that predict held-out labels best,
    so that a task from which nothing can be learned does no harm.

    Targets are (n, tasks), NaN where a task was not measured, and predictions are alike; a fit to (n,) targets is one
    of one task. Weights are (n,) or (n, tasks); a label that is the mean over three seeds has three times the weight of
    one, since its noise has a third of the variance. Only the ratios within a task matter: its noise is learned.

    Args:
        target: what is predicted, of all tasks or of each; accuracies are learned by their logarithmic error.
        importance: of each task in what the network learns; None for all alike.
        members: networks, each of which leaves a part of the architectures out; as many parts the processes leave out.
        layers, width, dropout, steps, learning_rate: of the network, as of ``Graph``.

    Attributes:
        relations_: (tasks, tasks) correlations of the tasks that the process found.
        sharing_: for each task whether the others helped. Not saved.
        shares_: (tasks, models) of ``MODELS`` in the predictions.
    """

    name = "multitask"
    target: Any  # one kind for each task, or one for all
    sharing_: list[Sharing]

    def __init__(
        self,
        *,
        target: TargetKind | Sequence[TargetKind] = "accuracy",
        importance: Sequence[float] | None = None,
        members: int = 5,
        layers: int = 4,
        width: int = 32,
        dropout: float = 0.1,
        steps: int = 80,
        learning_rate: float = 5e-3,
    ) -> None:
        self.target = target
        self.importance = importance
        self.members = members
        self.layers = layers
        self.width = width
        self.dropout = dropout
        self.steps = steps
        self.learning_rate = learning_rate

    def settings(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        target = self.target if isinstance(self.target, str) else list(self.target)
        importance = None if self.importance is None else [float(weight) for weight in self.importance]
        names = ("members", "layers", "width", "dropout", "steps", "learning_rate")
        return {"target": target, "importance": importance, **{name: getattr(self, name) for name in names}}

    @property
    def relations_(self) -> Values:
        """(tasks, tasks) correlations of the tasks that the process found, without noise."""
        self._check_fitted()
        relations: Values = self.process_.scales_.relations
        return relations

    def _targets(self, targets: ArrayLike, population: Population) -> Values:
        values = as_numbers("targets", targets)
        if values.ndim < 2:
            return super()._targets(values, population)
        check_tasks(values, population)
        return values

    def _weights(self, weights: ArrayLike | None, values: Values, population: Population) -> Values:
        if weights is None or np.ndim(weights) < 2:
            importance = super()._weights(weights, values, population)
            importance = importance if values.ndim == 1 else np.repeat(importance[:, None], values.shape[1], axis=1)
        else:
            importance = as_numbers("weights", weights)
        if importance.shape != values.shape:
            raise TargetError(f"weights must be of the targets' shape {values.shape}, got {importance.shape}.")
        known = np.isfinite(values)
        if not np.isfinite(importance[known]).all() or (importance[known] < 0).any():
            raise TargetError("weights must be finite and not negative.")
        total = np.where(known, importance, 0).sum(axis=0)
        if (total == 0).any():
            raise TargetError("weights must not be all zero in any task; leave the task out.")
        return np.asarray(np.where(known, importance, 0) * known.sum(axis=0) / total)

    def _fit(self, population: Population, targets: Values, weights: Values, rng: np.random.Generator) -> Prediction:
        check_network_settings(self)
        self.flat_ = targets.ndim == 1
        targets, weights = targets.reshape(len(population), -1), weights.reshape(len(population), -1)
        tasks = targets.shape[1]
        self.scales_ = [
            TargetScale.fit(column[np.isfinite(column)], kind)
            for column, kind in zip(targets.T, self._kinds(tasks), strict=True)
        ]
        scores = np.stack([scale.score(column) for scale, column in zip(self.scales_, targets.T, strict=True)], axis=1)
        fold = tasks_folds(np.isfinite(scores), self.members, rng)
        blocks = feature_blocks(population)
        models = {"process": self._fit_processes(blocks, scores, weights, fold, rng)}
        models["network"] = self._fit_network(population, blocks, scores, weights, fold, rng)
        models["alone"] = self._fit_alone(blocks, scores, weights, fold, rng) if tasks > 1 else models["process"]
        held_out = [models[name] for name in MODELS]
        self.shares_ = np.stack([_shares(held_out, task, scores[:, task]) for task in range(tasks)])
        means = np.stack([model.mean for model in held_out])  # (models, n, tasks)
        self.sharing_ = [judged(means[:, :, task], self.shares_[task], scores[:, task]) for task in range(tasks)]
        return self._mixed(held_out)

    def _kinds(self, tasks: int) -> list[TargetKind]:
        """Return the kind of each task, after checking what is said of each."""
        target: Any = self.target
        kinds: list[Any] = [target] * tasks if isinstance(target, str) else list(target)
        for what, given in (("target", kinds), ("importance", self.importance)):
            if given is not None and len(given) != tasks:
                raise SettingError(f"multitask: {what} tells of {len(given)} tasks, but there are {tasks}.")
        if any(not 0 < weight < np.inf for weight in self.importance or ()):
            raise SettingError(f"multitask: importance must be positive and finite, got {list(self.importance or ())}.")
        return kinds

    def _fit_processes(
        self, blocks: Blocks, scores: Values, weights: Values, fold: NDArray[np.int64], rng: np.random.Generator
    ) -> _Scores:
        """Fit the process of all tasks; return what is said of each fold by a process that did not see it."""
        self.process_ = Coregionalised(_parts(blocks)).fit(blocks, scores, weights, rng=rng)
        return _held_out(blocks, scores, weights, fold, rng)

    def _fit_alone(
        self, blocks: Blocks, scores: Values, weights: Values, fold: NDArray[np.int64], rng: np.random.Generator
    ) -> _Scores:
        """Fit a process to each task; return what is said of each fold by processes that did not see it."""
        self.alone_, held_out = [], []
        for task in range(scores.shape[1]):
            own = scores[:, [task]], weights[:, [task]]
            self.alone_.append(Coregionalised(_parts(blocks)).fit(blocks, *own, rng=rng))
            held_out.append(_held_out(blocks, *own, fold, rng))
        return _beside(held_out)

    def _fit_network(
        self,
        population: Population,
        blocks: Blocks,
        scores: Values,
        weights: Values,
        fold: NDArray[np.int64],
        rng: np.random.Generator,
    ) -> _Scores:
        """Fit the network; return what is said of each fold by the member that left it out."""
        tasks = scores.shape[1]
        left_out = fold == np.arange(self.members)[:, None]  # (members, n)
        kept = torch.from_numpy(weights * ~left_out[:, :, None]).float()
        importance = np.ones(tasks) if self.importance is None else np.array(self.importance) / np.mean(self.importance)
        with one_thread(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(rng.integers(2**63)))
            operations = len(population.space.graphs(population[:1]).names)
            self.network_ = self._network(operations, sum(block.shape[1] for block in blocks), tasks)
            train(
                self.network_,
                population,
                _joined(blocks),
                torch.from_numpy(scores).float(),
                kept,
                torch.from_numpy(importance).float(),
                steps=self.steps,
                learning_rate=self.learning_rate,
            )
        said = self._network_scores(population, blocks)  # (members, n, tasks)
        mean = np.where(left_out.any(axis=0)[:, None], (said * left_out[:, :, None]).sum(axis=0), np.nan)
        far = np.abs(scores - mean)
        known = np.isfinite(far).any(axis=0)
        self.residual_ = np.ones(tasks)
        self.residual_[known] = 1.4826 * np.nanmedian(far[:, known], axis=0)
        return _Scores(mean, np.sqrt(said.std(axis=0) ** 2 + self.residual_**2))

    def _network(self, operations: int, features: int, tasks: int) -> SharedNetwork:
        return SharedNetwork(
            self.members, operations, features, tasks, width=self.width, layers=self.layers, dropout=self.dropout
        )

    def _network_scores(self, population: Population, blocks: Blocks) -> Values:
        """Return (members, n, tasks) scores."""
        from surrogate_nas.encoding.graphs import graph_batch

        code = _joined(blocks)
        with one_thread(), torch.no_grad():
            parts = [
                self.network_(graph_batch(population[rows.numpy()]), code[rows])
                for rows in torch.split(torch.arange(len(population)), PREDICTED_AT_ONCE)
            ]
        said: Values = torch.cat(parts, dim=1).double().numpy()
        return said

    def _predict(self, population: Population) -> Prediction:
        blocks = feature_blocks(population)
        said = self._network_scores(population, blocks)
        process = _of(self.process_, blocks)
        alone = _beside([_of(own, blocks) for own in self.alone_]) if len(self.scales_) > 1 else process
        network = _Scores(said.mean(axis=0), np.sqrt(said.std(axis=0) ** 2 + self.residual_**2))
        return self._mixed([process, network, alone])

    def _mixed(self, models: Sequence[_Scores]) -> Prediction:
        """Return the prediction of a mixture of models, whose variance is the mean one plus that of their means."""
        means, stds = np.stack([model.mean for model in models]), np.stack([model.std for model in models])
        part = self.shares_.T[:, None, :]  # (models, 1, tasks)
        mean = (part * means).sum(axis=0)
        std = np.sqrt((part * (stds**2 + (means - mean) ** 2)).sum(axis=0))
        columns = list(zip(self.scales_, mean.T, std.T, strict=True))
        mean = np.stack([scale.target(own) for scale, own, _ in columns], axis=1)
        std = np.stack([scale.deviation(own, wide) for scale, own, wide in columns], axis=1)
        return Prediction(mean[:, 0], std[:, 0]) if self.flat_ else Prediction(mean, std)

    def _state(self) -> Arrays:
        state = {f"network.{name}": tensor.numpy() for name, tensor in self.network_.state_dict().items()}
        for position, process in enumerate([self.process_, *(self.alone_ if len(self.scales_) > 1 else [])]):
            state |= {f"process_{position}.{name}": array for name, array in process.state().items()}
        numbers = np.stack([scale.numbers() for scale in self.scales_])
        return {
            **state,
            "scales": numbers,
            "shares": self.shares_,
            "residual": self.residual_,
            "flat": np.array(self.flat_),
        }

    def _restore(self, state: Arrays) -> None:
        numbers = state["scales"]
        tasks = len(numbers)
        self.scales_ = [TargetScale(kind, *of.tolist()) for kind, of in zip(self._kinds(tasks), numbers, strict=True)]
        self.shares_, self.residual_, self.flat_ = state["shares"], state["residual"], bool(state["flat"])
        processes = []
        for position in range(1 + tasks if tasks > 1 else 1):
            own = _below(f"process_{position}.", state)
            process = Coregionalised(APART_AND_TOGETHER if "block_1" in own else ALONE)
            process.restore(own)
            processes.append(process)
        self.process_, self.alone_ = processes[0], processes[1:]
        weights = {name: torch.from_numpy(array) for name, array in _below("network.", state).items()}
        features = sum(block.shape[1] for block in self.process_.blocks_)
        with torch.random.fork_rng(devices=[]):
            self.network_ = self._network(weights["embedding"].shape[1], features, tasks)
        self.network_.load_state_dict(weights)
        self.network_.eval()


def _held_out(
    blocks: Blocks, scores: Values, weights: Values, fold: NDArray[np.int64], rng: np.random.Generator
) -> _Scores:
    """Return what processes fitted to the other folds say of each; NaN where nothing could be left out."""
    mean, std = np.full(scores.shape, np.nan), np.ones(scores.shape)
    for held in range(fold.max() + 1):
        inside, rest = fold == held, fold != held
        if not np.isfinite(scores[rest]).any(axis=0).all():  # a task would have no label left
            continue
        process = Coregionalised(_parts(blocks))
        process.fit([block[rest] for block in blocks], scores[rest], weights[rest], rng=rng)
        said = _of(process, [block[inside] for block in blocks])
        mean[inside], std[inside] = said.mean, said.std
    return _Scores(mean, std)


def _shares(held_out: Sequence[_Scores], task: int, truth: Values) -> Values:
    """Return the (models,) shares in a task's predictions."""
    said = np.stack([model.mean[:, task] for model in held_out])
    expected = EXPECTED * likely_shares(said, truth) ** CAUTION
    return shares(said, truth, expected=expected / expected.sum(), trust=TRUST)


def _of(process: Coregionalised, blocks: Blocks) -> _Scores:
    mean, variance = process.predict(blocks)
    return _Scores(mean, np.sqrt(variance))


def _beside(parts: Sequence[_Scores]) -> _Scores:
    return _Scores(np.hstack([part.mean for part in parts]), np.hstack([part.std for part in parts]))


def _parts(blocks: Blocks) -> Parts:
    return APART_AND_TOGETHER if len(blocks) > 1 else ALONE


def _joined(blocks: Blocks) -> torch.Tensor:
    return torch.from_numpy(np.hstack(blocks)).float()


def _below(prefix: str, state: Arrays) -> Arrays:
    return {name.removeprefix(prefix): array for name, array in state.items() if name.startswith(prefix)}
