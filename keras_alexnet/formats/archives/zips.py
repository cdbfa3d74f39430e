"""The directory of a zip archive. Nothing is unpacked, and nothing is repaired.

Sizes and positions come from the central directory alone. It must be the only one, complete, and
in agreement with the file: an archive that two programs could read differently is refused.
"""

import dataclasses
import re
import struct
from collections.abc import Iterable, Iterator

from keras_alexnet.formats.errors import CheckpointError, quoted
from keras_alexnet.formats.files import CheckpointFile

# Signatures and records of the ZIP specification (PKWARE APPNOTE 6.3), sections 4.3.7 to 4.3.16.
LOCAL_SIGNATURE = b"PK\x03\x04"
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
FULL16, FULL32 = 0xFFFF, 0xFFFFFFFF  # the number is in a record of 64 bits instead


@dataclasses.dataclass(frozen=True)
class Member:
    """A file in an archive.

    Args:
        name: Its path in the archive. It is only compared, never opened.
        offset: Byte of the archive where its data begin.
        stored_size: Bytes of data in the archive.
        size: Bytes after decompression.
        method: Its compression: `STORED` or `DEFLATED`.
        crc: CRC-32 of its content; `None` in an archive without checksums.
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
        CheckpointError: If the archive is damaged, encrypted, split, too long, or ambiguous: two
            members of one name, members that overlap, bytes after its end.
    """
    start, size, count = _find_directory(file)
    entries = list(_parse_entries(file.pread(start, size), count))
    if not any(entry.crc for entry in entries):  # torch.serialization.set_crc32_options(False)
        entries = [dataclasses.replace(entry, crc=None) for entry in entries]
    members = {entry.name: _locate_data(file, entry, start) for entry in entries}
    if len(members) != len(entries):
        raise invalid_zip("The archive has two members of one name.")
    _check_overlaps(members.values(), {entry.name: entry.offset for entry in entries})
    return {name: member for name, member in members.items() if not name.endswith("/")}


def invalid_zip(received: str) -> CheckpointError:
    """Return the error for a damaged zip archive."""
    return CheckpointError(received, "The file must be a complete zip archive.")


def _find_directory(file: CheckpointFile) -> tuple[int, int, int]:
    """Return where the directory starts, its size in bytes, and its number of entries."""
    end = _find_end_record(file)
    record = END_RECORD.unpack(file.pread(end, END_RECORD.size))
    _, disk, first_disk, here, count, size, start, _ = record
    if end >= LOCATOR64_RECORD.size:
        locator_start = end - LOCATOR64_RECORD.size
        locator = LOCATOR64_RECORD.unpack(file.pread(locator_start, LOCATOR64_RECORD.size))
        if locator[0] == LOCATOR64:
            end = locator[2]
            if end + END64_RECORD.size != locator_start:
                raise invalid_zip("The archive has no end record where its locator says.")
            large = END64_RECORD.unpack(file.pread(end, END64_RECORD.size))
            if large[0] != END64 or not _agree(record[1:7], large[4:]):
                raise invalid_zip("The archive has two end records that differ.")
            _, _, _, _, disk, first_disk, here, count, size, start = large
    if disk or first_disk or here != count:
        raise invalid_zip("The archive is one part of several.")
    if count > MAX_ENTRIES or size > MAX_DIRECTORY:
        raise CheckpointError(
            f"The directory of the archive has {count} entries in {size} bytes.",
            f"The directory must have at most {MAX_ENTRIES} entries in {MAX_DIRECTORY} bytes.",
            "Load a file that holds nothing but the weights.",
        )
    if start + size != end:
        raise invalid_zip("The directory of the archive does not end where the end record begins.")
    return start, size, count


def _find_end_record(file: CheckpointFile) -> int:
    """Return the byte where the end record begins: the only one whose comment ends the file.

    A comment may hold the signature as well. If it holds a whole record, programs differ in the
    record that they read.
    """
    length = min(file.size, END_RECORD.size + MAX_COMMENT)
    tail = file.pread(file.size - length, length)
    signed = [match.start() for match in re.finditer(re.escape(END), tail)]
    whole = [start for start in signed if start + END_RECORD.size <= length]
    ends = [
        start
        for start in whole
        if start + END_RECORD.size + END_RECORD.unpack_from(tail, start)[-1] == length
    ]
    if not whole:
        raise invalid_zip("The archive has no directory at its end: it was cut, or not finished.")
    if len(ends) != 1:
        raise invalid_zip(
            f"The archive has {'two end records' if ends else 'bytes after its end'}."
        )
    return file.size - length + ends[0]


