"""Sources that are rows: NASLib's means, TransNAS-Bench-101, HW-NAS-Bench."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from surrogate_nas.errors import ForbiddenTypeError, SurrogateNASError, TableFormatError
from surrogate_nas.space import NB201, TRANSNAS
from surrogate_nas.table import Table, load_table, read_table, write_table
from surrogate_nas.table.curves import CurveWriter
from surrogate_nas.table.importers import Importer
from surrogate_nas.table.importers.hw_nas_bench import import_devices
from surrogate_nas.table.importers.naslib import import_means
from surrogate_nas.table.importers.transnas import import_micro

ZERO = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"


def imported(function: Importer, path: Path, folder: Path) -> Table:
    with CurveWriter(folder / "curves.part") as curves:
        table = function(path, "t", curves)
    assert not (folder / "curves.part").exists()
    write_table(table, folder / "table.parquet")
    return read_table(folder / "table.parquet")


# TransNAS-Bench-101


def test_transnas_edges_go_by_target_and_then_by_source(tmp_path: Path) -> None:
    source = tmp_path / "micro_jigsaw.csv"
    source.write_text('arch,val_accuracy\n"(0, 1, 2, 3, 0, 1)",12.5\n"(3, 3, 3, 3, 3, 3)",90.25\n')
    table = imported(import_micro, source, tmp_path)
    assert table.space is TRANSNAS
    text = "|none~0|+|skip_connect~0|nor_conv_1x1~1|+|nor_conv_3x3~0|none~1|skip_connect~2|"
    assert table.accuracy(dataset="jigsaw", split="valid", epochs=10)[table.find(TRANSNAS.parse(text))] == [12.5]
    assert table.seeds("jigsaw", "valid", 10) == ()  # one published value, of no stated seed


def test_all_tasks_of_transnas_are_one_table_whatever_the_order_of_rows(real_data: Path, tmp_path: Path) -> None:
    table = imported(import_micro, real_data / "transnas", tmp_path)
    whole = (tmp_path / "table.parquet").read_bytes()
    assert len(table) == 4096
    assert table.datasets == ("class_object", "class_scene", "jigsaw")
    for task in table.datasets:
        header, *lines = (real_data / "transnas" / f"micro_{task}.csv").read_text().splitlines()
        (tmp_path / "folder").mkdir(exist_ok=True)
        (tmp_path / "folder" / f"micro_{task}.csv").write_text("\n".join([header, *reversed(lines)]))
        best = max(float(line.rsplit(",", 1)[1]) for line in lines)
        accuracy = table.accuracy(dataset=task, split="valid")
        assert accuracy.max() == best
        # cells without a path from input to output compute nothing, and share one accuracy: the edges are read right
        dead = accuracy[~TRANSNAS.live(table.population).any(axis=1)]
        assert len(dead) > 100
        assert len(set(dead)) == 1
    imported(import_micro, tmp_path / "folder", tmp_path)
    assert (tmp_path / "table.parquet").read_bytes() == whole


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("micro_jigsaw", "", "cannot be read as CSV"),
        ("micro_jigsaw", "arch,val_accuracy\n", "holds no measurement"),
        ("micro_jigsaw", 'arch\n"(0, 0, 0, 0, 0, 0)"\n', "lacks the column val_accuracy; it has arch"),
        (
            "micro_jigsaw",
            'arch,val_accuracy\n"(0, 0, 0, 0, 0, 4)",1\n',
            r"is no cell; expected 6 numbers .* 3 nor_conv",
        ),
        ("micro_jigsaw", 'arch,val_accuracy\n"(0, 0, 0, 0, 0)",1\n', "is no cell"),
        ("micro_jigsaw", "arch,val_accuracy\n,1\n", "is no cell"),
        ("micro_jigsaw", 'arch,val_accuracy\n"(0, 0, 0, 0, 0, 0)",high\n', "cannot be read as CSV.*high"),
        ("micro_jigsaw", 'arch,val_accuracy\n"(0, 0, 0, 0, 0, 0)",100.5\n', "accuracy lies in 0 to 100, got 100.5"),
        (
            "micro_jigsaw",
            'arch,val_accuracy\n"(0, 0, 0, 0, 0, 0)",1\n"(0, 0, 0, 0, 0, 0)",2\n',
            r"rows that disagree about arch \(0, 0, 0, 0, 0, 0\)",
        ),
        ("micro_jigsaw", "arch,arch,val_accuracy\na,b,1\n", "two columns of one name"),
        ("micro_jig", "arch,val_accuracy\na,1\n", "unknown task 'jig'. Did you mean 'jigsaw'"),
    ],
)
def test_bad_transnas_files_are_refused(name: str, text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / f"{name}.csv").write_text(text)
    with pytest.raises(SurrogateNASError, match=message):
        imported(import_micro, tmp_path / f"{name}.csv", tmp_path)
    assert not (tmp_path / "table.parquet").exists()


def test_a_row_said_twice_counts_once(tmp_path: Path) -> None:
    (tmp_path / "micro_jigsaw.csv").write_text("arch,val_accuracy\n" + '"(0, 0, 0, 0, 0, 0)",1\n' * 2)
    assert len(imported(import_micro, tmp_path / "micro_jigsaw.csv", tmp_path)) == 1


# HW-NAS-Bench


def test_latencies_and_energies_are_costs_with_their_units(tmp_path: Path) -> None:
    (tmp_path / "hw_cifar10.csv").write_text(
        "net,edgegpu_latency,edgegpu_energy,edgetpu_latency,eyeriss_arithmetic_intensity\n"
        '"(4, 3, 2, 0, 1, 0)",5.5,24.25,-1.0,6.0\n"(1, 1, 1, 1, 1, 1)",1.5,2.25,0.75,6.0\n'
    )
    table = imported(import_devices, tmp_path / "hw_cifar10.csv", tmp_path)
    # edges by source: 0-1 pool, 0-2 1x1, 0-3 3x3, 1-2 identity, 1-3 zero, 2-3 identity
    text = "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_3x3~0|none~1|skip_connect~2|"
    rows = table.find(NB201.parse([text, ZERO]))
    assert table.cost("edgegpu_latency_ms", dataset="cifar10")[rows].tolist() == [5.5, 1.5]
    assert table.cost("edgegpu_energy_mj", dataset="cifar10")[rows].tolist() == [24.25, 2.25]
    assert table.cost("edgetpu_latency_ms", dataset="cifar10")[rows] == pytest.approx([np.nan, 0.75], nan_ok=True)
    assert {cost.quantity for cost in table.costs} == {"edgegpu_latency_ms", "edgegpu_energy_mj", "edgetpu_latency_ms"}
    assert table.datasets == ("cifar10",)
    assert table.splits("cifar10") == ()


def test_hw_nas_bench_is_what_others_extracted_from_it(real_data: Path, tmp_path: Path) -> None:
    table = imported(import_devices, real_data / "sources" / "hw_cifar10.csv", tmp_path)
    other = pq.read_table(real_data / "nb201" / "hw_nas_bench_cifar10.parquet")
    rows = table.find(NB201.parse(other["architecture"].to_pylist()))
    assert (rows >= 0).all()
    assert len(set(rows)) == len(table) == 15625
    for column, quantity in (
        ("edgegpu_latency", "edgegpu_latency_ms"),
        ("edgegpu_energy", "edgegpu_energy_mj"),
        ("edgetpu_latency", "edgetpu_latency_ms"),
        ("pixel3_latency", "pixel3_latency_ms"),
    ):
        values = other[column].to_numpy()
        known = values != -1
        assert table.cost(quantity, dataset="cifar10")[rows][known] == pytest.approx(values[known])
        assert np.isnan(table.cost(quantity, dataset="cifar10")[rows][~known]).all()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("hw_cifar10", "net,power\na,1\n", "has none of the columns edgegpu_latency"),
        ("hw_cifar10", 'net,fpga_latency\n"(5, 0, 0, 0, 0, 0)",1\n', "is no cell"),
        ("hw_cifar10", 'net,fpga_latency\n"(0, 0, 0, 0, 0, 0)",-2\n', "fpga_latency_ms lies in 0 to inf, got -2"),
        ("hw_mnist", 'net,fpga_latency\n"(0, 0, 0, 0, 0, 0)",1\n', "unknown data set 'mnist'"),
    ],
)
def test_bad_hw_nas_bench_files_are_refused(name: str, text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / f"{name}.csv").write_text(text)
    with pytest.raises(SurrogateNASError, match=message):
        imported(import_devices, tmp_path / f"{name}.csv", tmp_path)


# NASLib


def naslib(path: Path, value: object) -> Path:
    path.write_bytes(pickle.dumps(value))
    return path


def test_naslib_s_two_numbers_are_validation_and_test(tmp_path: Path) -> None:
    results = {"cifar10-valid": {"eval_acc1es": [np.float64(80.5), np.float64(85.25)]}}
    table = imported(import_means, naslib(tmp_path / "a.pickle", {ZERO: results}), tmp_path)
    assert table.accuracy(dataset="cifar10", split="valid", epochs=200).tolist() == [80.5]
    assert table.accuracy(dataset="cifar10", split="test", epochs=200).tolist() == [85.25]


def test_naslib_agrees_with_nats_bench_about_all_architectures(real_data: Path, tmp_path: Path) -> None:
    table = imported(import_means, real_data / "sources", tmp_path)
    nats = load_table("nb201")
    rows = nats.find(table.population)
    assert len(table) == 15625
    for dataset in ("cifar10", "cifar100"):
        for split in ("valid", "test"):
            ours, theirs = (t.accuracy(dataset=dataset, split=split, epochs=200) for t in (table, nats))
            assert np.median(np.abs(ours - theirs[rows])) < 1e-6  # v1.0 and v1.1 differ for a few


def test_one_data_set_of_two_files_is_refused(real_data: Path, tmp_path: Path) -> None:
    results = {ZERO: {"cifar100": {"eval_acc1es": [1.0, 2.0]}}}
    naslib(tmp_path / "a.pickle", results)
    naslib(tmp_path / "b.pickle", results)
    with pytest.raises(TableFormatError, match="comes from two sources"):
        imported(import_means, tmp_path, tmp_path)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "holds no architectures"),
        ([1], "holds no architectures"),
        ({ZERO: {"cifar100": {"eval_acc1es": [1.0]}}}, "has not the form"),
        ({ZERO: {"cifar100": {"eval_acc1es": ["high", 2.0]}}}, "has not the form"),
        ({ZERO: {"cifar100": [1.0, 2.0]}}, "has not the form"),
        ({ZERO: {"cifar99": {"eval_acc1es": [1.0, 2.0]}}}, "unknown data set 'cifar99'. Did you mean"),
        ({"|x|": {"cifar100": {"eval_acc1es": [1.0, 2.0]}}}, "is no architecture"),
        ({7: {"cifar100": {"eval_acc1es": [1.0, 2.0]}}}, "is no architecture"),
        ({ZERO: {"cifar100": {"eval_acc1es": [1.0, 200.0]}}}, "accuracy lies in 0 to 100, got 200"),
    ],
)
def test_bad_naslib_files_are_refused(value: object, message: str, tmp_path: Path) -> None:
    with pytest.raises(SurrogateNASError, match=message):
        imported(import_means, naslib(tmp_path / "a.pickle", value), tmp_path)


def test_a_pickle_that_names_code_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ForbiddenTypeError, match=r"names builtins\.print"):
        imported(import_means, naslib(tmp_path / "a.pickle", {ZERO: print}), tmp_path)


@pytest.mark.parametrize("function", [import_means, import_micro, import_devices])
def test_a_path_without_the_files_is_refused(function: Importer, tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.csv"):
        with pytest.raises(TableFormatError, match="there is no file"):
            imported(function, path, tmp_path)
