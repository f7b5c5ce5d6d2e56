"""Path, degree and operation-count features of cells, sizes of chains; no label is ever among them."""

from __future__ import annotations

from functools import lru_cache
from itertools import chain, combinations, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surrogate_nas.encoding.costs import flops, parameters
from surrogate_nas.encoding.settings import setting_features
from surrogate_nas.encoding.untrained import untrained
from surrogate_nas.errors import SettingError
from surrogate_nas.space.base import SearchSpace
from surrogate_nas.space.cell import KERNEL_SIZES, CellSpace
from surrogate_nas.space.joint import JointSpace
from surrogate_nas.space.population import Population
from surrogate_nas.space.widths import WidthSpace


def features(population: Population) -> NDArray[np.float32]:
    """Return the (n, f) features of each architecture, equal for architectures that compute the same function.

    The features are those of the architecture that represents the class: which operation each edge carries; how often
    each occurs; for every set of operations the number, least and greatest length of the paths from input to output
    that use no other; the operations of each path; the greatest and summed depth in convolutions; how many edges of
    each operation enter and leave each node; the logarithms of FLOPs and parameters of the representative. Those of a
    chain are the logarithms of its widths, of the products of consecutive ones, and of the sum of these.

    Raises:
        SettingError: the space has neither cells nor chains.
    """
    space = population.space
    if isinstance(space, JointSpace):
        return np.hstack([features(space.architectures(population)), setting_features(population)])
    if isinstance(space, WidthSpace):
        return _chain_features(space, population.decisions)
    if not isinstance(space, CellSpace):
        raise SettingError(f"features are defined for cells and chains, got architectures of space {space.name!r}.")
    classes, matrix = _class_features(space)
    return matrix[np.searchsorted(classes, space.represent(population).index)]


@lru_cache
def kinds(space: SearchSpace) -> NDArray[np.int64]:
    """Return (f,) which kind each feature is of: a number for all that tell the same thing of different places.

    Of cells there are seven kinds, in the order in which ``features`` tells them: edges, counts, paths, sets of
    operations, depths, nodes and sizes. Those of a chain are of one kind, and so are settings beside an architecture.

    Raises:
        SettingError: the space has neither cells nor chains.
    """
    if isinstance(space, JointSpace):
        inner = kinds(space.inner)
        settings = features(space.at(np.zeros(1, dtype=np.int64))).shape[1] - len(inner)
        return np.append(inner, np.full(settings, inner.max() + 1))
    if not isinstance(space, CellSpace):
        return np.zeros(features(space.at(np.zeros(1, dtype=np.int64))).shape[1], dtype=np.int64)
    blocks = _blocks(space, space.representatives().decisions[:1])
    return np.repeat(np.arange(len(blocks)), [block.shape[1] for block in blocks])


def all_features(population: Population) -> NDArray[np.float32]:
    """Return the (n, f) features of each architecture, and after them what untrained networks tell of it.

    Raises:
        SettingError: the space has neither cells nor chains.
    """
    return np.hstack([features(population), untrained(population)])


@lru_cache  # a search encodes the same candidates again and again
def _class_features(space: CellSpace) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the sorted (classes,) positions of all representatives in the space, and their (classes, f) features."""
    representatives = space.representatives()
    return representatives.index, _features(space, representatives.decisions)


def _features(space: CellSpace, decisions: NDArray[np.int8]) -> NDArray[np.float32]:
    """Return (n, f) features of (n, k) decisions in which edges that are not live carry zeros."""
    return np.concatenate([block.astype(np.float32) for block in _blocks(space, decisions)], axis=1)


def _blocks(space: CellSpace, decisions: NDArray[np.int8]) -> list[NDArray[Any]]:
    """Return the features of (n, k) decisions, (n, columns) of each kind."""
    cells = Population(space, decisions)
    passing = [option for option, name in enumerate(space.operations) if name != space.zero]
    carries = np.stack([decisions == option for option in passing], axis=2)  # (n, k, operations)
    nodes = np.eye(space.nodes, dtype=np.float32)
    sources, targets = (nodes[list(of)] for of in zip(*space.edges, strict=True))  # (k, nodes)
    paths = path_edges(space)  # (paths, k)
    per_path = np.einsum("pk,nko->npo", paths, carries, dtype=np.float32)  # operations on each path
    whole = per_path.sum(axis=2) == paths.sum(axis=1)  # (n, paths)
    over = [_path_statistics(per_path[:, :, list(subset)].sum(axis=2), paths) for subset in _subsets(len(passing))]
    through = [
        np.einsum("kv,nko->nvo", ends, carries, dtype=np.float32).reshape(len(cells), -1) for ends in (sources, targets)
    ]
    return [
        carries.reshape(len(cells), -1),
        carries.sum(axis=1),
        (per_path * whole[:, :, None]).reshape(len(cells), -1),
        np.hstack(over),
        _depths(per_path[:, :, _convolutions(space, passing)].sum(axis=2) * whole),
        np.hstack(through),
        np.log(np.stack([flops(cells), parameters(cells)], axis=1)),
    ]


def _chain_features(space: WidthSpace, decisions: NDArray[np.int8]) -> NDArray[np.float32]:
    """Return (n, 2 k) features of (n, k) decisions."""
    widths = np.array(space.widths, dtype=np.float32)[decisions]
    weights = widths[:, 1:] * widths[:, :-1]
    sizes = np.hstack([widths, weights, weights.sum(axis=1, keepdims=True)])
    return np.asarray(np.log(sizes))


def _path_statistics(used: NDArray[np.float32], paths: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (n, 3): number, least and greatest length of the paths all of whose edges are among those counted.

    Shapes:
        used (n, paths) edges of each path that carry an operation of the set, paths (paths, k)
    """
    length = paths.sum(axis=1)
    inside = used == length  # (n, paths)
    none = length.max() + 1  # no path at all is longer than any
    least = np.where(inside, length, none).min(axis=1)
    return np.stack([inside.sum(axis=1), least, np.where(inside, length, 0).max(axis=1)], axis=1)


def _depths(convolutions: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (n, 2): the greatest and the summed number of convolutions on the (n, paths) paths."""
    return np.stack([convolutions.max(axis=1), convolutions.sum(axis=1)], axis=1)


def _convolutions(space: CellSpace, passing: list[int]) -> list[int]:
    return [column for column, option in enumerate(passing) if space.operations[option] in KERNEL_SIZES]


@lru_cache
def path_edges(space: CellSpace) -> NDArray[np.float32]:
    """Return (paths, k): 1 where an edge lies on a path from the input to the output, a row a path."""
    inner = range(1, space.nodes - 1)
    rows = []
    for between in chain.from_iterable(combinations(inner, count) for count in range(space.nodes - 1)):
        nodes = (0, *between, space.nodes - 1)
        steps = set(pairwise(nodes))
        rows.append([float(edge in steps) for edge in space.edges])
    return np.array(rows, dtype=np.float32)


def _subsets(count: int) -> list[tuple[int, ...]]:
    """Return all nonempty subsets of ``range(count)``."""
    return list(chain.from_iterable(combinations(range(count), size) for size in range(1, count + 1)))
