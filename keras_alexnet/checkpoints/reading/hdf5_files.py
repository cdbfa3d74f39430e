"""What stands between a checkpoint and the HDF5 library: a window, and a look at what it opens.

The library, written in C, sees only the tables of a file, through a window that counts what it
reads. Numbers are read by this package itself.
"""

import io
import os
import struct

from keras_alexnet.checkpoints.errors import CheckpointError, refused
from keras_alexnet.checkpoints.reading.files import CheckpointFile

SIGNATURE = b"\x89HDF\r\n\x1a\n"
NOWHERE = (1 << 64) - 1  # an address that is not given
MAX_READ = 64 << 20  # bytes of tables; an AlexNet has 40 KB of them
# The superblock (HDF5 File Format Specification 3.0, II.A): for each version the place of the two
# widths, always 8 bytes, and then of the base address, of the end of the file, and, where there is
# one, of the driver's own block.
WIDTHS = {0: 13, 1: 13, 2: 9, 3: 9}
ADDRESSES = {0: (24, 40, 48), 1: (28, 44, 52), 2: (12, 28, None), 3: (12, 28, None)}
HEAD = 96


class Window(io.RawIOBase):
    """A part of a checkpoint file as a file of its own, for reading.

    Args:
        file: The open file.
        start: Byte at which the part begins.
        size: Its bytes.
    """

    def __init__(self, file: CheckpointFile, start: int, size: int):
        super().__init__()
        self._file, self._start, self._size = file, start, size
        self._position, self._left = 0, MAX_READ

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it can be read anywhere."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a byte."""
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        self._position = origin + offset
        return self._position

    def readinto(self, target) -> int:
        """Fill `target`, as far as there are bytes.

        Raises:
            OSError: If more was read than any file with weights has in tables.
        """
        view = memoryview(target).cast("B")
        count = max(min(len(view), self._size - self._position), 0)
        self._left -= count
        if self._left < 0:
            raise OSError(f"The tables of the file take more than {MAX_READ} bytes.")
        if count:
            self._file.read_into(self._start + self._position, view[:count])
        self._position += count
        return count


def check_superblock(file: CheckpointFile, start: int, size: int) -> None:
    """Raise unless a file is one whole HDF5 file, by the block that it begins with.

    Raises:
        CheckpointError: If it is cut or goes on after its end, or is a part of several.
    """
    head = file.pread(start, min(size, HEAD)).ljust(HEAD, b"\0")
    version = head[8]
    if not head.startswith(SIGNATURE) or version not in ADDRESSES:
        raise _damaged(f"begins in the unknown version {version}")
    base, end, driver = ADDRESSES[version]
    place = WIDTHS[version]
    if head[place : place + 2] != b"\x08\x08" or _address(head, base) != 0:
        raise _damaged("has addresses that are not of 64 bits from its beginning on")
    if driver is not None and _address(head, driver) != NOWHERE:
        raise _damaged("is one part of several")
    if _address(head, end) != size:
        raise _damaged(f"should end at byte {_address(head, end)}, and has {size}")


def _address(head: bytes, place: int) -> int:
    (address,) = struct.unpack_from("<Q", head, place)
    return address


def _damaged(wrong: str) -> CheckpointError:
    return refused(f"The HDF5 file {wrong}.", "A whole HDF5 file was expected.")
