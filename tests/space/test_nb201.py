"""The NAS-Bench-201 space: texts, neighbours, sampling, graphs, and the key of the computed function."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surrogate_nas.errors import InvalidArchitectureError, SettingError, UnknownSpaceError
from surrogate_nas.space import NB201, CellSpace, Population, get_space

TEXT = "|nor_conv_3x3~0|+|avg_pool_3x3~0|none~1|+|skip_connect~0|nor_conv_1x1~1|nor_conv_3x3~2|"
ALL_TEXTS = set(NB201.enumerate().texts)
indices = st.integers(0, NB201.size - 1)


def cell(text: str) -> Population:
    return NB201.parse(text)


def symbolic(row: np.ndarray) -> tuple[object, ...]:
    """The computed expression of one cell, term by term: the slow and obvious way to what ``key`` hashes."""
    values: list[Counter[object]] = [Counter({"x": 1})] + [Counter() for _ in range(NB201.nodes - 1)]
    for (source, target), option in zip(NB201.edges, row, strict=True):
        operation = NB201.operations[option]
        if operation == "skip_connect":
            values[target] += values[source]
        elif operation != "none" and values[source]:
            values[target][operation, frozenset(values[source].items())] += 1
    return frozenset(values[-1].items())


def test_space_has_15625_architectures_all_different(everything: Population) -> None:
    assert len(everything) == NB201.size == 5**6
    assert len(set(everything.texts)) == NB201.size


def test_every_text_is_parsed_back(everything: Population) -> None:
    assert NB201.parse(everything.texts) == everything


def test_text_names_operations_by_target_and_source() -> None:
    assert NB201.labelled_edges(cell(TEXT)) == (
        (0, 1, "nor_conv_3x3"),
        (0, 2, "avg_pool_3x3"),
        (1, 2, "none"),
        (0, 3, "skip_connect"),
        (1, 3, "nor_conv_1x1"),
        (2, 3, "nor_conv_3x3"),
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        TEXT[:-1],
        TEXT + "|",
        TEXT.replace("~2", "~1"),
        TEXT.replace("nor_conv_1x1", "nor_conv_5x5"),
        TEXT.replace("|+|", "|", 1),
        TEXT.replace("|none~1", ""),
        " " + TEXT,
    ],
)
def test_malformed_text_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(InvalidArchitectureError, match=r"Expected .* with op one of none, skip_connect"):
        NB201.parse(text)


@given(st.text(alphabet="|+~0123_abcdefnor_convskip_connect1x1 ", max_size=120))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        assert NB201.parse(text).text == text
    except InvalidArchitectureError:
        assert text not in ALL_TEXTS


@given(indices)
def test_index_is_the_position_in_the_enumeration(index: int) -> None:
    assert NB201.at(np.array([index])).index.tolist() == [index]


def test_equal_functions_make_4930_classes_and_disconnected_cells_one_of_them(everything: Population) -> None:
    disconnected = ~NB201.live(everything).any(axis=1)
    assert len(np.unique(everything.key)) == 4930
    assert disconnected.sum() == 341
    assert set(everything[disconnected].key) == {0}
    assert (everything.key == 0).sum() == 341


def test_key_tells_apart_exactly_what_a_symbolic_evaluation_tells_apart(everything: Population) -> None:
    expressions = [symbolic(row) for row in everything.decisions]
    pairs = set(zip(expressions, everything.key.tolist(), strict=True))
    assert len(pairs) == len(set(expressions)) == len(set(everything.key.tolist()))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # a zero cuts off what feeds it
        (
            "|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|",
            "|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|",
        ),
        # an identity passes its source on: node 1 is the input
        (
            "|skip_connect~0|+|none~0|none~1|+|none~0|nor_conv_1x1~1|none~2|",
            "|none~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|",
        ),
        # the order of a sum does not matter
        (
            "|nor_conv_3x3~0|+|nor_conv_1x1~0|none~1|+|none~0|skip_connect~1|skip_connect~2|",
            "|nor_conv_1x1~0|+|nor_conv_3x3~0|none~1|+|none~0|skip_connect~1|skip_connect~2|",
        ),
    ],
)
def test_cells_of_equal_function_have_equal_keys(one: str, other: str) -> None:
    assert cell(one).key == cell(other).key


def test_a_term_twice_is_not_a_term_once() -> None:
    once = cell("|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|")
    twice = cell("|skip_connect~0|+|none~0|none~1|+|skip_connect~0|skip_connect~1|none~2|")
    assert once.key != twice.key


def test_representatives_are_the_simplest_of_their_class(everything: Population) -> None:
    representatives = NB201.representatives()
    assert len(representatives) == 4930
    assert NB201.represent(representatives) == representatives
    assert (NB201.represent(everything).key == everything.key).all()
    assert (NB201.represent(everything).decisions != 0).sum(axis=1).max() <= 6
    assert ((NB201.represent(everything).decisions != 0).sum(axis=1) <= (everything.decisions != 0).sum(axis=1)).all()


def test_neighbours_differ_in_exactly_one_decision() -> None:
    around = NB201.neighbours(cell(TEXT))
    assert len(around) == 6 * 4 == len(set(around.texts))
    assert ((around.decisions != cell(TEXT).decisions).sum(axis=1) == 1).all()


def test_neighbours_of_several_come_in_blocks() -> None:
    both = NB201.at(np.array([7, 9000]))
    assert NB201.neighbours(both)[24:] == NB201.neighbours(both[1])


def test_sampling_is_uniform_without_replacement_and_seeded() -> None:
    drawn = NB201.sample(5000, rng=np.random.default_rng(0))
    assert len(set(drawn.index.tolist())) == 5000
    assert drawn == NB201.sample(5000, rng=np.random.default_rng(0))
    share = (drawn.decisions == 3).mean()
    assert share == pytest.approx(1 / 5, abs=0.012)  # 3.5 deviations of a mean of 30,000 draws, finite population aside


def test_more_distinct_architectures_than_there_are_cannot_be_drawn() -> None:
    with pytest.raises(SettingError, match="has 15625 architectures"):
        NB201.sample(15626, rng=np.random.default_rng(0))


def test_graph_has_a_node_for_each_live_operation() -> None:
    graphs = NB201.graphs(cell("|nor_conv_3x3~0|+|none~0|avg_pool_3x3~1|+|none~0|none~1|skip_connect~2|"))
    present = graphs.operations[0] >= 0
    assert [graphs.names[o] for o in graphs.operations[0][present]] == [
        "input",
        "nor_conv_3x3",
        "avg_pool_3x3",
        "skip_connect",
        "output",
    ]
    chain = graphs.adjacency[0][np.ix_(present, present)]
    assert np.argwhere(chain).tolist() == [[0, 1], [1, 2], [2, 3], [3, 4]]


def test_graph_leaves_out_what_cannot_influence_the_output() -> None:
    graphs = NB201.graphs(cell("|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|nor_conv_1x1~2|"))
    assert (graphs.operations[0] >= 0).sum() == 3  # input, the identity, output


def test_a_new_cell_space_is_data() -> None:
    tiny = CellSpace(name="tiny", operations=("none", "skip_connect", "nor_conv_3x3"), nodes=3)
    assert tiny.size == 27
    assert tiny.enumerate()[5].text == "|none~0|+|skip_connect~0|nor_conv_3x3~1|"
    assert tiny.parse(tiny.enumerate().texts) == tiny.enumerate()


def test_unknown_space_is_refused_with_the_known_ones() -> None:
    assert get_space("nb201") is NB201
    with pytest.raises(UnknownSpaceError, match=r"unknown space 'nb202'\. Did you mean 'nb201'"):
        get_space("nb202")
