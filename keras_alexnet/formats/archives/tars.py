"""The members of a tar archive. Only plain files are accepted, and nothing is unpacked."""

from keras_alexnet.formats.errors import CheckpointError, quoted
from keras_alexnet.formats.files import CheckpointFile

BLOCK = 512  # bytes of a header; members are padded to a multiple of it (POSIX.1-1988, ustar)
RECORD = 20 * BLOCK  # bytes; the archive is padded to a multiple of it
MAX_HEADERS = 16
MAX_EXTENDED = 4096  # bytes of a pax header
EXTENDED = b"x"
# The keywords that a pax header may have: times and owners, but no path and no size.
HARMLESS = {"mtime", "atime", "ctime", "uid", "gid", "uname", "gname"}


def read_members(file: CheckpointFile, expected: set[str]) -> dict[str, tuple[int, int]]:
    """Return the first byte and the size of each member, by name.

    Args:
        file: The open file.
        expected: The names of the members.

    Raises:
        CheckpointError: If a member is missing, unknown, there twice, or a link; if a header is
            damaged; or if anything but padding follows the end.
    """
    members: dict[str, tuple[int, int]] = {}
    position = 0
    for _ in range(MAX_HEADERS):
        header = file.pread(position, BLOCK)
        if not any(header):
            _check_end(file, position)
            break
        kind, name, size = _parse_header(header)
        begin = position + BLOCK
        if size > file.size - begin:
            raise _invalid_tar(f"The member {quoted(name)} reaches past the end of the archive.")
        if kind == EXTENDED:
            _check_extended(file.pread(begin, min(size, MAX_EXTENDED + 1)))
        elif name in members or name not in expected or kind not in (b"0", b"\0"):
            raise _invalid_tar(f"The archive has a member {quoted(name)} of type {quoted(kind)}.")
        else:
            members[name] = (begin, size)
        position = begin + -(-size // BLOCK) * BLOCK
    else:
        raise _invalid_tar(f"The archive has more than {MAX_HEADERS} headers.")
    if set(members) != expected:
        raise _invalid_tar(
            f"The archive has only these members: {', '.join(sorted(members)) or 'none'}."
        )
    return members


def _parse_header(header: bytes) -> tuple[bytes, str, int]:
    """Return the type, name and size of a member."""
    # The checksum's own field counts as spaces.
    total = sum(header[:148]) + 8 * ord(" ") + sum(header[156:])
    if header[257:262] != b"ustar" or _parse_octal(header[148:156]) != total:
        raise _invalid_tar("The archive has a header whose checksum is wrong.")
    name = header[345:500].rstrip(b"\0") + header[:100].rstrip(b"\0")
    return header[156:157], name.decode("latin-1"), _parse_octal(header[124:136])


def _parse_octal(field: bytes) -> int:
    digits = field.rstrip(b"\0 ").lstrip(b" ")
    if not digits or digits.strip(b"01234567"):
        raise _invalid_tar(f"The archive has the number {quoted(field)}.")
    return int(digits, 8)


def _check_extended(content: bytes) -> None:
    """Raise if a pax header has keywords that change the meaning of a member, as a path does."""
    if len(content) > MAX_EXTENDED:
        raise _invalid_tar("The archive has an extended header that is too long.")
    while content:
        length, _, _ = content.partition(b" ")
        if not length.isdigit() or len(length) > 4 or not 0 < int(length) <= len(content):
            raise _invalid_tar("The archive has an extended header that cannot be read.")
        record, content = content[len(length) + 1 : int(length)], content[int(length) :]
        keyword = record.partition(b"=")[0].decode("latin-1")
        if keyword not in HARMLESS:
            raise _invalid_tar(f"The archive has an extended header about {quoted(keyword)}.")


def _check_end(file: CheckpointFile, position: int) -> None:
    rest = file.size - position
    if file.size % RECORD or rest < 2 * BLOCK:
        raise _invalid_tar(
            f"The archive ends early: its size is no multiple of {RECORD} bytes, or has no end."
        )
    if rest >= RECORD + 2 * BLOCK or any(file.pread(position, rest)):
        raise _invalid_tar("The archive has bytes after its end.")


def _invalid_tar(received: str) -> CheckpointError:
    expected = "The archive must hold exactly the four plain members that PyTorch writes."
    return CheckpointError(received, expected)
