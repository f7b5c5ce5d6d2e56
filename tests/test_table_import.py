"""The action ``table import``: from a source to a table by name, whole or not at all."""

from __future__ import annotations

import bz2
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
import torch

from surrogate_nas import cli, load_table
from surrogate_nas.space import NB201, get_space
from surrogate_nas.table.catalog import DATA_FOLDER, USER_FOLDER, table_paths, user_tables
from surrogate_nas.table.curves import read_curves
from surrogate_nas.table.importers import KINDS, importer

ONE = NB201.enumerate()[:1].text
ROWS = f"architecture,dataset,split,epochs,seed,accuracy\n{ONE},toy,valid,5,1,"


@pytest.fixture(autouse=True)
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for imported tables, and no data folder."""
    monkeypatch.delenv(DATA_FOLDER, raising=False)
    monkeypatch.setenv(USER_FOLDER, str(tmp_path / "tables"))
    return tmp_path / "tables"


@pytest.fixture(scope="module")
def samples() -> Path:
    """NATS-Bench's three sample architectures."""
    data = os.environ.get(DATA_FOLDER)
    found = [*Path(data or "none").glob("official_samples/NATS-tss-*-simple")]
    if not found:
        pytest.skip(f"needs official_samples/NATS-tss-*-simple in {DATA_FOLDER}")
    return found[0]


def csv(folder: Path, accuracy: float = 50.5) -> Path:
    (folder / "mine.csv").write_text(f"{ROWS}{accuracy}\n")
    return folder / "mine.csv"


def test_an_imported_table_opens_by_name(tmp_path: Path, tables: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["table", "import", "csv", str(csv(tmp_path))]) == 0
    assert "table info mine" in capsys.readouterr().out
    assert table_paths()["mine"] == tables / "mine" / "accuracy.parquet"
    assert load_table("mine").accuracy(dataset="toy", split="valid").tolist() == [50.5]
    assert cli.main(["table", "info", "mine"]) == 0
    assert "The file is whole" in capsys.readouterr().out


def test_importing_again_replaces_the_table_and_gives_the_same_bytes(tmp_path: Path, tables: Path) -> None:
    command = ["table", "import", "csv", str(csv(tmp_path)), "--name", "other"]
    assert cli.main(command) == 0
    first = (tables / "other" / "accuracy.parquet").read_bytes()
    assert cli.main(command) == 0
    assert (tables / "other" / "accuracy.parquet").read_bytes() == first
    csv(tmp_path, 60)
    assert cli.main(command) == 0
    assert load_table("other").accuracy(dataset="toy", split="valid").tolist() == [60]


def test_rows_of_another_space_are_read_when_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "sizes.csv").write_text(ROWS.replace(ONE, "8:16:24:32:40") + "50\n")
    assert cli.main(["table", "import", "csv", str(tmp_path / "sizes.csv"), "--space", "nats-size"]) == 0
    assert load_table("sizes").space is get_space("nats-size")


