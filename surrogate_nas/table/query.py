"""Many queries of a table at once: every argument may differ from query to query."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surrogate_nas.errors import NotMeasuredError, SettingError, expected
from surrogate_nas.space import Population

if TYPE_CHECKING:
    from surrogate_nas.table.table import Table

BLOCK = 2**14  # queries that are answered at a time: what is in between stays in the processor's cache


def query(table: Table, population: Population, measure: str, **asked: ArrayLike | None) -> NDArray[np.float64]:
    """Return the (m,) answers to m queries, NaN where an architecture was not measured.

    Args:
        table: what is asked.
        population: m architectures.
        measure: one of ``MEASURES``.
        asked: data set, split, epochs and seed, in this order: one value, or (m,) of them, each.

    Raises:
        NotMeasuredError: the table has no such column.
        SettingError: an argument has another length than there are architectures.
    """
    table.space.check(population)
    m = len(population)
    wrong = [name for name, values in asked.items() if np.shape(values) not in ((), (m,))]  # type: ignore[arg-type]
    if wrong:
        raise SettingError(f"query: {wrong[0]} must be one value, or one for each of {m} architectures.")
    arguments = [_Argument(table, name, np.asarray(values)) for name, values in asked.items()]
    blocks = [slice(start, start + BLOCK) for start in range(0, m, BLOCK)]
    combination = np.zeros(m, dtype=np.int32)  # of each query, among all combinations of the arguments' options
    for block in blocks:
        for argument in arguments:
            combination[block] *= len(argument.options)
            combination[block] += argument.codes(block)
    combinations = list(product(*(argument.options for argument in arguments)))
    occurring = np.flatnonzero(np.bincount(combination, minlength=1))
    width = 1 + len(table)
    dense = np.full((len(occurring), width), np.nan)  # the first of each row stands for what the table does not hold
    start = np.zeros(len(combinations), dtype=np.int64)
    for at, position in enumerate(occurring):
        dense[at, 1:] = table.column(measure, *combinations[position])
        start[position] = at * width + 1
    answers = np.empty(m)
    for block in blocks:
        rows = table.row_of.take(population.space.rank(population.decisions[block]))
        answers[block] = dense.ravel().take(start.take(combination[block]) + rows)
    return answers


class _Argument:
    """One argument of m queries: its options, and which of them each query takes.

    Raises:
        NotMeasuredError: from ``codes``; a query asks for what is no option.
    """

    def __init__(self, table: Table, name: str, values: NDArray[Any]) -> None:
        self.name, self.values = name, values
        of_all = values.ndim == 0
        self.options = [values.item()] if of_all else sorted({getattr(column, name) for column in table.columns})

    def codes(self, block: slice) -> NDArray[np.int16] | int:
        """Return the positions among the options of the queries in a block."""
        if self.values.ndim == 0:
            return 0
        values = self.values[block]
        equals = _text_comparison(values) if values.dtype.kind == "U" else partial(operator.eq, values)
        codes = np.zeros(len(values), dtype=np.int16)
        for code, option in enumerate(self.options, start=1):
            codes += equals(option) * np.int16(code)  # ten times faster than to assign through the mask
        if not codes.all():
            raise NotMeasuredError(expected(self.name, values[codes == 0].tolist()[0], self.options))
        return codes - np.int16(1)


def _text_comparison(values: NDArray[np.str_]) -> Callable[[str], NDArray[np.bool_]]:
    """Return what ``values.__eq__`` does, several times faster where all (m,) texts are ASCII.

    NumPy keeps a character in four bytes and compares them one by one; here eight characters are compared at once.
    """
    characters = np.ascontiguousarray(values).view(np.uint32).reshape(len(values), -1)
    if characters.size == 0 or characters.max() > 127:
        return partial(operator.eq, values)
    width = -(-characters.shape[1] // 8) * 8
    octets = np.zeros((len(values), width), dtype=np.uint8)
    for column, letters in enumerate(characters.T):  # rows are too short to be copied one by one
        octets[:, column] = letters
    words = octets.view(np.uint64)

    def equals(text: str) -> NDArray[np.bool_]:
        coded = str(text).encode()
        if len(coded) > width:
            return np.zeros(len(values), dtype=bool)
        wanted = np.frombuffer(coded.ljust(width, b"\0"), dtype=np.uint64)
        equal: NDArray[np.bool_] = words[:, 0] == wanted[0]
        for column in range(1, len(wanted)):
            equal &= words[:, column] == wanted[column]
        return equal

    return equals
