"""Downloads of one file from one address, over connections that break, stall or lie.

`keras.utils.get_file` is not used. It has no timeout, so a silent server holds it for ever. It
has no limit on the size of the file, and cannot resume after a broken connection. It does not know
SHA-1, the only published hash of some files. It prints to the standard output, where a command with
`--json` must print only JSON.
"""

import http.client
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import IO

from keras_alexnet.formats.errors import quoted

CHUNK = 1 << 18
PROGRESS = 1 << 20  # bytes of one connection after which tries are counted from 1 again
TRIES = 4  # connections in a row with less than that
PAUSE = 1.0  # seconds before the second of them, doubled each time
BUSY = (408, 429, 500, 502, 503, 504)  # status codes that may soon change


class DownloadError(Exception):
    """The reason why an address did not give the file."""


class _BrokenConnection(Exception):
    """A connection that ended early; another may bring the rest."""


def fetch(
    url: str,
    path: str,
    limit: int,
    size: int | None = None,
    timeout: float = 30.0,
    update: Callable[[int, int | None], None] = lambda done, total: None,
) -> None:
    """Download an address into a new file, and resume after a broken connection.

    It checks only the size; the caller checks whether it is the right file.

    Args:
        url: An https or http address.
        path: The new file.
        limit: The largest size in bytes.
        size: The size in bytes, if known.
        timeout: Seconds that the server may be silent.
        update: Called with the bytes that are there, and the bytes of the whole file if known.

    Raises:
        DownloadError: If the address does not give it.
        OSError: If it cannot be written.
    """
    if not url.startswith(("https://", "http://")):
        raise DownloadError("the address must begin with https:// or http://")
    tries = 0
    with open(path, "xb") as file:
        while True:
            before = file.tell()
            try:
                _receive(url, file, limit, size, timeout, update)
                break
            except _BrokenConnection as error:
                tries = 1 if file.tell() - before >= PROGRESS else tries + 1
                if tries == TRIES:
                    raise DownloadError(f"{error}, and so again, {TRIES} times in a row") from error
                time.sleep(PAUSE * 2 ** (tries - 1))
        file.flush()
        os.fsync(file.fileno())


def _receive(url: str, file: IO[bytes], limit, size, timeout, update) -> None:
    """Append the bytes of one connection to the file."""
    with _answer(url, file, timeout) as answer:
        total = _announced(answer, file.tell())
        if total is not None and size not in (None, total):
            raise DownloadError(f"it offers {total:,} bytes, not {size:,}")
        while chunk := _read(answer):
            if file.tell() == 0 and chunk.lstrip()[:1] == b"<":
                raise DownloadError("it sent a web page in place of the file")
            if file.tell() + len(chunk) > limit:
                raise DownloadError(f"it sent more than {limit:,} bytes")
            file.write(chunk)
            update(file.tell(), total or size)
    expected = total or size
    if expected is not None and file.tell() < expected:
        raise _BrokenConnection(f"the connection ended after {file.tell():,} of {expected:,} bytes")


def _answer(url: str, file: IO[bytes], timeout: float) -> http.client.HTTPResponse:
    """Return the answer of the server, which begins where the file ends."""
    start = file.tell()
    headers = {"User-Agent": "keras-alexnet", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        opener = urllib.request.build_opener(_SafeRedirects)
        answer = opener.open(urllib.request.Request(url, headers=headers), timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        reason = f"the server answered {error.code}, {quoted(str(error.reason))}"
        if start and error.code == 416:  # no more bytes, but there were too few
            _restart(file)
        elif error.code not in BUSY:
            raise DownloadError(reason) from error
        raise _BrokenConnection(reason) from error
    except (OSError, http.client.HTTPException) as error:
        reason = f"no connection: {_reason(error)}"
        raise (_BrokenConnection if start else DownloadError)(reason) from error
    resumed = f"bytes {start}-"
    if start and not (
        answer.status == 206 and (answer.getheader("Content-Range") or "").startswith(resumed)
    ):
        _restart(file)
        if answer.status != 200:
            answer.close()
            raise _BrokenConnection("the server sent another range of bytes than requested")
    return answer


def _restart(file: IO[bytes]) -> None:
    file.seek(0)
    file.truncate()


def _announced(answer: http.client.HTTPResponse, start: int) -> int | None:
    """Return the size of the whole file in bytes, as the server announces it."""
    length = answer.getheader("Content-Length") or ""
    return start + int(length) if length.isascii() and length.isdigit() else None


def _read(answer: http.client.HTTPResponse) -> bytes:
    try:
        return answer.read1(CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise _BrokenConnection(f"the connection broke: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError):
        return "the server was silent for too long"
    if isinstance(reason, http.client.IncompleteRead):
        return "it ended early"
    return quoted(getattr(reason, "strerror", None) or str(reason) or type(reason).__name__)


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to web addresses, but never from one with TLS to one without."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        schemes = ("https://",) if req.full_url.startswith("https://") else ("https://", "http://")
        if not newurl.lower().startswith(schemes):
            reason = "it redirects to an address without TLS"
            raise urllib.error.HTTPError(req.full_url, code, reason, headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)
