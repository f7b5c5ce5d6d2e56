"""NATS-Bench's archives: every value as the ``nats_bench`` package answers, and nothing else let in."""

from __future__ import annotations

import bz2
import pickle
import shutil
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from surrogate_nas.errors import ForbiddenTypeError, SurrogateNASError, TableFormatError
from surrogate_nas.split import Split
from surrogate_nas.table import Column, Table, write_table
from surrogate_nas.table.curves import Curve, CurveWriter, curves_path, read_curves
from surrogate_nas.table.importers.nats import import_size, import_topology
from surrogate_nas.table.importers.official import CIFAR10_25K, COST_DATASETS, NAMES

INDICES = (0, 11, 284)


@dataclass
class Space:
    """One of NATS-Bench's spaces: what we import, and the package that answers for the same folder."""

    folder: Path
    function: Callable[[Path, str, CurveWriter], Table]
    kind: str
    lengths: tuple[str, ...]
    api: Any
    table: Table
    file: Path

    def row(self, index: int) -> int:
        (row,) = self.table.find(self.table.space.parse(self.api.meta_archs[index]))
        return int(row)

    def reference(self, index: int, length: str) -> Any:
        """The package's own object for an architecture's trainings of one length."""
        with warnings.catch_warnings(action="ignore"):  # its pickles name modules that numpy has renamed
            self.api._prepare_info(index)
        return self.api.query_meta_info_by_index(index, length)


