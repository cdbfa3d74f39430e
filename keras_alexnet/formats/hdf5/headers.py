"""The header of an object in an HDF5 file: messages about a group or an array.

HDF5 File Format Specification 3.0, IV.A.
"""

from keras_alexnet.formats.errors import CheckpointError
from keras_alexnet.formats.hdf5.blocks import Blocks, Cursor, damaged

# Kinds of messages (IV.A.2).
DATASPACE, LINK_INFO, DATATYPE, LINK, EXTERNAL_FILES, LAYOUT = 0x01, 0x02, 0x03, 0x06, 0x07, 0x08
FILTERS, ATTRIBUTE, CONTINUATION, SYMBOL_TABLE = 0x0B, 0x0C, 0x10, 0x11
SHARED = 0x02  # the flag of a message that is kept elsewhere, for several objects
MAX_PIECES = 64  # of a header
TIMES, STORAGE, ORDER = 0x20, 0x10, 0x04  # flags of a header of version 2: what else is in it
CHECKSUM = 4  # bytes


class Header:
    """The messages of an object.

    Args:
        blocks: The file.
        address: Where the header is.

    Raises:
        CheckpointError: If it is no header, or damaged.
    """

    def __init__(self, blocks: Blocks, address: int):
        self._blocks = blocks
        self._messages: dict[int, list[tuple[int, bytes]]] = {}
        self._pieces: list[tuple[int, int]] = []
        old = blocks.at(address, 4).take(4) != b"OHDR"
        (self._begin_old if old else self._begin_new)(address)
        done = 0
        while done < len(self._pieces):
            (self._add_old if old else self._add_new)(*self._pieces[done])
            done += 1

    def __contains__(self, kind: int) -> bool:
        """Tell whether there is a message of a kind."""
        return kind in self._messages

    def several(self, kind: int) -> list[Cursor]:
        """Return the messages of a kind.

        Raises:
            CheckpointError: If one is kept elsewhere.
        """
        messages = self._messages.get(kind, [])
        if any(flags & SHARED for flags, _ in messages):
            raise CheckpointError(
                "It shares its type, or another part of its description, with others.",
                "All of it was expected in its own header.",
                "Save it with Keras.",
            )
        return [Cursor(content) for _, content in messages]

    def one(self, kind: int) -> Cursor:
        """Return the one message of a kind.

        Raises:
            CheckpointError: If there is none, or several, or it is kept elsewhere.
        """
        messages = self.several(kind)
        if len(messages) != 1:
            raise damaged(f"has an object with {len(messages)} messages of the kind {kind}")
        return messages[0]

    def _begin_old(self, address: int) -> None:
        """Find the first piece of a header of version 1."""
        cursor = self._blocks.at(address, 16)
        cursor.expect(b"\x01", "header of an object")
        cursor.take(7)  # number of messages, and of names for the object
        self._pieces.append((address + 16, cursor.uint(4)))

    def _begin_new(self, address: int) -> None:
        """Find the first piece of a header of version 2."""
        cursor = self._blocks.at(address, 6)
        cursor.expect(b"OHDR\x02", "header of an object")
        self._flags = cursor.uint(1)
        width = 1 << (self._flags & 3)
        more = (16 if self._flags & TIMES else 0) + (4 if self._flags & STORAGE else 0)
        size = self._blocks.at(address + 6 + more, width).uint(width)
        self._pieces.append((address + 6 + more + width, size))

    def _add_old(self, address: int, size: int) -> None:
        """Add the messages of a piece of a header of version 1."""
        cursor = self._blocks.at(address, size)
        while cursor.left >= 8:
            kind, length, flags = cursor.uint(2), cursor.uint(2), cursor.uint(1)
            cursor.take(3)
            self._add(kind, flags, cursor.take(length), 0)

    def _add_new(self, address: int, size: int) -> None:
        """Add the messages of a piece of a header of version 2; what is left over is a gap."""
        cursor = self._blocks.at(address, size)
        order = 2 if self._flags & ORDER else 0
        while cursor.left >= 4 + order:
            kind, length, flags = cursor.uint(1), cursor.uint(2), cursor.uint(1)
            cursor.take(order)
            self._add(kind, flags, cursor.take(length), 4)

    def _add(self, kind: int, flags: int, content: bytes, signature: int) -> None:
        """Add a message, or note where the header goes on, after a signature of so many bytes."""
        if kind != CONTINUATION:
            self._messages.setdefault(kind, []).append((flags, content))
            return
        cursor = Cursor(content)
        address, size = cursor.uint(8), cursor.uint(8)
        if signature:
            self._blocks.at(address, signature).expect(b"OCHK", "rest of a header")
            size -= signature + CHECKSUM
        if size < 0 or len(self._pieces) >= MAX_PIECES:
            raise damaged("has a header in too many pieces, or too small ones")
        self._pieces.append((address + signature, size))
