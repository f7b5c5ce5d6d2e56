"""Repetitions that give nothing back, in both ways of writing them."""

from __future__ import annotations

import re

import pytest

from surrogate_nas.table.importers import repetition
from surrogate_nas.table.importers.repetition import repeated

RIGHT = pytest.mark.skipif(not repetition.POSSESSIVE, reason="this Python matches possessive repetitions wrongly")


@pytest.fixture(params=[False, pytest.param(True, marks=RIGHT)], ids=["atomic", "possessive"])
def _written(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repetition, "POSSESSIVE", request.param)


@pytest.mark.usefixtures("_written")
@pytest.mark.parametrize(("times", "text", "length"), [(b"+", b"abcab-", 5), (b"*", b"-", 0), (b"{2,}", b"ababab", 6)])
def test_as_many_as_there_are_are_taken(times: bytes, text: bytes, length: int) -> None:
    found = re.match(repeated(b"abc|ab", times), text)
    assert found is not None
    assert found.end() == length


@pytest.mark.usefixtures("_written")
def test_none_is_given_back() -> None:
    assert re.match(repeated(b"a|b") + b"b", b"abb") is None
    assert re.match(b"(?:a|b)+b", b"abb") is not None
    assert re.match(repeated(b"ab", b"{3,}"), b"abab") is None
