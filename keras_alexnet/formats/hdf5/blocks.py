"""The blocks that an HDF5 file consists of: where it begins, and numbers read out of them.

HDF5's own library, written in C, is not used: bytes changed at random in a few thousand files were
enough for it to damage the memory of the process (seen with 1.14.6). What Keras writes needs a
small part of the format, which this and the modules `hdf5_headers`, `hdf5_groups`, `hdf5_heaps`
and `hdf5_datasets` read. The format: HDF5 File Format Specification 3.0.
"""

from keras_alexnet.formats.errors import CheckpointError
from keras_alexnet.formats.files import CheckpointFile

SIGNATURE = b"\x89HDF\r\n\x1a\n"
NOWHERE = (1 << 64) - 1  # an address that is not given
MAX_BLOCKS = 16 << 20  # bytes of tables; an AlexNet has 40 KB of them
BLOCK = 64  # bytes that a block counts for beyond its own
HEAD = 96
# The superblock (II.A): for each version the place of the two widths, always 8 bytes, and then of
# the base address, of the end of the file, of the root's header, and, where there is one, of the
# driver's own block.
WIDTHS = {0: 13, 1: 13, 2: 9, 3: 9}
ADDRESSES = {
    0: (24, 40, 64, 48),
    1: (28, 44, 68, 52),
    2: (12, 28, 36, None),
    3: (12, 28, 36, None),
}


class Cursor:
    """Takes numbers, lowest byte first, and bytes out of a block, one after the other.

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
        """Number of bytes not taken yet."""
        return len(self._content) - self._position

    def take(self, length: int) -> bytes:
        """Return the next bytes.

        Raises:
            CheckpointError: If there are not as many.
        """
        if length > self.left:
            raise damaged("has a block that is too short for what it holds")
        self._position += length
        return self._content[self._position - length : self._position]

    def uint(self, width: int) -> int:
        """Return the next whole number, of so many bytes."""
        return int.from_bytes(self.take(width), "little")

    def expect(self, content: bytes, what: str) -> None:
        """Pass over bytes that must be these.

        Raises:
            CheckpointError: If they are not.
        """
        if self.take(len(content)) != content:
            raise damaged(f"has no {what} where one should be, or one of an unknown version")


class Blocks:
    """Reads blocks of the HDF5 file that lies in a part of a checkpoint, and counts them.

    Args:
        file: The open file.
        start: Byte at which the HDF5 file begins.
        size: Its bytes.
    """

    def __init__(self, file: CheckpointFile, start: int, size: int):
        self.file, self.start, self.size = file, start, size
        self._left = MAX_BLOCKS

    def at(self, address: int, length: int) -> Cursor:
        """Return the bytes from an address on.

        Raises:
            CheckpointError: If they are not in the file, or more was read than any file with
                weights has in tables: so nothing that points to itself is followed for long.
        """
        if address + length > self.size:
            raise damaged(f"has {length} bytes at byte {address}, where it should be longer")
        self._left -= length + BLOCK
        if self._left < 0:
            raise CheckpointError(
                f"The tables of the HDF5 file take more than {MAX_BLOCKS} bytes.",
                "The few of a network's weights were expected.",
                "Take a file that holds nothing but the weights.",
            )
        return Cursor(self.file.pread(self.start + address, length))

    def root(self) -> int:
        """Return the address of the root's header.

        Raises:
            CheckpointError: If the file is cut or goes on after its end, or is a part of several.
        """
        head = self.at(0, min(self.size, HEAD)).take(min(self.size, HEAD)).ljust(HEAD, b"\0")
        version = head[8]
        if not head.startswith(SIGNATURE) or version not in ADDRESSES:
            raise damaged(f"begins in the unknown version {version}")
        base, end, root, driver = ADDRESSES[version]
        if head[WIDTHS[version] :][:2] != b"\x08\x08" or _address(head, base) != 0:
            raise damaged("has addresses that are not of 64 bits from its beginning on")
        if driver is not None and _address(head, driver) != NOWHERE:
            raise damaged("is one part of several")
        if _address(head, end) != self.size:
            raise damaged(f"should end at byte {_address(head, end)}, and has {self.size}")
        return _address(head, root)


def damaged(wrong: str) -> CheckpointError:
    """Return the error for a file that is not whole."""
    return CheckpointError(f"The HDF5 file {wrong}.", "A whole HDF5 file was expected.")


def _address(head: bytes, place: int) -> int:
    return int.from_bytes(head[place : place + 8], "little")
