"""One file from one address, over connections that break, stall or lie.

`keras.utils.get_file` is not used: it has no timeout, so a server that falls silent holds it for
ever; no limit on what it writes; no way to go on after a broken connection; knows no SHA-1, which
is all that is public of some files; and prints to the standard output, where a command asked for
JSON has that alone.
"""

import http.client
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import IO

from keras_alexnet.formats.errors import shown

CHUNK = 1 << 18
PROGRESS = 1 << 20  # bytes of one connection that make the next a first try again
TRIES = 4  # connections in a row that bring less
PAUSE = 1.0  # seconds before the second of them, doubled each time
BUSY = (408, 429, 500, 502, 503, 504)  # answers that may be others in a moment


class Failed(Exception):
    """Why an address did not give the file, in words."""


class _Broken(Exception):
    """A connection that ended early; another may bring the rest."""


def fetch(
    url: str,
    path: str,
    limit: int,
    size: int | None = None,
    timeout: float = 30.0,
    step: Callable[[int, int | None], None] = lambda done, total: None,
) -> None:
    """Download an address into a new file, going on from where a broken connection ended.

    Whether it is the right file is for the caller to find out; here only its size is looked at.

    Args:
        url: An https address, or http.
        path: The file to make.
        limit: Bytes that it may have at most.
        size: Bytes that it must have, if known.
        timeout: Seconds that the server may be silent.
        step: Called with the bytes that are there, and how many there will be if that is known.

    Raises:
        Failed: If it cannot be had.
        OSError: If it cannot be written.
    """
    if not url.startswith(("https://", "http://")):
        raise Failed("it is not an address of the web")
    tries = 0
    with open(path, "xb") as file:
        while True:
            before = file.tell()
            try:
                _receive(url, file, limit, size, timeout, step)
                break
            except _Broken as error:
                tries = 1 if file.tell() - before >= PROGRESS else tries + 1
                if tries == TRIES:
                    raise Failed(f"{error}, and so again, {TRIES} times in a row") from error
                time.sleep(PAUSE * 2 ** (tries - 1))
        file.flush()
        os.fsync(file.fileno())


def _receive(url: str, file: IO[bytes], limit, size, timeout, step) -> None:
    """Write what one connection brings behind what is there."""
    with _answer(url, file, timeout) as answer:
        total = _announced(answer, file.tell())
        if total is not None and size not in (None, total):
            raise Failed(f"it offers {total:,} bytes, not {size:,}")
        while chunk := _read(answer):
            if file.tell() == 0 and chunk.lstrip()[:1] == b"<":
                raise Failed("it sent a web page in place of the file")
            if file.tell() + len(chunk) > limit:
                raise Failed(f"it sent more than {limit:,} bytes")
            file.write(chunk)
            step(file.tell(), total or size)
    expected = total or size
    if expected is not None and file.tell() < expected:
        raise _Broken(f"the connection ended after {file.tell():,} of {expected:,} bytes")


def _answer(url: str, file: IO[bytes], timeout: float) -> http.client.HTTPResponse:
    """Return the answer of the server, which is to begin where the file ends."""
    start = file.tell()
    headers = {"User-Agent": "keras-alexnet", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        opener = urllib.request.build_opener(_SafeRedirects)
        answer = opener.open(urllib.request.Request(url, headers=headers), timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        words = f"the server answered {error.code}, {shown(str(error.reason))}"
        if start and error.code == 416:  # nothing lies behind what is there, which was too little
            _restart(file)
        elif error.code not in BUSY:
            raise Failed(words) from error
        raise _Broken(words) from error
    except (OSError, http.client.HTTPException) as error:
        words = f"no connection: {_words(error)}"
        raise (_Broken if start else Failed)(words) from error
    if start and not _goes_on(answer, start):
        _restart(file)
        if answer.status != 200:
            answer.close()
            raise _Broken("the server sent another part than it was asked for")
    return answer


def _goes_on(answer: http.client.HTTPResponse, start: int) -> bool:
    return answer.status == 206 and (answer.getheader("Content-Range") or "").startswith(
        f"bytes {start}-"
    )


def _restart(file: IO[bytes]) -> None:
    file.seek(0)
    file.truncate()


def _announced(answer: http.client.HTTPResponse, start: int) -> int | None:
    """Return how many bytes the whole file is said to have."""
    length = answer.getheader("Content-Length") or ""
    return start + int(length) if length.isascii() and length.isdigit() else None


def _read(answer: http.client.HTTPResponse) -> bytes:
    try:
        return answer.read1(CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise _Broken(f"the connection broke: {_words(error)}") from error


def _words(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError):
        return "the server was silent for too long"
    if isinstance(reason, http.client.IncompleteRead):
        return "it ended early"
    return shown(getattr(reason, "strerror", None) or str(reason) or type(reason).__name__)


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows to other web addresses, but from one with TLS never to one without."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        schemes = ("https://",) if req.full_url.startswith("https://") else ("https://", "http://")
        if not newurl.lower().startswith(schemes):
            words = "it redirects to an address without TLS"
            raise urllib.error.HTTPError(req.full_url, code, words, headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)
