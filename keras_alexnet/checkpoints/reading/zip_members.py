"""The content of members of a zip archive, compared with its checksum before it is trusted."""

import os
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from keras_alexnet.checkpoints.errors import refused, shown
from keras_alexnet.checkpoints.reading.files import CHUNK, CheckpointFile
from keras_alexnet.checkpoints.reading.zips import STORED, Member, damaged

THREADS_FROM = 16 << 20  # bytes from which threads are worth their start
INFLATED_SLACK = 24 << 20  # bytes that a member may grow beyond twice the file


def stored(member: Member) -> Member:
    """Return a member, if it lies in the archive as it is.

    Raises:
        CheckpointError: If it is compressed.
    """
    if member.method != STORED:
        raise refused(
            f"The member {shown(member.name)} of the archive is compressed.",
            "Members that are stored as they are were expected.",
            "Write the file with the program it is from, not with an archiver.",
        )
    return member


def check_crcs(file: CheckpointFile, members: Iterable[Member]) -> None:
    """Read stored members through, and compare their CRC-32 with the directory's, if it has them.

    Some 2 GB a second on one core, which is most of the time of opening an archive; so large
    members are shared out among threads.

    Raises:
        CheckpointError: If they differ.
    """
    members = sorted(members, key=lambda member: member.size, reverse=True)
    if sum(member.size for member in members) < THREADS_FROM:
        for member in members:
            _check_crc(file, member)
        return
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as threads:
        for _ in threads.map(lambda member: _check_crc(file, member), members):
            pass


def _check_crc(file: CheckpointFile, member: Member) -> None:
    if stored(member).crc is None:
        return
    crc = 0
    for piece in file.chunks(member.offset, member.stored_size):
        crc = zlib.crc32(piece, crc)
    _compare(member, crc)


def content(file: CheckpointFile, member: Member, limit: int) -> bytes:
    """Return all of a small member, decompressed and checked.

    Raises:
        CheckpointError: If it is longer than `limit`, or damaged.
    """
    if member.size > limit:
        raise refused(
            f"The member {shown(member.name)} of the archive has {member.size} bytes.",
            f"At most {limit} were expected.",
        )
    return b"".join(inflated(file, member))


def inflated(file: CheckpointFile, member: Member) -> Iterator[bytes]:
    """Give the content of a member piece by piece, decompressed; its CRC is checked at the end.

    Raises:
        CheckpointError: If it is damaged, or longer than the directory says, or would grow
            beyond reason: 390 KB can be made to hold 400 MB.
    """
    if member.size > 2 * file.size + INFLATED_SLACK:
        raise refused(
            f"The member {shown(member.name)} of the archive would grow from "
            f"{member.stored_size} to {member.size} bytes.",
            f"At most twice the file and {INFLATED_SLACK >> 20} MiB were expected.",
            "Save it without compression.",
        )
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
        raise refused(
            f"The member {shown(member.name)} of the archive is damaged: its CRC-32 is {crc:08x}, "
            f"and the archive says {member.crc:08x}.",
            "They must be equal.",
        )
