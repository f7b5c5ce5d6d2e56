"""Downloads from a real HTTP server on this machine that misbehaves in every way that servers do."""

from __future__ import annotations

import hashlib
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from surrogate_nas.errors import DownloadError
from surrogate_nas.table.download import TRIES, download

CONTENT = np.random.default_rng(1).bytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves ``content`` at every path; what it does wrong is told by attributes."""

    content = CONTENT
    ranges = True  # it serves parts
    sent_before_drop: int | None = None  # bytes of each answer after which the connection is cut
    wrong_byte: int | None = None  # place of a byte that is another
    wrong_times = 10**9  # answers that have it
    pause = 0.0  # seconds between eighths of an answer
    failures = 0  # answers with status before the first good one
    status = 503
    told_length: int | None = None  # Content-Length, if not the true one
    redirect: str | None = None

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str | None] = []  # the ranges

    @property
    def folder(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def address(self) -> str:
        return f"{self.folder}/file.bin"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server = self.server
        wanted = self.headers.get("Range")
        server.asked.append(wanted)
        if server.redirect and self.path == "/file.bin":
            self.send_response(302)
            self.send_header("Location", server.redirect)
            self.end_headers()
            return
        if len(server.asked) <= server.failures:
            self.send_error(server.status)
            return
        start = int(re.findall(r"\d+", wanted)[0]) if wanted and server.ranges else 0
        if start >= len(server.content):
            self.send_error(416)
            return
        body = bytearray(server.content)
        if server.wrong_byte is not None and len(server.asked) <= server.wrong_times:
            body[server.wrong_byte] ^= 1
        body = body[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(server.content) - 1}/{len(server.content)}")
        self.send_header("Content-Length", str(server.told_length or len(body)))
        self.end_headers()
        self.send(body if server.sent_before_drop is None else body[: server.sent_before_drop])

    def send(self, body: bytes) -> None:
        size = -(-len(body) // 8)
        try:
            for at in range(0, len(body), size):
                self.wfile.write(body[at : at + size])
                self.wfile.flush()
                time.sleep(self.server.pause)
        except ConnectionError:  # the client has gone
            pass

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(content: bytes) -> Iterator[Server]:
    with Server() as running:
        running.content = content
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield running
        finally:
            running.shutdown()
            thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(CONTENT) as running:
        yield running


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "file.bin"


def get(path: Path, *addresses: str, size: int | None = len(CONTENT), timeout: float = 20) -> None:
    download(addresses, path, size=size, sha256=SHA256, timeout=timeout, first_pause=0.001)


def only(path: Path) -> bool:
    """It is whole, and nothing else lies beside it."""
    return [*path.parent.iterdir()] == [path] and path.read_bytes() == CONTENT


@pytest.mark.parametrize("size", [len(CONTENT), None])
def test_a_file_comes_whole_and_once(server: Server, path: Path, size: int | None) -> None:
    get(path, server.address, size=size)
    assert only(path)
    get(path, server.address, size=size)
    assert server.asked == [None]


@pytest.mark.parametrize("size", [len(CONTENT), None])
def test_a_connection_that_breaks_off_goes_on_where_it_stopped(server: Server, path: Path, size: int | None) -> None:
    server.sent_before_drop = 70_000
    get(path, server.address, size=size)
    assert only(path)
    assert server.asked == [None, "bytes=70000-", "bytes=140000-", "bytes=210000-", "bytes=280000-"]


def test_a_server_that_ignores_ranges_is_read_from_the_beginning(server: Server, path: Path) -> None:
    path.parent.mkdir()
    path.with_name("file.bin.part").write_bytes(CONTENT[:1000])
    server.ranges = False
    get(path, server.address)
    assert only(path)
    assert server.asked == ["bytes=1000-"]


def test_a_part_of_an_earlier_call_is_used(server: Server, path: Path) -> None:
    path.parent.mkdir()
    path.with_name("file.bin.part").write_bytes(CONTENT[:299_999])
    get(path, server.address)
    assert only(path)
    assert server.asked == ["bytes=299999-"]


@pytest.mark.parametrize("part", [b"another file", CONTENT + b"more", bytes(len(CONTENT))])
@pytest.mark.parametrize("size", [len(CONTENT), None])
def test_a_part_of_another_file_is_thrown_away(server: Server, path: Path, part: bytes, size: int | None) -> None:
    path.parent.mkdir()
    path.with_name("file.bin.part").write_bytes(part)
    get(path, server.address, size=size)
    assert only(path)


def test_a_wrong_byte_is_refused_and_nothing_is_left(server: Server, path: Path) -> None:
    server.wrong_byte = 123_456
    with pytest.raises(DownloadError, match=r"other bytes than expected \(SHA-256 .* rather than"):
        get(path, server.address)
    assert [*path.parent.iterdir()] == []


def test_a_wrong_byte_of_one_address_does_not_spoil_the_next(server: Server, path: Path) -> None:
    server.wrong_byte, server.wrong_times = 7, 1
    get(path, server.address, server.address)
    assert only(path)


def test_a_slow_server_is_waited_for(server: Server, path: Path) -> None:
    server.pause = 0.1
    get(path, server.address)
    assert only(path)


def test_a_server_that_stalls_is_given_up_and_asked_again(path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(DownloadError, match="timed out"):
        get(path, f"http://127.0.0.1:{silent.getsockname()[1]}/file.bin", timeout=0.1)
    assert not path.exists()


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_final_answer_is_told_at_once_and_the_next_address_asked(server: Server, path: Path, status: int) -> None:
    server.failures, server.status = 1, status
    get(path, server.address, server.address)
    assert only(path)
    server.failures = 10
    path.unlink()
    with pytest.raises(
        DownloadError, match=rf"file\.bin could not be downloaded\. {server.address}: .* answers {status}"
    ):
        get(path, server.address)


def test_a_passing_failure_is_tried_again(server: Server, path: Path) -> None:
    server.failures = TRIES - 1
    get(path, server.address)
    assert only(path)


def test_lasting_failures_end(server: Server, path: Path) -> None:
    server.failures = TRIES
    with pytest.raises(DownloadError, match=r"tries in a row brought nothing .*--mirror"):
        get(path, server.address)


def test_nobody_listens(path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(DownloadError, match="tries in a row brought nothing"):
        get(path, f"http://127.0.0.1:{port}/file.bin")


@pytest.mark.parametrize("length", [10, 400_000])
def test_a_length_that_is_not_the_file_s_is_refused(server: Server, path: Path, length: int) -> None:
    server.told_length = length
    with pytest.raises(DownloadError, match=f"it has {length} bytes rather than 300000"):
        get(path, server.address)


def test_a_file_that_changed_on_the_server_is_refused(server: Server, path: Path) -> None:
    server.content = CONTENT[:-1]
    with pytest.raises(DownloadError, match="it has 299999 bytes rather than 300000"):
        get(path, server.address)
    with pytest.raises(DownloadError, match="other bytes than expected"):
        get(path, server.address, size=None)


def test_a_redirection_is_followed(server: Server, path: Path) -> None:
    server.redirect = "/elsewhere"
    server.sent_before_drop = 200_000
    get(path, server.address)
    assert only(path)


@pytest.mark.parametrize("target", ["/file.bin", "file:///etc/hostname", "ftp://127.0.0.1:1/file.bin"])
def test_a_redirection_in_a_circle_or_elsewhere_ends(server: Server, path: Path, target: str) -> None:
    server.redirect = target
    with pytest.raises(DownloadError):
        get(path, server.address)
    assert not path.exists()


def test_a_file_address_is_read(tmp_path: Path, path: Path) -> None:
    (tmp_path / "a file").write_bytes(CONTENT)
    get(path, (tmp_path / "a file").as_uri())
    assert only(path)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("file:///no/such/file", "cannot be read"),
        ("ftp://127.0.0.1/file", "no address that begins with"),
        ("nothing", "no address that begins with"),
        ("http://", "no host given"),
    ],
)
def test_other_addresses_are_refused(address: str, message: str, path: Path) -> None:
    with pytest.raises(DownloadError, match=message):
        get(path, address)
