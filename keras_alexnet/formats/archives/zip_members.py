"""The content of members of a zip archive, compared with its checksum before it is trusted."""

import functools
import itertools
import zlib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from keras_alexnet.formats.archives.crc32 import Seen, look
from keras_alexnet.formats.archives.zips import STORED, Member, damaged
from keras_alexnet.formats.errors import CheckpointError, errors_about, shown
from keras_alexnet.formats.files import CHUNK, THREADS, CheckpointFile

THREADS_FROM = 16 << 20  # bytes from which threads are worth their start
PART = 8 << 20  # bytes of a member that a thread looks at before it takes the next
# The limit of the inflated size of all members, some 4 times that of a pruned network.
GROWTH = 8  # times the size of the file
SLACK = 24 << 20  # bytes in addition


def stored(member: Member) -> Member:
    """Return a member, if it lies in the archive as it is.

    Raises:
        CheckpointError: If it is compressed.
    """
    if member.method != STORED:
        raise CheckpointError(
            f"The member {shown(member.name)} of the archive is compressed.",
            "Members that are stored as they are were expected.",
            "Write the file with the program it is from, not with an archiver.",
        )
    return member


def check_crcs(
    file: CheckpointFile, members: Iterable[Member], types: Sequence[np.dtype | None] = ()
) -> None:
    """Read stored members through, and compare their CRC-32 with the directory's, if it has them.

    Some 2 GB a second on one core, which is most of the time of opening an archive; so parts of
    them are shared out among threads. The range of numbers is found on the way: the file keeps it.

    Args:
        file: The open file.
        members: The members.
        types: The type of the numbers that each member consists of; `None` for other bytes.

    Raises:
        CheckpointError: If they differ.
    """
    rows = [
        (member, dtype, range(0, member.stored_size, PART))
        for member, dtype in itertools.zip_longest(members, types)
        if stored(member).crc is not None
    ]
    parts = [
        (member.offset + start, min(PART, member.stored_size - start), dtype)
        for member, dtype, starts in rows
        for start in starts
    ]
    with ThreadPoolExecutor(THREADS) as threads:
        run = threads.map if sum(part[1] for part in parts) >= THREADS_FROM else map
        looks = run(lambda part: look(file, *part), parts)
        for member, dtype, starts in rows:
            seen = functools.reduce(Seen.then, itertools.islice(looks, len(starts)), Seen())
            _compare(member, seen.crc)
            if dtype is not None:
                file.magnitudes[member.offset, member.size, dtype] = seen.magnitude


class Check:
    """Compares a stored member with its checksum, the first time that it is called.

    Args:
        file: The open file.
        member: The member.
        dtype: The type of the numbers that it consists of; `None` for other bytes.
    """

    def __init__(self, file: CheckpointFile, member: Member, dtype: np.dtype | None = None):
        self._file, self._member, self._dtype = file, member, dtype
        self._done = False

    def __call__(self) -> None:
        """Raise if the member is damaged."""
        if self._done:
            return
        with errors_about(f"{self._file.path!r} cannot be read:"):
            check_crcs(self._file, [self._member], [self._dtype])
        self._done = True


def content(file: CheckpointFile, member: Member, limit: int) -> bytes:
    """Return all of a small member, decompressed and checked.

    Raises:
        CheckpointError: If it is longer than `limit`, or damaged.
    """
    if member.size > limit:
        raise CheckpointError(
            f"The member {shown(member.name)} of the archive has {member.size} bytes.",
            f"At most {limit} were expected.",
        )
    return b"".join(inflated(file, member))


def check_growth(file: CheckpointFile, members: Iterable[Member]) -> None:
    """Check the inflated size of all members together: 390 KB can be made to hold 400 MB.

    Raises:
        CheckpointError: If the size is beyond the limit; nothing is decompressed.
    """
    total = sum(member.size for member in members)
    if total > GROWTH * file.size + SLACK:
        raise CheckpointError(
            f"The members of the archive would grow from {file.size} to {total} bytes.",
            f"At most {GROWTH} times the file and {SLACK >> 20} MiB were expected.",
            "Save it without compression.",
        )


def beginning(file: CheckpointFile, member: Member, length: int) -> bytes:
    """Return the first `length` bytes of a member, decompressed; all if it has fewer.

    Raises:
        CheckpointError: If they are damaged. The rest of the member is not read.
    """
    if member.method == STORED:
        return file.pread(member.offset, min(member.size, length))
    content = file.pread(member.offset, min(member.stored_size, 2 * length))
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(content, length)
    except zlib.error as error:
        raise damaged(f"has a member {shown(member.name)} that cannot be inflated") from error


def inflated(file: CheckpointFile, member: Member) -> Iterator[bytes]:
    """Give the content of a member piece by piece, decompressed; its CRC is checked at the end.

    Raises:
        CheckpointError: If it is damaged, or longer than the directory says.
    """
    crc = size = 0
    for piece in _pieces(file, member):
        crc, size = zlib.crc32(piece, crc), size + len(piece)
        if size > member.size:
            break
        yield piece
    if size != member.size:
        raise damaged(f"has a member {shown(member.name)} that is not of the size it declares")
    _compare(member, crc)


def _pieces(file: CheckpointFile, member: Member) -> Iterator[bytes]:
    chunks = file.chunks(member.offset, member.stored_size)
    if member.method == STORED:
        yield from map(bytes, chunks)
        return
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for chunk in chunks:
            waiting = bytes(chunk)
            while waiting and not stream.eof:
                yield stream.decompress(waiting, CHUNK)
                waiting = stream.unconsumed_tail
        if not stream.eof:
            yield stream.flush()
    except zlib.error as error:
        raise damaged(f"has a member {shown(member.name)} that cannot be inflated") from error
    if not stream.eof or stream.unused_data:
        raise damaged(f"has a member {shown(member.name)} that ends where it should not")


def _compare(member: Member, crc: int) -> None:
    if member.crc not in (None, crc):
        raise CheckpointError(
            f"The member {shown(member.name)} of the archive is damaged: its CRC-32 is {crc:08x}, "
            f"and the archive says {member.crc:08x}.",
            "They must be equal.",
        )
