"""The official .pth files, rebuilt in their form from three official architectures with the package's own classes."""

from __future__ import annotations

import bz2
import contextlib
import os
import pickle
import struct
import subprocess
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from nas_201_api import ArchResults, NASBench201API, ResultsCount

from surrogate_nas.errors import ForbiddenTypeError, SurrogateNASError, TableFormatError
from surrogate_nas.space import NB201
from surrogate_nas.table import Column, Table, read_table
from surrogate_nas.table.curves import CurveWriter, curves_path, read_curves, write_with_curves
from surrogate_nas.table.importers import pool
from surrogate_nas.table.importers.nas_bench_201 import import_official
from surrogate_nas.table.importers.nats import import_topology
from surrogate_nas.table.importers.official import NAMES
from tests.table.importers.memory import most_memory
from tests.table.importers.official_file import write_official

INDICES = (0, 11, 284)


def official(folder: Path) -> dict[str, Any]:
    """What an official file holds, with the architectures of a NATS-Bench folder: its trainings are the same."""
    with warnings.catch_warnings(action="ignore"):  # numpy has renamed modules that the archive names
        archives = {
            index: pickle.loads(bz2.decompress((folder / f"{index:06d}.pickle.pbz2").read_bytes())) for index in INDICES
        }
        meta = pickle.loads(bz2.decompress((folder / "meta.pickle.pbz2").read_bytes()))
    infos = {
        index: {
            length: ArchResults.create_from_state_dict(archive[epochs]).state_dict()
            for length, epochs in (("less", "12"), ("full", "200"))
        }
        for index, archive in archives.items()
    }
    return {
        "meta_archs": meta["meta_archs"],
        "total_archs": meta["total_archs"],
        "arch2infos": infos,
        "evaluated_indexes": set(INDICES),
    }


@pytest.fixture(scope="module")
def samples(real_data: Path) -> Path:
    (folder,) = (real_data / "official_samples").glob("NATS-tss-*-simple")
    return folder


