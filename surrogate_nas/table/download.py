"""Download a file whose bytes are known beforehand: resumed, verified, and given its name only when it is whole."""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from tqdm import tqdm

from surrogate_nas.errors import DownloadError

SCHEMES = ("https://", "http://", "file://")
CHUNK = 1 << 16
TRIES = 5  # in a row that bring no byte, for each address
FIRST_PAUSE = 0.5  # seconds before the second of them; it doubles from then on
TIMEOUT = 30.0  # seconds without a byte
PASSING = (408, 425, 429, 500, 502, 503, 504)  # answers that another try may change (RFC 9110, section 15)


def download(
    addresses: Sequence[str],
    path: Path,
    *,
    size: int | None,
    sha256: str,
    timeout: float = TIMEOUT,
    first_pause: float = FIRST_PAUSE,
) -> None:
    """Download a file, going on where an earlier call was interrupted.

    What has come lies in ``path`` with ``.part`` appended; a call that is killed leaves it there for the next one.

    Args:
        addresses: where the file lies; the next is tried when one does not deliver.
        path: the file; nothing is done if it is there already and is the right one.
        size: its bytes, if they are known.
        sha256: of the file, hexadecimal.
        timeout: seconds without a byte after which a connection is given up.
        first_pause: seconds before the second of several tries that bring nothing.

    Raises:
        DownloadError: no address delivers the file; the message says why for each.
        OSError: the file cannot be written.
    """
    if path.is_file() and _digest(path) == sha256:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    reasons = []
    for address in addresses:
        try:
            _from(address, part, size, sha256, timeout, first_pause)
        except DownloadError as error:
            reasons.append(f"{address}: {error}")
            continue
        os.replace(part, path)
        return
    raise DownloadError(
        f"{path.name} could not be downloaded. {'; '.join(reasons)}. Try again later, or name the http://, https:// or "
        "file:// address of a folder that has it, with --mirror or the environment variable SURROGATE_NAS_MIRROR."
    )


def _from(address: str, part: Path, size: int | None, sha256: str, timeout: float, pause: float) -> None:
    """Complete a part from one address, and verify it."""
    if not address.startswith(SCHEMES):
        raise DownloadError(f"it is no address that begins with {', '.join(SCHEMES)}")
    resumed = _complete(address, part, size, timeout, pause)
    if resumed and _digest(part) != sha256:  # of two files, perhaps: the earlier bytes may come from another one
        part.unlink()
        _complete(address, part, size, timeout, pause)
    found = _digest(part)
    if found != sha256:
        part.unlink()
        raise DownloadError(
            f"it delivers other bytes than expected (SHA-256 {found[:16]}... rather than {sha256[:16]}...)"
        )


def _complete(address: str, part: Path, size: int | None, timeout: float, pause: float) -> bool:
    """Download what a part lacks, in as many connections as it takes; return whether there was something before."""
    had = _length(part)
    if size is not None and had > size:
        part.unlink()
        had = 0
    failed = 0
    while True:
        before = _length(part)
        try:
            if size is None or before < size:
                _receive(address, part, size, timeout)
            return had > 0
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, DownloadError):
                raise
            if isinstance(error, urllib.error.HTTPError) and error.code not in PASSING:
                raise DownloadError(f"the server answers {error.code} {error.reason}") from error
            if address.startswith("file://"):
                raise DownloadError(f"it cannot be read ({getattr(error, 'reason', error)})") from error
            failed = 0 if _length(part) > before else failed + 1
            if failed == TRIES:
                reason = getattr(error, "reason", None) or str(error) or type(error).__name__
                raise DownloadError(f"{TRIES} tries in a row brought nothing ({reason})") from error
            time.sleep(pause * 2 ** max(failed - 1, 0))


def _receive(address: str, part: Path, size: int | None, timeout: float) -> None:
    """Append to a part what one connection brings.

    Raises:
        DownloadError: the server has a file of another size.
        OSError, HTTPException: the connection failed or broke off.
    """
    have = _length(part)
    request = urllib.request.Request(address, headers={"Range": f"bytes={have}-"} if have else {})  # noqa: S310
    try:
        response: Any = urllib.request.urlopen(request, timeout=timeout)  # noqa: S310 - its scheme was checked
    except urllib.error.HTTPError as error:
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE and have:
            return  # there is no more; whether the part is the file, its digest tells
        raise
    with response:
        start = _start(response)
        if start != have:  # the server sends all of it, or something else than was asked for
            start = 0
            if _start(response) != 0:
                raise DownloadError("the server sends another part of the file than was asked for")
        length = response.headers.get("Content-Length")
        expected_end = start + int(length) if length is not None and length.isdigit() else None
        if None not in (size, expected_end) and expected_end != size:
            raise DownloadError(f"it has {expected_end} bytes rather than {size}")
        with part.open("r+b" if part.exists() else "wb") as file:
            file.truncate(start)
            file.seek(start)
            _copy(response, file, start, size if size is not None else expected_end, part.name.removesuffix(".part"))


def _start(response: Any) -> int:
    """Return the byte of the file that an answer begins with."""
    if getattr(response, "status", None) != http.client.PARTIAL_CONTENT:
        return 0
    match = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(match.group(1)) if match else -1


def _copy(response: Any, file: IO[bytes], start: int, end: int | None, name: str) -> None:
    with tqdm(initial=start, total=end, unit="B", unit_scale=True, desc=name) as bar:
        at = start
        while chunk := response.read1(CHUNK):
            at += len(chunk)
            if end is not None and at > end:
                raise DownloadError(f"it has more than {end} bytes")
            file.write(chunk)
            bar.update(len(chunk))
    if end is not None and at < end:
        raise ConnectionError(f"the connection broke off after {at} of {end} bytes")


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
