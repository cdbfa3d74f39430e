"""The members of a tar archive, read without trust: plain files alone, and nothing is unpacked."""

from keras_alexnet.formats.errors import CheckpointError, shown
from keras_alexnet.formats.files import CheckpointFile

BLOCK = 512  # a header, and what members are padded to (POSIX.1-1988, ustar)
RECORD = 20 * BLOCK  # what the whole is padded to
MAX_HEADERS = 16
MAX_EXTENDED = 4096  # bytes of a pax header
EXTENDED = b"x"
# What a pax header may say: times, and names of owners. Not a path, not a size.
HARMLESS = {"mtime", "atime", "ctime", "uid", "gid", "uname", "gname"}


def read_members(file: CheckpointFile, expected: set[str]) -> dict[str, tuple[int, int]]:
    """Return the byte at which each member begins, and its size; the members are all known.

    Raises:
        CheckpointError: If there are others, or one twice, or links; if headers are damaged, or
            more than padding follows the end.
    """
    members: dict[str, tuple[int, int]] = {}
    position = 0
    for _ in range(MAX_HEADERS):
        header = file.pread(position, BLOCK)
        if not any(header):
            _check_end(file, position)
            break
        kind, name, size = _parsed(header)
        begin = position + BLOCK
        if size > file.size - begin:
            raise _damaged(f"has a member {shown(name)} that reaches beyond its end")
        if kind == EXTENDED:
            _check_extended(file.pread(begin, min(size, MAX_EXTENDED + 1)))
        elif name in members or name not in expected or kind not in (b"0", b"\0"):
            raise _damaged(f"has a member {shown(name)} of type {shown(kind)} it should not have")
        else:
            members[name] = (begin, size)
        position = begin + -(-size // BLOCK) * BLOCK
    else:
        raise _damaged(f"has more than {MAX_HEADERS} headers")
    if set(members) != expected:
        raise _damaged(f"has only the members {', '.join(sorted(members)) or 'of none'}")
    return members


def _parsed(header: bytes) -> tuple[bytes, str, int]:
    """Return type, name and size of a member."""
    total = sum(header[:148]) + 8 * ord(" ") + sum(header[156:])  # its own field counts as spaces
    if header[257:262] != b"ustar" or _octal(header[148:156]) != total:
        raise _damaged("has a header whose checksum is wrong")
    name = header[345:500].rstrip(b"\0") + header[:100].rstrip(b"\0")
    return header[156:157], name.decode("latin-1"), _octal(header[124:136])


def _octal(field: bytes) -> int:
    digits = field.rstrip(b"\0 ").lstrip(b" ")
    if not digits or digits.strip(b"01234567"):
        raise _damaged(f"has the number {shown(field)}")
    return int(digits, 8)


def _check_extended(content: bytes) -> None:
    """Raise unless a pax header says nothing that matters: a size or a path of another kind."""
    if len(content) > MAX_EXTENDED:
        raise _damaged("has an extended header that is too long")
    while content:
        length, _, _ = content.partition(b" ")
        if not length.isdigit() or len(length) > 4 or not 0 < int(length) <= len(content):
            raise _damaged("has an extended header that cannot be read")
        record, content = content[len(length) + 1 : int(length)], content[int(length) :]
        keyword = record.partition(b"=")[0].decode("latin-1")
        if keyword not in HARMLESS:
            raise _damaged(f"has an extended header about {shown(keyword)}")


def _check_end(file: CheckpointFile, position: int) -> None:
    rest = file.size - position
    if file.size % RECORD or rest < 2 * BLOCK:
        raise _damaged(f"ends early: its size is no multiple of {RECORD} bytes, or has no end")
    if rest >= RECORD + 2 * BLOCK or any(file.pread(position, rest)):
        raise _damaged("has bytes after its end")


def _damaged(wrong: str) -> CheckpointError:
    return CheckpointError(
        f"The archive {wrong}.",
        "The four plain members were expected that PyTorch wrote.",
    )
