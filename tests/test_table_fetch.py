"""The action ``table fetch``: from a public source to a table by name."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from surrogate_nas import cli, load_table
from surrogate_nas.space import NB201
from surrogate_nas.table.catalog import DATA_FOLDER, USER_FOLDER, table_paths
from surrogate_nas.table.importers import KINDS
from surrogate_nas.table.sources import SOURCES, Source
from surrogate_nas.table_fetch import MIRROR
from tests.table.test_download import Server, serving

ROWS = 3000
NETS = [
    f"({a}, {b}, {c}, {d}, {e}, {f})"
    for a in range(5)
    for b in range(5)
    for c in range(5)
    for d in range(5)
    for e in range(5)
    for f in range(5)
]
CONTENT = (
    "net,edgegpu_latency\n" + "".join(f'"{net}",{5 + at / 1000}\n' for at, net in enumerate(NETS[:ROWS]))
).encode()
TOY = Source(
    "hw-nas-bench",
    ("http://127.0.0.1:9/away/hw_cifar10.csv",),
    len(CONTENT),
    hashlib.sha256(CONTENT).hexdigest(),
    "a toy",
    "MIT",
    "nobody",
)


@pytest.fixture(autouse=True)
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for imported tables, no data folder, and one source more."""
    monkeypatch.delenv(DATA_FOLDER, raising=False)
    monkeypatch.delenv(MIRROR, raising=False)
    monkeypatch.setenv(USER_FOLDER, str(tmp_path / "tables"))
    monkeypatch.setitem(SOURCES, "toy", TOY)
    return tmp_path / "tables"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(CONTENT) as running:
        yield running


def fetch(*arguments: str) -> int:
    return cli.main(["table", "fetch", *arguments])


def test_a_source_becomes_a_table_and_leaves_no_download(
    server: Server, tables: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fetch("toy", "--mirror", server.folder) == 0
    assert "table info toy" in capsys.readouterr().out
    assert load_table("toy").cost("edgegpu_latency_ms", dataset="cifar10").min() == 5
    assert [path.name for path in tables.iterdir()] == ["toy"]


def test_the_mirror_may_be_an_environment_variable(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MIRROR, server.folder + "/")
    assert fetch("toy", "--name", "one") == 0
    (tmp_path / "hw_cifar10.csv").write_bytes(CONTENT)
    assert fetch("toy", "--name", "two", "--mirror", tmp_path.as_uri()) == 0  # and the option comes before it
    assert len(server.asked) == 1
    assert {"one", "two"} <= table_paths().keys()


def test_without_a_name_all_sources_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert fetch() == 0
    text = capsys.readouterr().out
    for name, source in SOURCES.items():
        assert all(part in text for part in (name, source.sha256, source.licence, source.citation, source.addresses[0]))


def test_every_source_is_pinned_and_has_an_importer() -> None:
    for source in SOURCES.values():
        assert source.kind in KINDS
        assert len(bytes.fromhex(source.sha256)) == 32
        assert {address.rsplit("/", 1)[-1] for address in source.addresses} == {source.file}


@pytest.mark.parametrize("name", ["naslib-cifar10", "naslib-cifar100", "hw-nas-bench-cifar10"])
def test_the_real_files_are_the_pinned_ones(name: str, real_data: Path) -> None:
    assert fetch(name, "--mirror", (real_data / "sources").as_uri()) == 0
    assert len(load_table(name)) == len(NB201.enumerate())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["toi"], "unknown source 'toi'. Did you mean 'toy'?"),
        (["toy", "--name", "nb201-digits"], "there is a table 'nb201-digits' already"),
        (["toy", "--mirror", "/a/folder"], "no address that begins with https://"),
        (["toy", "--mirror", "file:///no/such/folder"], "cannot be read"),
        (["toy", "--mirror", "MISSING"], "the server answers 404"),
    ],
)
def test_bad_input_ends_in_one_sentence_and_leaves_nothing(
    arguments: list[str], message: str, server: Server, tables: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.failures, server.status = 99, 404
    assert fetch(*(server.folder if part == "MISSING" else part for part in arguments)) == 2
    (line,) = (line for line in capsys.readouterr().err.splitlines() if line.startswith("error: "))
    assert message in line
    assert not [path for path in tables.rglob("*") if path.is_file()]


def test_a_source_that_fails_leaves_the_old_table(server: Server) -> None:
    assert fetch("toy", "--mirror", server.folder) == 0
    server.wrong_byte = 300
    assert fetch("toy", "--mirror", server.folder) == 2
    assert len(load_table("toy")) == ROWS


FETCH = """if True:
    import sys
    from surrogate_nas import cli
    from surrogate_nas.table.sources import SOURCES, Source
    kind, address, size, sha256, mirror = sys.argv[1:]
    SOURCES["toy"] = Source(kind, (address,), int(size), sha256, "", "", "")
    sys.exit(cli.main(["table", "fetch", "toy", "--mirror", mirror]))
"""


def test_a_kill_in_the_middle_leaves_the_old_table_and_the_next_fetch_goes_on(server: Server, tables: Path) -> None:
    assert fetch("toy", "--mirror", server.folder) == 0
    old = (tables / "toy" / "accuracy.parquet").read_bytes()
    server.pause = 0.2
    part = tables / ".downloads" / "toy" / "hw_cifar10.csv.part"
    command = [sys.executable, "-c", FETCH, TOY.kind, TOY.addresses[0], str(TOY.size), TOY.sha256, server.folder]
    with subprocess.Popen(command, env=os.environ, stderr=subprocess.DEVNULL) as process:
        while not (part.exists() and part.stat().st_size > 0):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    there = part.stat().st_size
    assert 0 < there < len(CONTENT)
    assert (tables / "toy" / "accuracy.parquet").read_bytes() == old
    server.pause = 0
    assert fetch("toy", "--mirror", server.folder) == 0
    assert server.asked[-1] == f"bytes={there}-"
    assert (tables / "toy" / "accuracy.parquet").read_bytes() == old  # which the same source gives
    assert not part.exists()
