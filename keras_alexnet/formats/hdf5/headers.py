"""The header of an object in an HDF5 file: the messages that describe a group or a dataset.

HDF5 File Format Specification 3.0, IV.A.
"""

from keras_alexnet.formats.errors import CheckpointError
from keras_alexnet.formats.hdf5.blocks import Blocks, Cursor, invalid_hdf5

# Kinds of messages (IV.A.2).
DATASPACE, LINK_INFO, DATATYPE, LINK, EXTERNAL_FILES, LAYOUT = 0x01, 0x02, 0x03, 0x06, 0x07, 0x08
FILTERS, ATTRIBUTE, CONTINUATION, SYMBOL_TABLE = 0x0B, 0x0C, 0x10, 0x11
SHARED = 0x02  # the flag of a message that several objects share
MAX_BLOCKS = 64  # of a header
TIMES, STORAGE, ORDER = 0x20, 0x10, 0x04  # flags of the optional fields of a version 2 header
CHECKSUM = 4  # bytes


class ObjectHeader:
    """The messages of an object.

    Args:
        blocks: The file.
        address: Address of the header.

    Raises:
        CheckpointError: If there is no header, or it is damaged.
    """

    def __init__(self, blocks: Blocks, address: int):
        self._blocks = blocks
        self._messages: dict[int, list[tuple[int, bytes]]] = {}
        self._parts: list[tuple[int, int]] = []
        old = blocks.at(address, 4).take(4) != b"OHDR"
        (self._begin_old if old else self._begin_new)(address)
        done = 0
        while done < len(self._parts):
            (self._add_old if old else self._add_new)(*self._parts[done])
            done += 1

    def __contains__(self, kind: int) -> bool:
        """Return whether there is a message of a kind."""
        return kind in self._messages

    def messages(self, kind: int) -> list[Cursor]:
        """Return the messages of a kind.

        Raises:
            CheckpointError: If a message is shared with other objects.
        """
        messages = self._messages.get(kind, [])
        if any(flags & SHARED for flags, _ in messages):
            raise CheckpointError(
                "An object in the HDF5 file shares a part of its header with other objects.",
                "Every object must have its own complete header.",
                "Save the weights with Keras.",
            )
        return [Cursor(content) for _, content in messages]

    def message(self, kind: int) -> Cursor:
        """Return the one message of a kind.

        Raises:
            CheckpointError: If there is none, or several, or it is shared with other objects.
        """
        messages = self.messages(kind)
        if len(messages) != 1:
            raise invalid_hdf5(f"An object has {len(messages)} header messages of kind {kind}.")
        return messages[0]

    def _begin_old(self, address: int) -> None:
        """Find the first block of a header of version 1."""
        cursor = self._blocks.at(address, 16)
        cursor.expect(b"\x01", "header of an object")
        cursor.take(7)  # the number of messages, and of links to the object
        self._parts.append((address + 16, cursor.uint(4)))

    def _begin_new(self, address: int) -> None:
        """Find the first block of a header of version 2."""
        cursor = self._blocks.at(address, 6)
        cursor.expect(b"OHDR\x02", "header of an object")
        self._flags = cursor.uint(1)
        width = 1 << (self._flags & 3)
        offset = 6 + (16 if self._flags & TIMES else 0) + (4 if self._flags & STORAGE else 0)
        size = self._blocks.at(address + offset, width).uint(width)
        self._parts.append((address + offset + width, size))

    def _add_old(self, address: int, size: int) -> None:
        """Add the messages of a block of a header of version 1."""
        cursor = self._blocks.at(address, size)
        while cursor.left >= 8:
            kind, length, flags = cursor.uint(2), cursor.uint(2), cursor.uint(1)
            cursor.take(3)
            self._add(kind, flags, cursor.take(length), 0)

    def _add_new(self, address: int, size: int) -> None:
        """Add the messages of a block of a header of version 2, up to the gap at its end."""
        cursor = self._blocks.at(address, size)
        order = 2 if self._flags & ORDER else 0
        while cursor.left >= 4 + order:
            kind, length, flags = cursor.uint(1), cursor.uint(2), cursor.uint(1)
            cursor.take(order)
            self._add(kind, flags, cursor.take(length), 4)

    def _add(self, kind: int, flags: int, content: bytes, signature: int) -> None:
        """Add a message; add the block that a continuation message points to.

        `signature` is the number of bytes of the signature at the start of such a block.
        """
        if kind != CONTINUATION:
            self._messages.setdefault(kind, []).append((flags, content))
            return
        cursor = Cursor(content)
        address, size = cursor.uint(8), cursor.uint(8)
        if signature:
            self._blocks.at(address, signature).expect(b"OCHK", "continuation of a header")
            size -= signature + CHECKSUM
        if size < 0 or len(self._parts) >= MAX_BLOCKS:
            raise invalid_hdf5("A header has too many blocks, or too small ones.")
        self._parts.append((address + signature, size))
