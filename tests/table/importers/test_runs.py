"""Runs of numbers are read as what unpickling them would give."""

from __future__ import annotations

import math
import pickle
import re
import struct

import numpy as np
import pytest

from surrogate_nas.errors import TableFormatError
from surrogate_nas.table.importers.runs import AGAIN, MOST_FORMS, RUN, Numbers, RunForms


def numbered(values: list[float]) -> bytes:
    """A run whose keys are whole numbers."""
    return b"".join(b"K%cG%b" % (key, struct.pack(">d", value)) for key, value in enumerate(values))


def named(texts: list[str], place: int, values: list[float]) -> bytes:
    """A run whose keys are texts, which have the places in the memo from the one given on."""
    return b"".join(
        b"X%b%br%bG%b"
        % (len(text).to_bytes(4, "little"), text.encode(), at.to_bytes(4, "little"), struct.pack(">d", v))
        for at, (text, v) in enumerate(zip(texts, values, strict=True), start=place)
    )


def again(places: list[int], values: list[float]) -> bytes:
    """A run whose keys are known by their places."""
    pairs = zip(places, values, strict=True)
    return b"".join(b"j%bG%b" % (place.to_bytes(4, "little"), struct.pack(">d", v)) for place, v in pairs)


TEXTS = [f"x-valid@{epoch}" for epoch in (*range(8, 12), *range(98, 102))]
VALUES = [number / 7 for number in range(8)]


@pytest.mark.parametrize("known", [False, True])
def test_a_run_is_read_whether_its_form_is_known_or_new(known: bool) -> None:
    forms = RunForms()
    if known:
        assert not forms.find(named(TEXTS, 300, VALUES), 0)
        [*forms.runs(named(TEXTS, 300, VALUES) + numbered(VALUES))]
        assert forms.find(named(TEXTS, 900, VALUES[::-1]) + b"u", 0) == named(TEXTS, 900, VALUES[::-1])
    one, two, three = forms.runs(named(TEXTS, 70000, VALUES) + numbered(VALUES[::-1]) + again([7, 9], [0.5, 1.5]))
    assert (one.keys, one.places, one.values.tolist()) == (tuple(TEXTS), range(70000, 70008), VALUES)
    assert (two.keys, two.places, two.values.tolist()) == (range(8), range(0), VALUES[::-1])
    assert (three.keys, three.places, three.values.tolist()) == (None, [7, 9], [0.5, 1.5])


def test_a_run_that_goes_on_is_of_another_form() -> None:
    forms = RunForms()
    [*forms.runs(numbered(VALUES[:5]))]
    assert forms.find(numbered(VALUES[:5]) + b"u", 0) == numbered(VALUES[:5])
    assert not forms.find(numbered(VALUES), 0)
    assert not forms.find(numbered(VALUES[:5])[:-1], 0)
    assert [run.values.tolist() for run in forms.runs(numbered(VALUES))] == [VALUES]


def test_any_number_of_forms_is_read_and_not_all_are_remembered() -> None:
    forms = RunForms()
    for number in range(MOST_FORMS + 5):
        texts = [f"{number}-{at}@{at}" for at in range(3)]
        (run,) = forms.runs(named(texts, 300, VALUES[:3]))
        assert run.keys == tuple(texts)
    assert forms.find(named([f"0-{at}@{at}" for at in range(3)], 9, VALUES[:3]), 0)
    assert not forms.find(named(texts, 9, VALUES[:3]), 0)


def test_bytes_that_are_no_run_are_refused() -> None:
    with pytest.raises(TableFormatError, match="changed"):
        [*RunForms().runs(numbered(VALUES) + b"u")]


def test_a_pickler_writes_runs_like_these() -> None:
    values = dict(enumerate(VALUES)) | dict(zip(TEXTS, VALUES, strict=True))
    written = pickle.dumps([[f"a text {number}" for number in range(300)], values, values], 2)
    assert numbered(VALUES) in written
    assert re.search(RUN + rb"u", written, re.DOTALL)
    assert re.fullmatch(AGAIN, again([400, 401], [1, 2]), re.DOTALL)


def test_numbers_are_a_dictionary_that_gives_arrays() -> None:
    numbers = Numbers(tuple(TEXTS), np.array(VALUES))
    assert numbers == dict(zip(TEXTS, VALUES, strict=True))
    assert repr(numbers) == repr(dict(zip(TEXTS, VALUES, strict=True)))
    assert numbers.at(tuple(TEXTS)).tolist() == VALUES
    first, missing, last = numbers.at((TEXTS[0], "x-valid@7", TEXTS[-1]))
    assert (first, last) == (VALUES[0], VALUES[-1])
    assert math.isnan(missing)
    with pytest.raises(KeyError):
        numbers["x-valid@7"]