def _agree(small: tuple[int, ...], large: tuple[int, ...]) -> bool:
    """Return whether each number of the small record is that of the large one, or points to it."""
    pairs = zip(small, large, strict=True)
    return all(a in (b, FULL16 if i < 4 else FULL32) for i, (a, b) in enumerate(pairs))


def _parse_entries(directory: bytes, count: int) -> Iterator[Member]:
    """Yield the entries of a directory. Their `offset` is that of the local header."""
    position = 0
    for _ in range(count):
        if position + ENTRY.size > len(directory):
            raise invalid_zip("The directory of the archive is shorter than its number of entries.")
        fields = ENTRY.unpack_from(directory, position)
        signature, _, _, flags, method, _, _, crc, stored_size, size, *lengths = fields[:13]
        name_length, extra_length, comment_length = lengths
        disk, offset = fields[13], fields[16]
        name_end = position + ENTRY.size + name_length
        extra = directory[name_end : name_end + extra_length]
        name = _checked_name(directory[name_end - name_length : name_end])
        position = name_end + extra_length + comment_length
        if signature != b"PK\x01\x02" or position > len(directory):
            raise invalid_zip("The directory of the archive cannot be read.")
        if flags & ~FLAGS or method not in (STORED, DEFLATED):
            raise CheckpointError(
                f"The member {quoted(name)} of the archive is encrypted, or compressed in an "
                f"unknown way (flags {flags:#x}, method {method}).",
                "Members must be stored without encryption and without unusual compression.",
                "Write the file with the program of its format, not with an archiver.",
            )
        size, stored_size, offset = _with_extra(extra, [size, stored_size, offset])
        if disk or (method == STORED and size != stored_size):
            raise invalid_zip(f"The archive declares two sizes for its member {quoted(name)}.")
        yield Member(name, offset, stored_size, size, method, crc)
    if position != len(directory):
        raise invalid_zip("The directory of the archive is longer than its number of entries.")


def _checked_name(name: bytes) -> str:
    try:
        text = name.decode("utf-8")
    except UnicodeDecodeError as error:
        raise invalid_zip(f"The member name {quoted(name)} is not UTF-8.") from error
    if not text or "\0" in text:
        raise invalid_zip(f"The member name {quoted(name)} is empty or has a NUL.")
    return text


def _with_extra(extra: bytes, numbers: list[int]) -> list[int]:
    """Return the numbers; those that point to a number of 64 bits are replaced by it."""
    position = 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, position)
        field = extra[position + 4 : position + 4 + length]
        position += 4 + length
        if kind != EXTRA64:
            continue
        pointers = [i for i, number in enumerate(numbers) if number == FULL32]
        if len(field) < 8 * len(pointers):
            raise invalid_zip("The directory of the archive has a field that is too short.")
        for i, pointer in enumerate(pointers):
            (numbers[pointer],) = struct.unpack_from("<Q", field, 8 * i)
        break
    return numbers


def _locate_data(file: CheckpointFile, entry: Member, limit: int) -> Member:
    """Return an entry with the offset of its data, if its local header agrees with it."""
    if entry.offset + LOCAL.size > limit:
        raise invalid_zip(f"The member {quoted(entry.name)} begins after the end of the archive.")
    fields = LOCAL.unpack(file.pread(entry.offset, LOCAL.size))
    signature, _, flags, method, *_, name_length, extra_length = fields
    name_start = entry.offset + LOCAL.size
    offset = name_start + name_length + extra_length
    if offset + entry.stored_size > limit:
        raise invalid_zip(f"The member {quoted(entry.name)} reaches past the end of the archive.")
    name = file.pread(name_start, name_length)
    if signature != LOCAL_SIGNATURE or name != entry.name.encode():
        raise invalid_zip(f"The member {quoted(entry.name)} has another name in its header.")
    if flags & ~FLAGS or method != entry.method:
        raise invalid_zip(f"The archive describes its member {quoted(entry.name)} in two ways.")
    return dataclasses.replace(entry, offset=offset)


def _check_overlaps(members: Iterable[Member], starts: dict[str, int]) -> None:
    """Raise if two members share bytes: such members make a few kilobytes look like gigabytes."""
    end = 0
    for member in sorted(members, key=lambda member: starts[member.name]):
        if starts[member.name] < end:
            raise invalid_zip(f"The member {quoted(member.name)} of the archive overlaps another.")
        end = member.offset + member.stored_size
