"""The superblock and the blocks of an HDF5 file, and the numbers in them.

HDF5's own library, written in C, is not used: a few thousand files with random changes were enough
for it to corrupt the memory of the process (seen with 1.14.6). Keras writes a small part of the
format, and this package reads that part. The format: HDF5 File Format Specification 3.0.
"""

from keras_alexnet.formats.errors import CheckpointError
from keras_alexnet.formats.files import CheckpointFile

SIGNATURE = b"\x89HDF\r\n\x1a\n"
NOWHERE = (1 << 64) - 1  # an address that is not given
MAX_BLOCKS = 16 << 20  # bytes of tables; an AlexNet has 40 KB of them
BLOCK = 64  # bytes added to the size of each block that is read
SUPERBLOCK = 96  # bytes of the longest superblock
# The superblock (II.A): for each version the offset of the two widths, always 8 bytes; then the
# offsets of four addresses: the base, the end of the file, the root's header, and, where there is
# one, the driver's own block.
WIDTHS = {0: 13, 1: 13, 2: 9, 3: 9}
ADDRESSES = {
    0: (24, 40, 64, 48),
    1: (28, 44, 68, 52),
    2: (12, 28, 36, None),
    3: (12, 28, 36, None),
}


class Cursor:
    """A position in a block, from which it takes little-endian numbers and bytes in order.

    Args:
        content: The block.

    Example:

    >>> cursor = Cursor(b"TREE" + bytes([1, 2, 1]))
    >>> cursor.take(4), cursor.uint(1), cursor.uint(2), cursor.left
    (b'TREE', 1, 258, 0)
    """

    def __init__(self, content: bytes):
        self._content, self._position = content, 0

    @property
    def left(self) -> int:
        """Number of bytes that are not taken yet."""
        return len(self._content) - self._position

    def take(self, length: int) -> bytes:
        """Return the next bytes.

        Raises:
            CheckpointError: If there are fewer bytes.
        """
        if length > self.left:
            raise invalid_hdf5("The HDF5 file has a block that is shorter than its content.")
        self._position += length
        return self._content[self._position - length : self._position]

    def uint(self, width: int) -> int:
        """Return the next unsigned integer, of `width` bytes."""
        return int.from_bytes(self.take(width), "little")

    def expect(self, content: bytes, name: str) -> None:
        """Take bytes that must be `content`; `name` is the name of the block that begins so.

        Raises:
            CheckpointError: If they differ.
        """
        if self.take(len(content)) != content:
            raise invalid_hdf5(f"The HDF5 file lacks a {name}, or has one of an unknown version.")


class Blocks:
    """An HDF5 file that lies in a checkpoint. It counts the bytes of the blocks that it reads.

    Args:
        file: The open file.
        start: Byte at which the HDF5 file begins.
        size: Its bytes.
    """

    def __init__(self, file: CheckpointFile, start: int, size: int):
        self.file, self.start, self.size = file, start, size
        self._left = MAX_BLOCKS

    def at(self, address: int, length: int) -> Cursor:
        """Return a cursor at the start of the block at an address.

        Raises:
            CheckpointError: If the block is not in the file, or more was read than a file with
                weights has in tables: so a block that points to itself is not followed for long.
        """
        if address + length > self.size:
            raise invalid_hdf5(f"The HDF5 file ends inside the {length} bytes at byte {address}.")
        self._left -= length + BLOCK
        if self._left < 0:
            raise CheckpointError(
                "The HDF5 file has too many tables, or tables that point to themselves.",
                f"The tables must take at most {MAX_BLOCKS} bytes.",
                "Load a file that holds nothing but the weights.",
            )
        return Cursor(self.file.pread(self.start + address, length))

    def root(self) -> int:
        """Return the address of the root group's header.

        Raises:
            CheckpointError: If the file is cut, goes on after its end, or is one of several parts.
        """
        size = min(self.size, SUPERBLOCK)
        head = self.at(0, size).take(size).ljust(SUPERBLOCK, b"\0")
        version = head[8]
        if not head.startswith(SIGNATURE) or version not in ADDRESSES:
            raise invalid_hdf5(f"The HDF5 file begins in the unknown version {version}.")
        base, end, root, driver = ADDRESSES[version]
        if head[WIDTHS[version] :][:2] != b"\x08\x08" or _address(head, base) != 0:
            raise invalid_hdf5("The addresses in the HDF5 file are not of 64 bits from its start.")
        if driver is not None and _address(head, driver) != NOWHERE:
            raise invalid_hdf5("The HDF5 file is one part of several.")
        if _address(head, end) != self.size:
            raise invalid_hdf5(
                f"The HDF5 file has {self.size} bytes and states {_address(head, end)}."
            )
        return _address(head, root)


def invalid_hdf5(received: str) -> CheckpointError:
    """Return the error for a damaged HDF5 file."""
    return CheckpointError(received, "The file must be a complete HDF5 file.")


def _address(superblock: bytes, offset: int) -> int:
    return int.from_bytes(superblock[offset : offset + 8], "little")
