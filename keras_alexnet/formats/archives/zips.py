"""The directory of a zip archive, read without trust: nothing is unpacked, nothing is repaired.

Sizes and places come from the central directory alone, which must be the only one, whole, and
agree with the file: what two programs could read differently is refused.
"""

import dataclasses
import re
import struct
from collections.abc import Iterable, Iterator

from keras_alexnet.formats.errors import CheckpointError, shown
from keras_alexnet.formats.files import CheckpointFile

# Signatures and records of the ZIP specification (PKWARE APPNOTE 6.3), sections 4.3.7 to 4.3.16.
BEGINNING = b"PK\x03\x04"
END, END64, LOCATOR64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
END_RECORD = struct.Struct("<4s4H2LH")
END64_RECORD = struct.Struct("<4sQ2H2L4Q")
LOCATOR64_RECORD = struct.Struct("<4sLQL")
ENTRY = struct.Struct("<4s6H3L5H2L")
LOCAL = struct.Struct("<4s5H3L2H")
STORED, DEFLATED = 0, 8
FLAGS = 0x080E  # compression level, sizes after the data, names in UTF-8; no encryption, no patches
MAX_DIRECTORY = 1 << 20  # bytes: 16 layers make 3 KB
MAX_ENTRIES = 4096
MAX_COMMENT = 0xFFFF
EXTRA64 = 0x0001  # the extra field with sizes of 64 bits
FULL16, FULL32 = 0xFFFF, 0xFFFFFFFF  # says that the number stands in a record of 64 bits


@dataclasses.dataclass(frozen=True)
class Member:
    """A file in an archive.

    Args:
        name: Its path in the archive; only ever compared, never opened.
        offset: Byte of the archive where its data begin.
        stored_size: Bytes of data in the archive.
        size: Bytes once decompressed.
        method: How it is compressed: `STORED` or `DEFLATED`.
        crc: CRC-32 of its content; None in an archive without any.
    """

    name: str
    offset: int
    stored_size: int
    size: int
    method: int
    crc: int | None


def read_directory(file: CheckpointFile) -> dict[str, Member]:
    """Return the members of a zip archive by name, in the order of its directory.

    Raises:
        CheckpointError: If it is damaged, encrypted, split, too long, or ambiguous: two members
            of one name, members that overlap, bytes after its end.
    """
    start, size, count = _directory_place(file)
    entries = list(_entries(file.pread(start, size), count))
    if not any(entry.crc for entry in entries):  # torch.serialization.set_crc32_options(False)
        entries = [dataclasses.replace(entry, crc=None) for entry in entries]
    members = {entry.name: _located(file, entry, start) for entry in entries}
    if len(members) != len(entries):
        raise damaged("has two members of one name")
    _check_apart(members.values(), {entry.name: entry.offset for entry in entries})
    return {name: member for name, member in members.items() if not name.endswith("/")}


def damaged(wrong: str) -> CheckpointError:
    """Return the error for an archive that is not whole."""
    return CheckpointError(f"The archive {wrong}.", "A whole zip archive was expected.")


def _directory_place(file: CheckpointFile) -> tuple[int, int, int]:
    """Return where the directory starts, its size in bytes, and its number of entries."""
    end = _end_place(file)
    record = END_RECORD.unpack(file.pread(end, END_RECORD.size))
    _, disk, first_disk, here, count, size, start, _ = record
    if end >= LOCATOR64_RECORD.size:
        place = end - LOCATOR64_RECORD.size
        locator = LOCATOR64_RECORD.unpack(file.pread(place, LOCATOR64_RECORD.size))
        if locator[0] == LOCATOR64:
            end = locator[2]
            if end + END64_RECORD.size != place:
                raise damaged("has no end record where its locator says")
            large = END64_RECORD.unpack(file.pread(end, END64_RECORD.size))
            if large[0] != END64 or not _agree(record[1:7], large[4:]):
                raise damaged("has two end records that differ")
            _, _, _, _, disk, first_disk, here, count, size, start = large
    if disk or first_disk or here != count:
        raise damaged("is one part of several")
    if count > MAX_ENTRIES or size > MAX_DIRECTORY:
        raise CheckpointError(
            f"The directory of the archive has {count} entries in {size} bytes.",
            f"At most {MAX_ENTRIES} in {MAX_DIRECTORY} bytes were expected.",
            "Take a file that holds nothing but the weights.",
        )
    if start + size != end:
        raise damaged("has a directory that does not end where the end record begins")
    return start, size, count