@pytest.fixture(scope="module", params=["tss", "sss"])
def space(request: pytest.FixtureRequest, real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Space:
    nats_bench = pytest.importorskip("nats_bench")
    kind: str = request.param
    (folder,) = (real_data / "official_samples").glob(f"NATS-{kind}-*-simple")
    function, lengths = {
        "tss": (import_topology, ("12", "200")),
        "sss": (import_size, ("01", "12", "90")),
    }[kind]
    file = tmp_path_factory.mktemp(kind) / "accuracy.parquet"
    table = imported(function, folder, file)
    with warnings.catch_warnings(action="ignore"):
        api = nats_bench.create(str(folder), kind, fast_mode=True, verbose=False)
    return Space(folder, function, kind, lengths, api, table, file)


def imported(function: Callable[[Path, str, CurveWriter], Table], source: Path, file: Path) -> Table:
    """Import a source, and write the table and its curves as the command does."""
    with CurveWriter(file.with_name("curves.part")) as curves:
        table = function(source, "nats", curves)
    write_table(table, file)
    (file.with_name("curves.part")).replace(curves_path(file))
    return table


def test_every_official_name_is_mapped_to_a_place_of_its_own(space: Space) -> None:
    named = {
        (trained_on, measured_on)
        for index in INDICES
        for length in space.lengths
        for (trained_on, _), run in space.reference(index, length).all_results.items()
        for measured_on in ("train", *run.eval_names)
    }
    assert named == set(NAMES)
    assert len(set(NAMES.values())) == len(NAMES)
    assert NAMES["cifar10-valid", "x-valid"] == ("cifar10", Split.VALID)
    assert NAMES["cifar10", "ori-test"] == ("cifar10", Split.TEST)
    assert NAMES["cifar10-valid", "ori-test"] == (CIFAR10_25K, Split.TEST)
    assert NAMES["cifar100", "ori-test"] == ("cifar100", Split.VALTEST)


@pytest.mark.parametrize("index", INDICES)
def test_every_value_after_the_last_epoch_is_the_package_s(space: Space, index: int) -> None:
    table, row, compared = space.table, space.row(index), 0
    for length in space.lengths:
        reference = space.reference(index, length)
        for (trained_on, measured_on), (dataset, split) in NAMES.items():
            seeds = reference.get_dataset_seeds(trained_on)
            for seed in seeds:
                answer = reference.get_metrics(trained_on, measured_on, is_random=seed)
                training = reference.get_metrics(trained_on, "train", is_random=seed)
                expected = {
                    "accuracy": answer["accuracy"],
                    "loss": answer["loss"],
                    "train_seconds": training["all_time"],
                    "evaluation_seconds": None if measured_on == "train" else answer["all_time"],
                }
                for measure, value in expected.items():
                    column = Column(measure, dataset, split, int(length), seed)
                    if value is None:
                        assert column not in table.columns
                    else:
                        assert table.columns[column][row] == value
                        compared += 1
            mean = reference.get_metrics(trained_on, measured_on)["accuracy"]
            ours = table.accuracy(dataset=dataset, split=split, epochs=int(length))[row]
            assert ours == pytest.approx(mean, rel=1e-14)
            assert table.seeds(dataset, split, int(length)) == tuple(sorted(seeds))
    runs = {"tss": 5 + 12, "sss": 4 + 12 + 4}[space.kind]
    assert compared >= runs * 3 * 2


@pytest.mark.parametrize("index", INDICES)
def test_every_epoch_of_every_curve_is_the_package_s(space: Space, index: int) -> None:
    text = space.api.meta_archs[index]
    curves = {curve[:4]: curve for curve in read_curves(space.file, space.table.space.parse(text))}
    compared = set()
    for length in space.lengths:
        reference = space.reference(index, length)
        for (trained_on, measured_on), (dataset, split) in NAMES.items():
            for seed in reference.get_dataset_seeds(trained_on):
                if length == "01" or not every_epoch(reference.all_results[trained_on, seed], measured_on):
                    assert (dataset, split, int(length), seed) not in curves
                    continue
                curve = curves[dataset, split, int(length), seed]
                answers = [
                    reference.get_metrics(trained_on, measured_on, iepoch=epoch, is_random=seed)
                    for epoch in range(int(length))
                ]
                assert curve.accuracy.tolist() == [answer["accuracy"] for answer in answers]
                assert curve.loss.tolist() == [answer["loss"] for answer in answers]
                assert curve.seconds is not None
                assert curve.seconds.tolist() == [answer["cur_time"] for answer in answers]
                assert np.cumsum(curve.seconds) == pytest.approx([answer["all_time"] for answer in answers])
                compared.add(curve[:4])
    assert compared == set(curves)
    assert len(compared) >= 5 * 2


def every_epoch(run: Any, measured_on: str) -> bool:
    """Whether the source kept a split's accuracy after every epoch; of some, it kept only the last."""
    return measured_on == "train" or f"{measured_on}@0" in run.eval_acc1es


@pytest.mark.parametrize("index", INDICES)
def test_costs_are_the_package_s_whatever_length_was_trained(space: Space, index: int) -> None:
    for length in space.lengths:
        space.reference(index, length)
        for trained_on in ("cifar10-valid", "cifar10", "cifar100", "ImageNet16-120"):
            answer = space.api.get_cost_info(index, trained_on, length)
            dataset = COST_DATASETS.get(trained_on, trained_on)
            for quantity, name in (
                ("flops_millions", "flops"),
                ("parameters_millions", "params"),
                ("latency_seconds", "latency"),
            ):
                assert space.table.cost(quantity, dataset=dataset)[space.row(index)] == pytest.approx(
                    answer[name], rel=1e-14
                )
            seconds = space.table.train_seconds(dataset=dataset, epochs=int(length), split="train")
            assert seconds[space.row(index)] == pytest.approx(answer["T-train@total"], rel=1e-14)


def test_validation_of_cifar10_costs_less_than_test_which_trains_on_twice_the_images(space: Space) -> None:
    valid = space.table.train_seconds(dataset="cifar10", split="valid")
    test = space.table.train_seconds(dataset="cifar10", split="test")
    assert (test > 1.3 * valid).all()
    assert (space.table.train_seconds(dataset="cifar10") == valid).all()


def test_the_folder_the_single_file_and_another_order_give_the_same_bytes(space: Space, tmp_path: Path) -> None:
    infos = {index: read(space.folder / f"{index:06d}.pickle.pbz2") for index in reversed(INDICES)}
    whole = read(space.folder / "meta.pickle.pbz2") | {"arch2infos": infos, "evaluated_indexes": set(INDICES)}
    single = tmp_path / "NATS.pickle.pbz2"
    write(single, whole)
    (tmp_path / ".unpacked.killed.part").touch()
    imported(space.function, single, tmp_path / "accuracy.parquet")
    assert not list(tmp_path.glob(".unpacked.*"))  # neither its own nor what a kill left before
    assert (tmp_path / "accuracy.parquet").read_bytes() == space.file.read_bytes()
    again = curves_path(tmp_path / "accuracy.parquet")
    assert again.name == curves_path(space.file).name
    assert again.read_bytes() == curves_path(space.file).read_bytes()


def read(path: Path) -> Any:
    with warnings.catch_warnings(action="ignore"), bz2.open(path) as file:
        return pickle.load(file)


def write(path: Path, value: object) -> None:
    with bz2.open(path, "wb", compresslevel=1) as file:
        pickle.dump(value, file, protocol=4)


@pytest.fixture
def folder(real_data: Path, tmp_path: Path) -> Path:
    """A copy of the topology sample that a test may damage."""
    (source,) = (real_data / "official_samples").glob("NATS-tss-*-simple")
    return Path(shutil.copytree(source, tmp_path / "copy", copy_function=shutil.copyfile))


def refused(folder: Path, tmp_path: Path) -> SurrogateNASError:
    with pytest.raises(SurrogateNASError) as caught, CurveWriter(tmp_path / "curves.part") as curves:
        import_topology(folder, "nats", curves)
    return caught.value


def test_swapped_files_are_noticed(folder: Path, tmp_path: Path) -> None:
    shutil.copyfile(folder / "000284.pickle.pbz2", folder / "000011.pickle.pbz2")
    assert "files were swapped or renamed" in str(refused(folder, tmp_path))


@pytest.mark.parametrize("kept", [0, 1, 1000, 80_000])
@pytest.mark.parametrize("name", ["meta", "000011"])
def test_truncated_and_empty_files_are_refused_by_name(folder: Path, name: str, kept: int, tmp_path: Path) -> None:
    path = folder / f"{name}.pickle.pbz2"
    kept = min(kept, path.stat().st_size - 1)
    path.write_bytes(path.read_bytes()[:kept])
    error = refused(folder, tmp_path)
    assert isinstance(error, TableFormatError)
    assert str(path) in str(error)


def test_a_folder_of_the_other_space_is_refused(real_data: Path, tmp_path: Path) -> None:
    (sizes,) = (real_data / "official_samples").glob("NATS-sss-*-simple")
    assert "no architecture of space 'nb201'" in str(refused(sizes, tmp_path))


@pytest.mark.parametrize("name", ["missing", "empty"])
def test_a_folder_without_the_files_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "there is no file" in str(refused(tmp_path / name, tmp_path))


def test_a_folder_without_architectures_is_refused(folder: Path, tmp_path: Path) -> None:
    for index in INDICES:
        (folder / f"{index:06d}.pickle.pbz2").unlink()
    assert "holds no architecture" in str(refused(folder, tmp_path))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda run: run["train_acc1es"].update({11: 101.0}), "accuracy lies in 0 to 100, got 101"),
        (lambda run: run.update(eval_names=["y-valid"]), "unknown result 'y-valid of cifar10-valid'"),
        (lambda run: run.update(epochs="twelve"), "has not the form of NAS-Bench-201's"),
        (lambda run: run.pop("params"), "has not the form of NAS-Bench-201's"),
        (lambda run: run["train_losses"].update({11: "low"}), "has not the form of NAS-Bench-201's"),
    ],
)
def test_records_of_another_form_are_refused(
    folder: Path, change: Callable[[dict[str, Any]], object], message: str, tmp_path: Path
) -> None:
    record = read(folder / "000011.pickle.pbz2")
    change(record["12"]["all_results"]["cifar10-valid", 777])
    write(folder / "000011.pickle.pbz2", record)
    with pytest.raises(SurrogateNASError, match=message):
        imported(import_topology, folder, tmp_path / "accuracy.parquet")
    assert not (tmp_path / "accuracy.parquet").exists()


def test_smuggled_code_is_refused_before_anything_runs(folder: Path, tmp_path: Path) -> None:
    class Smuggled:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "ran",)

    write(folder / "000011.pickle.pbz2", {"12": Smuggled()})
    error = refused(folder, tmp_path)
    assert isinstance(error, ForbiddenTypeError)
    assert "000011.pickle.pbz2 is refused" in str(error)
    assert not (tmp_path / "ran").exists()


def test_a_curve_names_what_it_measures() -> None:
    assert Curve._fields[:4] == Column._fields[1:]
