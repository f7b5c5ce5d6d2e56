"""Cells as drawings."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast
from xml.etree import ElementTree

import pytest

from surrogate_nas.errors import SettingError
from surrogate_nas.report.cell import cell_svg
from surrogate_nas.space import NB201, CellSpace, Population

# Node 1 feeds nothing: the edge from the input to it is dead. Two zeros and a skip.
CELL = "|nor_conv_3x3~0|+|nor_conv_1x1~0|none~1|+|skip_connect~0|none~1|avg_pool_3x3~2|"


def drawn(text: str, **options: Any) -> ElementTree.Element:
    return ElementTree.fromstring(cell_svg(NB201.parse(text), **options))


def test_every_operation_but_zero_is_an_edge_of_its_class() -> None:
    classes = [path.attrib["class"] for path in drawn(CELL).iter("path")]
    assert classes == ["edge nor_conv_3x3 dead", "edge nor_conv_1x1", "edge skip_connect", "edge avg_pool_3x3"]


def test_nodes_and_operations_are_named() -> None:
    names = [text.text for text in drawn(CELL).iter("text")]
    assert names == ["conv 3×3", "conv 1×1", "skip", "pool 3×3", "in", "1", "2", "out"]  # noqa: RUF001


def test_neighbours_are_joined_by_a_line_and_others_by_an_arc() -> None:
    conv, arc, outer, pool = (path.attrib["d"] for path in drawn(CELL).iter("path"))
    assert conv == "M30 0H170"
    assert arc == "M30 0C86 -92 254 -92 310 0"
    assert outer == "M30 0C114 -158 366 -158 450 0"
    assert pool == "M310 0H450"


def test_edges_that_skip_a_later_node_hang_below_the_row() -> None:
    (path,) = drawn("|none~0|+|none~0|none~1|+|none~0|nor_conv_3x3~1|none~2|").iter("path")
    assert path.attrib["d"] == "M170 0C226 92 394 92 450 0"


def test_the_frame_holds_the_highest_and_the_lowest_arc() -> None:
    # The outer arc peaks at 3/4 of 158, the lower one at 3/4 of 92; 30 around.
    assert drawn(CELL).attrib["viewBox"] == "0 -148 480 248"


def test_a_small_drawing_has_the_same_edges_and_no_names() -> None:
    small = drawn(CELL, labelled=False)
    assert [path.attrib["d"] for path in small.iter("path")] == [path.attrib["d"] for path in drawn(CELL).iter("path")]
    assert list(small.iter("text")) == []
    assert small.attrib["class"] == "cell small"


def test_the_title_is_the_text_of_the_architecture() -> None:
    assert drawn(CELL).findtext("title") == CELL


def test_operations_of_other_spaces_are_escaped_and_keep_their_name() -> None:
    space = CellSpace(name="other", operations=("none", "skip_connect", 'a<"b'), nodes=3)
    (architecture,) = space.parse('|a<"b~0|+|none~0|a<"b~1|')
    svg = ElementTree.fromstring(cell_svg(architecture))
    assert [text.text for text in svg.iter("text")] == ['a<"b', 'a<"b', "in", "1", "out"]


def test_only_cells_can_be_drawn() -> None:
    chain = cast("Population", SimpleNamespace(space=SimpleNamespace(name="chain")))
    with pytest.raises(SettingError, match="only cells can be drawn, got an architecture of space 'chain'"):
        cell_svg(chain)
