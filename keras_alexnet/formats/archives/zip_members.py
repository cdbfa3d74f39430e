"""The content of the members of a zip archive, compared with its CRC-32 before use."""

import functools
import itertools
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from keras_alexnet.formats.archives.crc32 import Summary, summarize
from keras_alexnet.formats.archives.zips import STORED, Member, invalid_zip
from keras_alexnet.formats.errors import CheckpointError, errors_about, quoted
from keras_alexnet.formats.files import CHUNK, THREADS, CheckpointFile

THREADS_FROM = 16 << 20  # bytes from which threads save more time than their start takes
PART = 8 << 20  # bytes that a thread reads at a time
# The limit of the inflated size of all members, some 4 times that of a pruned network.
GROWTH = 8  # times the size of the file
SLACK = 24 << 20  # bytes in addition


def require_stored(member: Member) -> Member:
    """Return the member if it is stored without compression.

    Raises:
        CheckpointError: If the member is compressed.
    """
    if member.method != STORED:
        raise CheckpointError(
            f"The member {quoted(member.name)} of the archive is compressed.",
            "The members of this format must be stored without compression.",
            "Write the file with the program of its format, not with an archiver.",
        )
    return member


def check_crcs(
    file: CheckpointFile, members: Iterable[Member], types: Sequence[np.dtype | None] = ()
) -> None:
    """Compare the CRC-32 of members with the directory's, if the directory has them.

    One core reads about 2 GB a second, and most of the time of opening an archive is spent here: so
    threads share the parts of the members. The same pass finds the greatest magnitude of the
    numbers, and puts it into `file.magnitudes`.

    Args:
        file: The open file.
        members: The members.
        types: The dtype of the numbers that each member consists of; `None` for other bytes.

    Raises:
        CheckpointError: If a CRC-32 differs, or a member is compressed.
    """
    rows = [
        (member, dtype, range(0, member.stored_size, PART))
        for member, dtype in itertools.zip_longest(members, types)
        if require_stored(member).crc is not None
    ]
    parts = [
        (member.offset + start, min(PART, member.stored_size - start), dtype)
        for member, dtype, starts in rows
        for start in starts
    ]
    with ThreadPoolExecutor(THREADS) as threads:
        run = threads.map if sum(part[1] for part in parts) >= THREADS_FROM else map
        summaries = run(lambda part: summarize(file, *part), parts)
        for member, dtype, starts in rows:
            summary = functools.reduce(
                Summary.followed_by, itertools.islice(summaries, len(starts)), Summary()
            )
            _compare(member, summary.crc)
            if dtype is not None:
                file.magnitudes[member.offset, member.size, dtype] = summary.magnitude


def crc_check(
    file: CheckpointFile, member: Member, dtype: np.dtype | None = None
) -> Callable[[], None]:
    """Return a function that compares a stored member with its CRC-32 at its first call only.

    Args:
        file: The open file.
        member: The member.
        dtype: The dtype of the numbers that it consists of; `None` for other bytes.
    """

    @functools.cache
    def check() -> None:
        with errors_about(f"{file.path!r} cannot be read:"):
            check_crcs(file, [member], [dtype])

    return check


def read_member(file: CheckpointFile, member: Member, limit: int) -> bytes:
    """Return the content of a small member, decompressed and checked.

    Raises:
        CheckpointError: If the member has more than `limit` bytes, or is damaged.
    """
    if member.size > limit:
        raise CheckpointError(
            f"The member {quoted(member.name)} of the archive has {member.size} bytes.",
            f"The member must have at most {limit} bytes.",
        )
    return b"".join(inflate(file, member))


def check_growth(file: CheckpointFile, members: Iterable[Member]) -> None:
    """Raise if the members together inflate too much: 390 KB can be made to hold 400 MB.

    Raises:
        CheckpointError: If the size is beyond the limit. Nothing is decompressed.
    """
    total = sum(member.size for member in members)
    if total > GROWTH * file.size + SLACK:
        raise CheckpointError(
            f"The members of the archive would grow from {file.size} to {total} bytes.",
            f"The limit is {GROWTH} times the size of the file and {SLACK >> 20} MiB.",
            "Save the file without compression.",
        )


def read_start(file: CheckpointFile, member: Member, length: int) -> bytes:
    """Return the first `length` bytes of a member, decompressed; all if the member has fewer.

    Raises:
        CheckpointError: If these bytes are damaged. The rest of the member is not read.
    """
    if member.method == STORED:
        return file.pread(member.offset, min(member.size, length))
    content = file.pread(member.offset, min(member.stored_size, 2 * length))
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(content, length)
    except zlib.error as error:
        raise invalid_zip(f"The member {quoted(member.name)} cannot be inflated.") from error


def inflate(file: CheckpointFile, member: Member) -> Iterator[bytes]:
    """Yield the content of a member in pieces, decompressed, and check its CRC-32 at the end.

    Raises:
        CheckpointError: If the member is damaged, or longer than the directory says.
    """
    crc = size = 0
    for piece in _pieces(file, member):
        crc, size = zlib.crc32(piece, crc), size + len(piece)
        if size > member.size:
            break
        yield piece
    if size != member.size:
        raise invalid_zip(f"The member {quoted(member.name)} does not have its declared size.")
    _compare(member, crc)


def _pieces(file: CheckpointFile, member: Member) -> Iterator[bytes]:
    chunks = file.chunks(member.offset, member.stored_size)
    if member.method == STORED:
        yield from map(bytes, chunks)
        return
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for chunk in chunks:
            compressed = bytes(chunk)
            while compressed and not stream.eof:
                yield stream.decompress(compressed, CHUNK)
                compressed = stream.unconsumed_tail
        if not stream.eof:
            yield stream.flush()
    except zlib.error as error:
        raise invalid_zip(f"The member {quoted(member.name)} cannot be inflated.") from error
    if not stream.eof or stream.unused_data:
        raise invalid_zip(f"The member {quoted(member.name)} does not end with its data.")


def _compare(member: Member, crc: int) -> None:
    if member.crc not in (None, crc):
        raise CheckpointError(
            f"The member {quoted(member.name)} of the archive is damaged: its CRC-32 is {crc:08x}, "
            f"and the archive says {member.crc:08x}.",
            "The CRC-32 of the content must be the one in the archive's directory.",
        )