@pytest.fixture(scope="module", params=["zip", "legacy"])
def file(request: pytest.FixtureRequest, samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file in PyTorch's present container, and in that of 2020, which the official ones have."""
    path: Path = tmp_path_factory.mktemp(request.param) / "NAS-Bench-201-v1_1-096897.pth"
    torch.save(official(samples), path, _use_new_zipfile_serialization=request.param == "zip")
    return path


def imported(path: Path, folder: Path) -> Table:
    with CurveWriter(folder / "curves.part") as curves:
        table = import_official(path, "nb201", curves)
    write_with_curves(table, folder / "accuracy.parquet", folder / "curves.part")
    return table


def test_every_value_is_what_the_package_answers(file: Path, tmp_path: Path) -> None:
    table = imported(file, tmp_path)
    with torch.serialization.safe_globals([]):
        api = NASBench201API(official_content(file), verbose=False)
    compared = 0
    for index in INDICES:
        (row,) = table.find(NB201.parse(api.meta_archs[index]))
        curves = {curve[:4]: curve for curve in read_curves(tmp_path / "accuracy.parquet", table.population[[row]])}
        for length in ("12", "200"):
            results = api.query_meta_info_by_index(index, length)
            for (trained_on, measured_on), (dataset, split) in NAMES.items():
                for seed in results.get_dataset_seeds(trained_on):
                    answer = results.get_metrics(trained_on, measured_on, is_random=seed)
                    key = (dataset, split, int(length), seed)
                    assert table.columns[Column("accuracy", *key)][row] == answer["accuracy"]
                    assert table.columns[Column("loss", *key)][row] == answer["loss"]
                    if key in curves:
                        early = results.get_metrics(trained_on, measured_on, iepoch=3, is_random=seed)
                        assert curves[key].accuracy[3] == early["accuracy"]
                        assert curves[key].loss[3] == early["loss"]
                    compared += 1
            for dataset in ("cifar10", "cifar100", "ImageNet16-120"):
                cost = results.get_compute_costs(dataset)
                assert table.cost("flops_millions", dataset=dataset)[row] == pytest.approx(cost["flops"], rel=1e-14)
                assert table.cost("latency_seconds", dataset=dataset)[row] == pytest.approx(cost["latency"], rel=1e-14)
    assert compared == len(INDICES) * (16 + 39)  # 12 epochs: cifar10-valid has two seeds, the others one; 200: three


def official_content(file: Path) -> Any:
    with warnings.catch_warnings(action="ignore"):
        return torch.load(file, weights_only=False)


def test_it_says_what_nats_bench_says_of_the_same_trainings(file: Path, samples: Path, tmp_path: Path) -> None:
    ours = imported(file, tmp_path)
    with CurveWriter(tmp_path / "nats.part") as curves:
        theirs = import_topology(samples, "nb201", curves)
    assert ours.population == theirs.population
    assert ours.columns.keys() == theirs.columns.keys()
    assert all((ours.columns[column] == values).all() for column, values in theirs.columns.items())
    assert ours.provenance["version"] == "v1_1"


def test_both_containers_and_another_order_give_the_same_bytes(file: Path, samples: Path, tmp_path: Path) -> None:
    content = official(samples)
    content["arch2infos"] = dict(reversed(content["arch2infos"].items()))
    other = tmp_path / file.name
    torch.save(content, other)
    imported(file, tmp_path)
    first = [path.read_bytes() for path in (tmp_path / "accuracy.parquet", curves_path(tmp_path / "accuracy.parquet"))]
    imported(other, tmp_path)
    again = [path.read_bytes() for path in (tmp_path / "accuracy.parquet", curves_path(tmp_path / "accuracy.parquet"))]
    assert first == again


def test_other_processes_make_the_same_bytes_and_refuse_in_the_same_words(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = official_content(file)
    content["arch2infos"][11]["full"]["arch_str"] = content["meta_archs"][0]
    torch.save(content, tmp_path / "swapped.pth")

    def outcome() -> tuple[bytes, bytes, str]:
        imported(file, tmp_path)
        with pytest.raises(TableFormatError, match="files were swapped") as caught:
            imported(tmp_path / "swapped.pth", tmp_path)
        table = tmp_path / "accuracy.parquet"
        return table.read_bytes(), curves_path(table).read_bytes(), str(caught.value)

    here = outcome()
    monkeypatch.setattr(pool, "available_cores", lambda: 2)
    monkeypatch.setattr(pool, "FEWEST", 1)
    assert outcome() == here


class Smuggled:
    """Runs a command when a careless reader opens it."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize(
    ("function", "name"), [(os.system, "posix.system"), (eval, "builtins.eval"), (os.mkdir, "posix.mkdir")]
)
def test_smuggled_code_is_refused_by_name_before_anything_runs(
    zipped: bool, function: object, name: str, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    argument = {os.system: f"touch {ran}", eval: f"open({str(ran)!r}, 'w')", os.mkdir: str(ran)}[function]  # type: ignore[index]
    path = tmp_path / "bad.pth"
    torch.save({"meta_archs": Smuggled(function, argument)}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(ForbiddenTypeError, match=f"names {name.replace('.', '[.]')}"):
        imported(path, tmp_path)
    assert not ran.exists()


@pytest.mark.parametrize("kept", [0, 1, 100, 5000, 0.5, 0.999])
def test_truncated_and_empty_files_are_refused(file: Path, kept: float, tmp_path: Path) -> None:
    data = file.read_bytes()
    path = tmp_path / "cut.pth"
    path.write_bytes(data[: int(kept * len(data)) if isinstance(kept, float) else kept])
    with pytest.raises(TableFormatError, match=r"cut\.pth is no whole file of PyTorch"):
        imported(path, tmp_path)
    assert not (tmp_path / "accuracy.parquet").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "lacks 'meta_archs'"),
        ([1, 2], "lacks 'meta_archs'"),
        ({"meta_archs": NB201.enumerate()[:2].texts, "arch2infos": {}}, "holds no architecture"),
        ({"meta_archs": NB201.enumerate()[:2].texts, "arch2infos": {7: {}}}, "lacks 'meta_archs'"),
        ({"meta_archs": NB201.enumerate()[:2].texts, "arch2infos": {1: {"full": {}}}}, "number 1 lacks less"),
        ({"meta_archs": ["x"], "arch2infos": {0: {"less": {}, "full": {}}}}, "'x' is no architecture"),
        (
            {"meta_archs": NB201.enumerate()[:2].texts, "arch2infos": {1: {"less": {}, "full": {}}}},
            "files were swapped|has not the form",
        ),
    ],
)
def test_other_content_is_refused(content: object, message: str, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "other.pth")
    with pytest.raises(SurrogateNASError, match=message):
        imported(tmp_path / "other.pth", tmp_path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TableFormatError, match="there is no file"):
        imported(tmp_path / "none.pth", tmp_path)


def tiny(folder: Path) -> bytes:
    """A file of three architectures with two epochs of one training each, which is imported."""
    texts = NB201.enumerate()[:3].texts
    infos = {}
    for index, text in enumerate(texts):
        infos[index] = {}
        for length in ("less", "full"):
            results, by_epoch = ArchResults(index, text), {0: 10.5, 1: 20.5}
            config = {"channel": 16, "num_cells": 5, "arch_str": text, "class_num": 10}
            run = ResultsCount("cifar10", None, by_epoch, by_epoch, 1.5, 20.5, config, 777, 2, [0.01])
            run.update_OLD_eval("ori-test", by_epoch, by_epoch)
            results.update("cifar10", 777, run)
            infos[index][length] = results.state_dict()
    torch.save({"meta_archs": texts, "arch2infos": infos}, folder / "tiny.pth", _use_new_zipfile_serialization=False)
    return (folder / "tiny.pth").read_bytes()


@pytest.fixture(scope="module")
def tiny_file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("tiny")
    content = tiny(folder)
    table = imported(folder / "tiny.pth", folder)
    assert table.accuracy(dataset="cifar10", split="test", epochs=2, seed=777).tolist() == [20.5] * 3
    return content


@settings(max_examples=300, deadline=None)
@given(
    changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=4),
    cut=st.none() | st.integers(0, 10**6),
)
def test_any_damage_is_read_or_refused(
    changes: list[tuple[int, int]], cut: int | None, tiny_file: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = bytearray(tiny_file)
    for place, byte in changes:
        data[place % len(data)] = byte
    path = tmp_path_factory.mktemp("damaged") / "damaged.pth"
    path.write_bytes(data if cut is None else data[: cut % len(data)])
    with CurveWriter(path.with_name("curves.part")) as curves, contextlib.suppress(SurrogateNASError):
        import_official(path, "damaged", curves)  # any other error is a mistake of ours


def shortened(record: Mapping[str, Any]) -> dict[str, Any]:
    """An official record with the 200 epochs of one training only: a tenth of it."""
    full = record["full"]
    kept = {key: run for key, run in full["all_results"].items() if key == ("cifar10-valid", 888)}
    return {"less": record["less"], "full": {**full, "all_results": kept, "dataset_seed": {"cifar10-valid": [888]}}}


@pytest.mark.slow
def test_all_15625_architectures_are_imported_within_2_gb(samples: Path, tmp_path: Path) -> None:
    """With all trainings, of which ``benchmarks/table`` tells, it would take minutes."""
    texts = NB201.enumerate().texts
    path = tmp_path / "NAS-Bench-201-v1_1-096897.pth"
    write_official(path, texts, [shortened(record) for record in official(samples)["arch2infos"].values()], seed=1)
    code = """if True:
        import sys
        from pathlib import Path
        from surrogate_nas.space import NB201
        from surrogate_nas.table_import import import_table
        print(import_table("nas-bench-201", Path(sys.argv[1]), "all", NB201))
    """
    environment = {**os.environ, "SURROGATE_NAS_TABLES": str(tmp_path / "tables"), "SURROGATE_NAS_DATA": ""}
    command = [sys.executable, "-c", code, path]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as running:
        gigabytes = most_memory(running)
        file = running.communicate()[0].strip()
    assert 0.1 < gigabytes < 2
    table = read_table(file)
    assert len(table) == 15625
    content = path.read_bytes()
    for number in (0, 4321, 15624):
        (row,) = table.find(NB201.parse(texts[number]))
        accuracy = table.accuracy(dataset="cifar10", split="valid", epochs=200, seed=888)[row]
        assert b"x-valid@199" in content[(at := content.index(struct.pack(">d", accuracy))) - 17 : at]
    path.unlink()
