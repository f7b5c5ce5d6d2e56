"""A pickle of protocol 4 or 5, written with its places stated, is read in slices as it is read as a whole."""

from __future__ import annotations

import bz2
import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from surrogate_nas.errors import ForbiddenTypeError
from surrogate_nas.table.curves import CurveWriter
from surrogate_nas.table.importers import slices
from surrogate_nas.table.importers.nats import UNPACKED, import_topology
from surrogate_nas.table.importers.outline import Outline
from surrogate_nas.table.importers.stated import write_stated
from tests.table.importers.test_slices import SHARED_CURVE, records
from tests.table.importers.test_tokens import SMUGGLERS

PROTOCOLS = [4, 5]


def outline(content: object, path: Path, protocol: int) -> Outline:
    with path.open("wb") as file:
        write_stated(io.BytesIO(pickle.dumps(content, protocol)), file, path)
    return slices.cut(path, UNPACKED)


def read(content: dict[str, Any], path: Path, protocol: int) -> list[Any]:
    """All records, from the last to the first."""
    cut = outline(content, path, protocol)
    parts = slices.divided(cut, slices.read(cut, [])["arch2infos"], [*content["arch2infos"]][::-1])
    return [record for part in parts for record in part.records()]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(
    infos=st.dictionaries(st.integers(0, 70000), records, min_size=2, max_size=5), protocol=st.sampled_from(PROTOCOLS)
)
def test_any_records_come_back_as_they_were_pickled(infos: dict[int, Any], protocol: int, tmp_path: Path) -> None:
    content = {"meta_archs": ["one", "two"], "arch2infos": infos, "evaluated_indexes": {*infos}}
    assert repr(read(content, tmp_path / "any", protocol)) == repr([*infos.values()][::-1])


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_frames_cut_runs_and_records_share_texts(protocol: int, tmp_path: Path) -> None:
    infos = {
        number: {
            "12": {"x": number, "shared": dict(SHARED_CURVE), "type": np.float64(number)},
            "200": {f"ori-test@{epoch}": epoch / (number + 1) for epoch in range(200)},
        }
        for number in range(60)
    }
    content = {"meta_archs": ["a text"] * 3, "total_archs": 60, "arch2infos": infos, "evaluated_indexes": {*infos}}
    assert read(content, tmp_path / "frames", protocol) == [*infos.values()][::-1]
    assert slices.read(outline(content, tmp_path / "frames", protocol), [])["evaluated_indexes"] == {*infos}


def test_numbers_stay_in_the_file_until_a_record_is_used(tmp_path: Path) -> None:
    infos = {number: {"12": {}, "200": {f"x-valid@{epoch}": epoch / 3 for epoch in range(200)}} for number in range(40)}
    items = outline({"meta_archs": [], "arch2infos": infos, "evaluated_indexes": ()}, tmp_path / "long", 4).items
    assert max(len(item.body or b"") for item in items) < 200 < (items[5].end - items[5].start) / 20


NAMED = [how for how, (make, name) in SMUGGLERS.items() if make("true")[:1] == b"\x80" and " " not in name]


@pytest.mark.parametrize("how", NAMED)
def test_smuggled_code_is_refused_before_anything_runs(how: str, tmp_path: Path) -> None:
    make, name = SMUGGLERS[how]
    ran = tmp_path / "ran"
    honest = pickle.dumps({"meta_archs": [], "arch2infos": {0: {"12": {}, "200": {0: 0.5}}}}, protocol=2)
    smuggler = make(f"touch {ran}")
    for number, content in enumerate((smuggler, honest[:-2] + b"X\1\0\0\0x" + smuggler[2:-1] + b"u.")):
        path = tmp_path / f"{number}.pickle.pbz2"
        path.write_bytes(bz2.compress(content))
        with (
            CurveWriter(tmp_path / "curves.part") as curves,
            pytest.raises(ForbiddenTypeError, match=name.split(".")[-1]),
        ):
            import_topology(path, "nats", curves)
        assert not ran.exists()
        assert not [*tmp_path.glob(".unpacked*")]
