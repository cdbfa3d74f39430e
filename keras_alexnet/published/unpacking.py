"""Extraction of one file from a downloaded zip archive, which is not trusted."""

import contextlib
import os
import zipfile
from collections.abc import Iterator

from keras_alexnet.published.fetching import DownloadError

CHUNK = 1 << 20
END = 22  # bytes of the record at the end of an archive
ENTRIES = 16  # more than any published archive has


def extract_member(archive: str, member: str, path: str, limit: int) -> None:
    """Write one member of a zip archive into a new file.

    The name in the archive is compared, and never used as a path.

    Args:
        archive: The archive's file.
        member: The whole name of the member.
        path: The new file.
        limit: The largest size in bytes.

    Raises:
        DownloadError: If the archive is damaged or not a plain one, or has no such member, or a
            too large one.
        OSError: If the file cannot be written.
    """
    _check_end(archive)
    with contextlib.ExitStack() as stack:
        with _zip_errors():
            entries = stack.enter_context(zipfile.ZipFile(archive))
            source = stack.enter_context(entries.open(_entry(entries, member)))
        file = stack.enter_context(open(path, "xb"))
        while True:
            with _zip_errors():
                chunk = source.read(CHUNK)
            if not chunk:
                break
            if file.tell() + len(chunk) > limit:
                raise DownloadError(f"its archive unpacks to more than {limit:,} bytes")
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())


@contextlib.contextmanager
def _zip_errors() -> Iterator[None]:
    """Turn any exception, as Python raises for damaged archives, into a `DownloadError`."""
    try:
        yield
    except DownloadError:
        raise
    except Exception as error:
        raise DownloadError(f"its archive is damaged or locked ({type(error).__name__})") from error


def _entry(entries: zipfile.ZipFile, member: str) -> zipfile.ZipInfo:
    found = [entry for entry in entries.infolist() if entry.filename == member]
    if len(found) != 1:
        raise DownloadError(f"its archive has {len(found)} files named {member}")
    if found[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DownloadError(f"its archive is compressed by method {found[0].compress_type}")
    return found[0]


def _check_end(archive: str) -> None:
    """Raise unless the end record of the archive counts few entries.

    Python reads the whole directory into memory, which could have millions of entries.
    """
    size = os.path.getsize(archive)
    with open(archive, "rb") as file:
        file.seek(max(size - END - 20, 0))
        tail = file.read()
    end, before = tail[-END:], tail[:-END]
    if not end.startswith(b"PK\5\6"):
        raise DownloadError("it sent no zip archive, or one that was cut")
    count, length = int.from_bytes(end[10:12], "little"), int.from_bytes(end[12:16], "little")
    if before.startswith(b"PK\6\7") or count > ENTRIES or length > ENTRIES << 16:
        raise DownloadError(f"its archive has more than {ENTRIES} entries")