def test_every_kind_has_an_importer() -> None:
    assert all(callable(importer(kind, NB201)) for kind in KINDS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nats", "PATH"], "unknown kind of source 'nats'. Did you mean 'naslib'|unknown kind of source 'nats'"),
        (["csv", "nothing.csv"], "there is no file nothing.csv"),
        (["csv", "PATH", "--name", "../up"], "a table's name has letters"),
        (["csv", "PATH", "--name", "nb201-digits"], "there is a table 'nb201-digits' already"),
        (["csv", "PATH", "--space", "nb202"], "unknown space 'nb202'. Did you mean 'nb201'"),
        (["transnas", "PATH", "--space", "nb201"], "--space goes with csv and parquet"),
        (["nats-tss", "PATH"], "mine.csv"),
        (["nas-bench-201", "PATH"], "mine.csv"),
        (["naslib", "PATH"], "mine.csv"),
        (["hw-nas-bench", "PATH"], "mine.csv"),
        (["transnas", "PATH"], "mine.csv"),
        (["parquet", "PATH"], "mine.csv is no whole Parquet file"),
    ],
)
def test_bad_input_ends_in_one_sentence_and_leaves_nothing(
    arguments: list[str], message: str, tmp_path: Path, tables: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = str(csv(tmp_path))
    assert cli.main(["table", "import", *(source if part == "PATH" else part for part in arguments)]) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    assert any(part in lines[0] for part in message.split("|"))
    assert not list(tables.rglob("*.parquet"))
    assert not (tables / "mine").exists()


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A small source of every kind that is one file."""
    folder = tmp_path_factory.mktemp("sources")
    files = {kind: folder / name for kind, name in FILES.items()}
    files["csv"].write_text(ROWS + "50\n")
    files["transnas"].write_text('arch,val_accuracy\n"(0, 0, 0, 0, 0, 0)",1\n')
    files["hw-nas-bench"].write_text('net,fpga_latency\n"(0, 0, 0, 0, 0, 0)",1\n')
    files["naslib"].write_bytes(pickle.dumps({ONE: {"cifar100": {"eval_acc1es": [1.0, 2.0]}}}))
    pq.write_table(pa_csv.read_csv(files["csv"]), files["parquet"])
    torch.save({"meta_archs": [ONE], "arch2infos": {0: {"less": {}, "full": {}}}}, files["nas-bench-201"])
    files["nats-tss"].write_bytes(bz2.compress(pickle.dumps({"meta_archs": [ONE], "arch2infos": {0: {"200": {}}}})))
    return files


FILES = {
    "csv": "micro_jigsaw.csv",  # named as another kind's would be
    "transnas": "hw_cifar10.csv",
    "hw-nas-bench": "micro_class_scene.csv",
    "naslib": "NATS-tss-v1_0-3ffb9.pickle.pbz2",
    "nats-tss": "nb201_cifar100_val_test_v1_0.pickle",
    "nas-bench-201": "rows.parquet",
    "parquet": "NAS-Bench-201-v1_1-096897.pth",
}


@pytest.mark.parametrize("of", FILES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_source_of_another_kind_is_refused_whatever_its_name(
    of: str, kind: str, sources: dict[str, Path], tables: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if of == kind and kind in ("csv", "parquet", "naslib"):
        assert cli.main(["table", "import", kind, str(sources[of]), "--name", "mine"]) == 0
        return
    assert cli.main(["table", "import", kind, str(sources[of]), "--name", "mine"]) == 2
    (line,) = (line for line in capsys.readouterr().err.splitlines() if line.startswith("error: "))
    assert sources[of].name in line or ONE in line
    assert not [path for path in tables.rglob("*") if path.is_file()]


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_no_byte_is_refused(
    kind: str, tmp_path: Path, tables: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("micro_jigsaw.csv", "hw_cifar10.csv", "empty.pickle.pbz2"):
        (tmp_path / name).write_bytes(b"")
        assert cli.main(["table", "import", kind, str(tmp_path / name), "--name", "mine"]) == 2
        assert name in capsys.readouterr().err
    assert not [path for path in tables.rglob("*") if path.is_file()]


def test_a_refused_source_leaves_the_old_table(tmp_path: Path) -> None:
    assert cli.main(["table", "import", "csv", str(csv(tmp_path))]) == 0
    assert cli.main(["table", "import", "csv", str(csv(tmp_path, 101))]) == 2
    assert load_table("mine").accuracy(dataset="toy", split="valid").tolist() == [50.5]


def test_a_folder_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(USER_FOLDER, str(tmp_path / "file"))
    assert cli.main(["table", "import", "csv", str(csv(tmp_path))]) == 2
    assert "SURROGATE_NAS_TABLES names another folder" in capsys.readouterr().err


def test_what_a_killed_import_left_is_removed_and_what_runs_keeps_its_own(tmp_path: Path, tables: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    (tables / "mine").mkdir(parents=True)
    left, used = (tables / "mine" / f".curves.{process}.part" for process in (ended.pid, os.getppid()))
    left.touch()
    used.touch()
    assert cli.main(["table", "import", "csv", str(csv(tmp_path))]) == 0
    assert not left.exists()
    assert used.exists()


def test_without_a_setting_tables_lie_in_the_platform_s_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(USER_FOLDER)
    assert user_tables().parts[-2:] == ("surrogate_nas", "tables")


@pytest.mark.slow
@pytest.mark.parametrize("delay", [0.0, 0.02, 0.05, 0.11])
def test_a_kill_at_any_moment_leaves_the_old_table_or_the_new_one(delay: float, tmp_path: Path, tables: Path) -> None:
    code = """if True:
        import sys
        from pathlib import Path
        from surrogate_nas.space import NB201
        from surrogate_nas.table_import import import_table
        source = Path(sys.argv[1])
        while True:
            for accuracy in (50, 60):
                rows = [f"{text},toy,valid,5,1,{accuracy}" for text in NB201.enumerate()[:2000].texts]
                source.write_text("\\n".join(["architecture,dataset,split,epochs,seed,accuracy", *rows]))
                import_table("csv", source, "mine", NB201)
                print(accuracy, flush=True)
    """
    environment = {**os.environ, USER_FOLDER: str(tables)}
    with subprocess.Popen(
        [sys.executable, "-c", code, tmp_path / "rows.csv"], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
    table = load_table("mine")
    assert len(table) == 2000
    assert set(table.accuracy(dataset="toy", split="valid")) in ({50.0}, {60.0})


@pytest.mark.slow
@pytest.mark.parametrize("delay", [0.0, 0.3, 0.8])
def test_a_kill_leaves_a_table_with_its_own_learning_curves(
    delay: float, samples: Path, tmp_path: Path, tables: Path
) -> None:
    (tmp_path / "two").mkdir()
    for file in [*sorted(samples.iterdir())[:2], samples / "meta.pickle.pbz2"]:
        (tmp_path / "two" / file.name).symlink_to(file)
    code = """if True:
        import sys
        from pathlib import Path
        from surrogate_nas.space import NB201
        from surrogate_nas.table_import import import_table
        while True:
            for folder in sys.argv[1:]:
                print(import_table("nats-tss", Path(folder), "mine", NB201), flush=True)
    """
    environment = {**os.environ, USER_FOLDER: str(tables)}
    with subprocess.Popen(
        [sys.executable, "-c", code, samples, tmp_path / "two"], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
    table = load_table("mine")
    assert len(table) in (2, 3)
    for row in range(len(table)):
        curves = read_curves(tables / "mine" / "accuracy.parquet", table.population[[row]])
        assert {curve.dataset for curve in curves} >= {"cifar10", "cifar100", "ImageNet16-120"}
