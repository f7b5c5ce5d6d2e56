"""A graph neural network on the operation-on-node graph, trained to rank."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from surrogate_nas.encoding.features import all_features
from surrogate_nas.encoding.graphs import graph_batch
from surrogate_nas.encoding.thresholds import ThresholdCode
from surrogate_nas.encoding.untrained import untrained
from surrogate_nas.errors import SettingError
from surrogate_nas.predictor.base import Arrays, Prediction, Predictor, Values
from surrogate_nas.predictor.calibration import folds, held_out
from surrogate_nas.predictor.graph_network import GraphNetwork, ranking_loss
from surrogate_nas.predictor.targets import TargetKind, TargetScale
from surrogate_nas.settings import integer
from surrogate_nas.space import Population
from surrogate_nas.threads import one_thread

BATCH = 256  # architectures of a step; pairs are ranked within it
LEAST_EPOCHS = 30  # passes over many labels, where the steps alone would be fewer
WEIGHT_DECAY = 0.01
PREDICTED_AT_ONCE = 1024  # architectures whose nodes fit a processor's cache


class Graph(Predictor):
    """Several gated graph networks, whose readout is joined with the features and what untrained networks tell.

    They learn to order pairs (the logistic loss of RankNet: Burges et al., ICML 2005, section 3) and, with less weight,
    the score itself. Each member leaves out a fold of the architectures, which tells how far predictions are off. The
    deviation is that distance, larger where the members disagree.

    Args:
        members: number of networks.
        layers: graph convolutions in each direction.
        width: channels of a node.
        dropout: share of the head's inputs that is left out in training.
        steps: optimiser steps, at least.
        learning_rate: the highest, of a one-cycle schedule.
        target: what is predicted; accuracies are learned by their logarithmic error.
    """

    name = "graph"

    def __init__(
        self,
        *,
        members: int = 3,
        layers: int = 3,
        width: int = 32,
        dropout: float = 0.1,
        steps: int = 40,
        learning_rate: float = 5e-3,
        target: TargetKind = "accuracy",
    ) -> None:
        self.members = members
        self.layers = layers
        self.width = width
        self.dropout = dropout
        self.steps = steps
        self.learning_rate = learning_rate
        self.target = target

    def settings(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        names = ("members", "layers", "width", "dropout", "steps", "learning_rate", "target")
        return {name: getattr(self, name) for name in names}

    def _fit(self, population: Population, targets: Values, weights: Values, rng: np.random.Generator) -> Prediction:
        check_network_settings(self)
        self.scale_ = TargetScale.fit(targets, self.target)
        self.code_ = ThresholdCode.fit(all_features(population))
        score = self.scale_.score(targets)
        left_out = folds(len(population), self.members, rng=rng) == np.arange(self.members)[:, None]
        weight = torch.from_numpy(weights * ~left_out).float()  # (members, n)
        with one_thread(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(rng.integers(2**63)))
            code = self._code(population)
            self.network_ = self._network(len(population.space.graphs(population[:1]).names), code.shape[1])
            self._train(population, code, torch.from_numpy(score).float(), weight)
        mean, spread, self.residual_ = held_out(self._scores(population), left_out, score)
        return self._prediction(mean, spread)

    def _network(self, operations: int, features: int) -> GraphNetwork:
        """Return an untrained network, initialised from PyTorch's global generator."""
        return GraphNetwork(
            self.members,
            operations,
            features,
            width=self.width,
            layers=self.layers,
            dropout=self.dropout,
        )

    def _code(self, population: Population) -> Tensor:
        code = self.code_(all_features(population))
        return torch.from_numpy(np.hstack([code, untrained(population)])).float()

    def _train(self, population: Population, code: Tensor, score: Tensor, weight: Tensor) -> None:
        batches = math.ceil(len(score) / BATCH)  # of an epoch
        epochs = max(math.ceil(self.steps / batches), LEAST_EPOCHS)
        optimiser = torch.optim.AdamW(self.network_.parameters(), weight_decay=WEIGHT_DECAY, fused=True)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, self.learning_rate, total_steps=epochs * batches)
        for _ in range(epochs):
            for rows in torch.randperm(len(score)).chunk(batches):
                scores = self.network_(graph_batch(population[rows.numpy()]), code[rows])
                loss = ranking_loss(scores, score[rows], weight[:, rows]).sum()
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                schedule.step()
        self.network_.eval()

    def _predict(self, population: Population) -> Prediction:
        scores = self._scores(population)
        return self._prediction(scores.mean(axis=0), scores.std(axis=0))

    def _prediction(self, mean: Values, spread: Values) -> Prediction:
        """Return the prediction of (n,) mean scores of the members, whose deviations are the (n,) spread."""
        return Prediction(self.scale_.target(mean), self.scale_.deviation(mean, np.sqrt(spread**2 + self.residual_**2)))

    def _scores(self, population: Population) -> Values:
        """Return (members, n) scores."""
        code = self._code(population)
        with one_thread(), torch.no_grad():
            parts = [
                self.network_(graph_batch(population[rows.numpy()]), code[rows])
                for rows in torch.arange(len(population)).split(PREDICTED_AT_ONCE)
            ]
        scores: Values = torch.cat(parts, dim=1).double().numpy()
        return scores

    def _state(self) -> Arrays:
        weights = {f"network.{name}": tensor.numpy() for name, tensor in self.network_.state_dict().items()}
        numbers = {"code": self.code_.numbers(), "scale": self.scale_.numbers(), "residual": np.array(self.residual_)}
        return {**weights, **numbers}

    def _restore(self, state: Arrays) -> None:
        self.scale_ = TargetScale(self.target, *state["scale"].tolist())
        self.residual_ = state["residual"].item()
        self.code_ = ThresholdCode.of(state["code"])
        weights = {name: torch.from_numpy(array) for name, array in state.items() if name.startswith("network.")}
        with torch.random.fork_rng(devices=[]):
            features = state["network.hidden.weight"].shape[1] - self.width
            self.network_ = self._network(state["network.embedding"].shape[1], features)
        self.network_.load_state_dict({name.removeprefix("network."): tensor for name, tensor in weights.items()})
        self.network_.eval()


def check_network_settings(predictor: Any) -> None:
    """Raise if the settings of a predictor's network are outside what is allowed.

    Raises:
        SettingError: one is.
    """
    for name in ("members", "layers", "width", "steps"):
        integer(f"{predictor.name}: {name}", getattr(predictor, name), least=1)
    if not 0 <= predictor.dropout < 1:
        raise SettingError(f"{predictor.name}: dropout must be at least 0 and below 1, got {predictor.dropout}.")
    if not 0 < predictor.learning_rate < math.inf:
        raise SettingError(
            f"{predictor.name}: learning_rate must be positive and finite, got {predictor.learning_rate}."
        )
