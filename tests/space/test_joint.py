"""Architectures with settings: what is equal, what is written, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from surrogate_nas.encoding.costs import parameters
from surrogate_nas.encoding.features import features
from surrogate_nas.errors import InvalidArchitectureError, SettingError
from surrogate_nas.space import NB201, Decision, JointSpace
from tests.conftest import CONVOLUTIONS

JOINT = JointSpace(NB201, (Decision("rate", ("0", "1", "2")), Decision("optimiser", ("0", "1"))), (True, False))
EQUAL = (
    "|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|",
    "|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|",
)


def test_text_form_names_the_architecture_and_every_level() -> None:
    text = f"{CONVOLUTIONS}; rate=2; optimiser=1"
    assert JOINT.parse(text).text == text
    assert JOINT.architectures(JOINT.parse(text)).text == CONVOLUTIONS
    assert JOINT.levels(JOINT.parse(text)).tolist() == [[2, 1]]


@pytest.mark.parametrize(
    "end", ["", "; rate=2", "; rate=3; optimiser=0", "; optimiser=0; rate=1", "; rate=0; optimiser=0; x=1"]
)
def test_other_texts_are_refused_with_the_form(end: str) -> None:
    with pytest.raises(InvalidArchitectureError, match="Expected ARCHITECTURE; rate=LEVEL; optimiser=LEVEL"):
        JOINT.parse(CONVOLUTIONS + end)


def test_equal_functions_are_equal_only_at_equal_levels() -> None:
    one, other, apart = JOINT.parse(
        [f"{EQUAL[0]}; rate=1; optimiser=0", f"{EQUAL[1]}; rate=1; optimiser=0", f"{EQUAL[1]}; rate=2; optimiser=0"]
    )
    assert one.key == other.key != apart.key
    assert JOINT.represent(one) == JOINT.represent(other) != JOINT.represent(apart)


def test_features_are_those_of_the_cell_and_of_the_levels() -> None:
    pairs = JOINT.parse([f"{CONVOLUTIONS}; rate={rate}; optimiser=0" for rate in (0, 1, 2)])
    cell = features(NB201.parse(CONVOLUTIONS))
    assert (features(pairs)[:, : cell.shape[1]] == cell).all()
    assert np.unique(features(pairs)[:, cell.shape[1]]).tolist() == [0, 0.5, 1]
    assert len(set(parameters(pairs).tolist())) == 1


def test_too_many_settings_are_refused() -> None:
    many = tuple(Decision(f"s{i}", tuple(map(str, range(32)))) for i in range(10))
    with pytest.raises(SettingError, match="10 settings beside an architecture are too many"):
        JointSpace(NB201, many, (True,) * 10)