def _end_place(file: CheckpointFile) -> int:
    """Return where the end record is: the only one whose comment ends the file.

    A comment may hold the signature as well. If it holds a whole record, programs differ in which
    they take.
    """
    length = min(file.size, END_RECORD.size + MAX_COMMENT)
    tail = file.pread(file.size - length, length)
    signed = [match.start() for match in re.finditer(re.escape(END), tail)]
    whole = [place for place in signed if place + END_RECORD.size <= length]
    ends = [
        place
        for place in whole
        if place + END_RECORD.size + END_RECORD.unpack_from(tail, place)[-1] == length
    ]
    if not whole:
        raise damaged("has no directory at its end: it was cut, or not finished")
    if len(ends) != 1:
        raise damaged("has two end records" if ends else "has bytes after its end")
    return file.size - length + ends[0]


def _agree(small: tuple[int, ...], large: tuple[int, ...]) -> bool:
    """Tell whether the numbers of the small record are those of the large one, or point to it."""
    pairs = zip(small, large, strict=True)
    return all(a in (b, FULL16 if i < 4 else FULL32) for i, (a, b) in enumerate(pairs))


def _entries(directory: bytes, count: int) -> Iterator[Member]:
    """Give the entries of a directory; `offset` is that of the local header."""
    position = 0
    for _ in range(count):
        if position + ENTRY.size > len(directory):
            raise damaged("has a directory that is shorter than its number of entries")
        fields = ENTRY.unpack_from(directory, position)
        signature, _, _, flags, method, _, _, crc, stored_size, size, *lengths = fields[:13]
        name_length, extra_length, comment_length = lengths
        disk, offset = fields[13], fields[16]
        name_end = position + ENTRY.size + name_length
        extra = directory[name_end : name_end + extra_length]
        name = _checked_name(directory[name_end - name_length : name_end])
        position = name_end + extra_length + comment_length
        if signature != b"PK\x01\x02" or position > len(directory):
            raise damaged("has a directory that cannot be read")
        if flags & ~FLAGS or method not in (STORED, DEFLATED):
            raise CheckpointError(
                f"The member {shown(name)} of the archive is encrypted, or compressed in an "
                f"unknown way (flags {flags:#x}, method {method}).",
                "A member stored as it is was expected.",
                "Write the file with the program it is from, not with an archiver.",
            )
        size, stored_size, offset = _with_extra(extra, [size, stored_size, offset])
        if disk or (method == STORED and size != stored_size):
            raise damaged(f"declares two sizes for its member {shown(name)}")
        yield Member(name, offset, stored_size, size, method, crc)
    if position != len(directory):
        raise damaged("has a directory that is longer than its number of entries")


def _checked_name(name: bytes) -> str:
    try:
        text = name.decode("utf-8")
    except UnicodeDecodeError as error:
        raise damaged(f"has a member with the name {shown(name)}, which is no UTF-8") from error
    if not text or "\0" in text:
        raise damaged(f"has a member with the name {shown(name)}")
    return text


def _with_extra(extra: bytes, numbers: list[int]) -> list[int]:
    """Put the numbers of 64 bits in the places of those that point to them."""
    position = 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, position)
        field = extra[position + 4 : position + 4 + length]
        position += 4 + length
        if kind != EXTRA64:
            continue
        places = [i for i, number in enumerate(numbers) if number == FULL32]
        if len(field) < 8 * len(places):
            raise damaged("has a directory with a field that is too short")
        for i, place in enumerate(places):
            (numbers[place],) = struct.unpack_from("<Q", field, 8 * i)
        break
    return numbers


def _located(file: CheckpointFile, entry: Member, limit: int) -> Member:
    """Return an entry with the place of its data, once its local header agrees."""
    if entry.offset + LOCAL.size > limit:
        raise damaged(f"has a member {shown(entry.name)} that begins after its end")
    fields = LOCAL.unpack(file.pread(entry.offset, LOCAL.size))
    signature, _, flags, method, *_, name_length, extra_length = fields
    place = entry.offset + LOCAL.size
    offset = place + name_length + extra_length
    if offset + entry.stored_size > limit:
        raise damaged(f"has a member {shown(entry.name)} that reaches beyond its end")
    name = file.pread(place, name_length)
    if signature != BEGINNING or name != entry.name.encode():
        raise damaged(f"has another name for its member {shown(entry.name)} in front of it")
    if flags & ~FLAGS or method != entry.method:
        raise damaged(f"describes its member {shown(entry.name)} in two ways")
    return dataclasses.replace(entry, offset=offset)


def _check_apart(members: Iterable[Member], starts: dict[str, int]) -> None:
    """Raise if two members share bytes: so a few kilobytes are made to look like gigabytes."""
    end = 0
    for member in sorted(members, key=lambda member: starts[member.name]):
        if starts[member.name] < end:
            raise damaged(f"has a member {shown(member.name)} that overlaps another")
        end = member.offset + member.stored_size
