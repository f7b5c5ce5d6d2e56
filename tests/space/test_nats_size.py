"""The size space of NATS-Bench: texts, keys, and the chain that an architecture is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surrogate_nas.errors import InvalidArchitectureError
from surrogate_nas.space import NATS_SIZE, get_space

TEXT = "8:16:24:32:64"


def test_space_has_32768_architectures_in_the_official_order() -> None:
    everything = NATS_SIZE.enumerate()
    assert len(everything) == NATS_SIZE.size == 8**5
    assert everything[:2].texts == ["8:8:8:8:8", "8:8:8:8:16"]  # as NATS-Bench numbers them
    assert everything[284].text == "8:8:40:32:40"
    assert get_space("nats-size") is NATS_SIZE


def test_every_text_is_parsed_back() -> None:
    everything = NATS_SIZE.enumerate()
    assert NATS_SIZE.parse(everything.texts) == everything


@pytest.mark.parametrize(
    "text", ["", "8", "8:16:24:32", TEXT + ":8", "8:16:24:32:65", "08:16:24:32:64", " " + TEXT, "8,16,24,32,64", "²"]
)
def test_malformed_text_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(InvalidArchitectureError, match=r"Expected 5 widths joined by colons, each one of 8, 16, 24"):
        NATS_SIZE.parse(text)


@given(
    st.one_of(
        st.text(alphabet="0123468: ", max_size=16),
        st.lists(st.integers(0, 9)).map(lambda w: ":".join(str(8 * x) for x in w)),
    )
)
def test_any_text_is_parsed_or_refused(text: str) -> None:
    widths = text.split(":")
    valid = len(widths) == 5 and all(width in ("8", "16", "24", "32", "40", "48", "56", "64") for width in widths)
    try:
        assert NATS_SIZE.parse(text).text == text
        assert valid
    except InvalidArchitectureError:
        assert not valid


def test_no_two_architectures_compute_the_same_function() -> None:
    everything = NATS_SIZE.enumerate()
    assert len(np.unique(everything.key)) == NATS_SIZE.size
    assert NATS_SIZE.representatives() == everything
    assert NATS_SIZE.represent(everything[[5, 3]]) == everything[[5, 3]]


def test_the_simplest_architecture_is_the_narrowest() -> None:
    assert NATS_SIZE.simplicity[:2].tolist() == [40, 48]
    assert NATS_SIZE.simplicity[-1] == 5 * 64


def test_neighbours_change_one_width() -> None:
    around = NATS_SIZE.neighbours(NATS_SIZE.parse(TEXT))
    assert len(around) == 5 * 7 == len(set(around.texts))


def test_an_architecture_is_a_chain_of_its_widths() -> None:
    graphs = NATS_SIZE.graphs(NATS_SIZE.parse([TEXT, "64:64:64:64:64"]))
    assert [graphs.names[operation] for operation in graphs.operations[0]] == [
        "input",
        "width_8",
        "width_16",
        "width_24",
        "width_32",
        "width_64",
        "output",
    ]
    assert np.argwhere(graphs.adjacency[1]).tolist() == [[0, 1], [1, 2], [2, 3], [3, 4], [4, 5], [5, 6]]
