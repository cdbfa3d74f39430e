"""The B-tree and the fractal heap in which HDF5 1.8 and later keep the links of a larger group.

HDF5 File Format Specification 3.0, III.A.2 (B-trees of version 2) and III.G (fractal heaps).
"""

from collections.abc import Iterator
from typing import NamedTuple

from keras_alexnet.formats.hdf5.blocks import NOWHERE, Blocks, invalid_hdf5

TREE_OF_LINKS = 5  # by the hashes of their names
HASH = 4  # bytes in front of the heap ID in a record
OVERHEAD = 10  # bytes of a node beside its records, the checksum included
MAX_DEPTH = 8  # levels of a tree: 10,000 links are in two
MAX_ROWS = 64


class LinkTree:
    """The B-tree of a group's links.

    Args:
        blocks: The file.
        address: Address of the tree's header.
    """

    def __init__(self, blocks: Blocks, address: int):
        self._blocks = blocks
        cursor = blocks.at(address, 34)
        cursor.expect(b"BTHD\0" + bytes([TREE_OF_LINKS]), "B-tree of links")
        self._node, self._record, self._depth = cursor.uint(4), cursor.uint(2), cursor.uint(2)
        cursor.take(2)  # the fill levels at which nodes split and merge
        self._root, self._count = cursor.uint(8), cursor.uint(2)
        if self._record <= HASH or self._depth > MAX_DEPTH or self._node <= OVERHEAD:
            raise invalid_hdf5("The HDF5 file has a B-tree of links with invalid sizes.")
        self._pointers = self._pointer_widths()

    def identities(self) -> Iterator[bytes]:
        """Yield the heap IDs of the links."""
        if self._root != NOWHERE:
            yield from self._node_identities(self._root, self._depth, self._count)

    def _node_identities(self, address: int, level: int, count: int) -> Iterator[bytes]:
        pointers = self._pointers[level]
        length = 6 + count * self._record + (count + 1) * sum(pointers)
        cursor = self._blocks.at(address, length)
        signature = b"BTIN\0" if level else b"BTLF\0"
        cursor.expect(signature + bytes([TREE_OF_LINKS]), "node of a B-tree")
        for _ in range(count):
            yield cursor.take(self._record)[HASH:]
        for _ in range(count + 1 if level else 0):
            child, below, _ = map(cursor.uint, pointers)
            yield from self._node_identities(child, level - 1, below)

    def _pointer_widths(self) -> list[tuple[int, ...]]:
        """Return, for each level, the bytes of the three numbers that point to a node below it.

        These are its address, its number of records, and, unless it is a leaf, that of all nodes
        below it. Their widths are those of the largest numbers that nodes of this size allow.
        """
        most = (self._node - OVERHEAD) // self._record  # records in a leaf
        own, total, width = _width(most), most, 0
        pointers: list[tuple[int, ...]] = [()]
        for _ in range(self._depth):
            pointers.append((8, own, width))
            size = sum(pointers[-1])
            most = (self._node - OVERHEAD - size) // (self._record + size)
            total = (most + 1) * total + most
            width = _width(total)
        return pointers


class HeapBlock(NamedTuple):
    """A block of a heap: its offset in the heap, its size, and its address in the file."""

    begin: int
    size: int
    address: int


class FractalHeap:
    """The heap of a group's links.

    Args:
        blocks: The file.
        address: Address of the heap's header.
    """

    def __init__(self, blocks: Blocks, address: int):
        self._blocks = blocks
        cursor = blocks.at(address, 142)
        cursor.expect(b"FRHP\0", "heap of links")
        self._identity, filters = cursor.uint(2), cursor.uint(2)
        cursor.take(1 + 4 + 12 * 8)  # flags, and counts of objects and free space
        width, first, largest, bits = (cursor.uint(n) for n in (2, 8, 8, 2))
        cursor.take(2)
        root, rows = cursor.uint(8), cursor.uint(2)
        self._offset = (bits + 7) // 8  # bytes of an offset in the heap
        if filters or rows > MAX_ROWS or first == 0:
            raise invalid_hdf5("The HDF5 file has a heap of links with invalid sizes.")
        if rows == 0:
            self._direct_blocks = [HeapBlock(0, first, root)]
        else:
            self._direct_blocks = list(self._read_rows(root, rows, width, first, largest))

    def read(self, identity: bytes) -> bytes:
        """Return the object with a heap ID.

        Raises:
            CheckpointError: If it is not in the heap, or not complete.
        """
        if len(identity) != self._identity or identity[:1] != b"\0":  # other IDs are not in a block
            raise invalid_hdf5("The HDF5 file has a link that is not in its heap.")
        offset = int.from_bytes(identity[1 : 1 + self._offset], "little")
        length = int.from_bytes(identity[1 + self._offset :], "little")
        for block in self._direct_blocks:
            if block.begin <= offset and offset + length <= block.begin + block.size:
                return self._blocks.at(block.address + offset - block.begin, length).take(length)
        raise invalid_hdf5("The HDF5 file has a link that is not in its heap.")

    def _read_rows(
        self, root: int, rows: int, width: int, first: int, largest: int
    ) -> Iterator[HeapBlock]:
        """Yield the direct blocks. Each row but the second has blocks twice as large."""
        start = 5 + 8 + self._offset
        cursor = self._blocks.at(root, start + 8 * rows * width)
        cursor.expect(b"FHIB\0", "block of a heap")
        cursor.take(start - 5)
        begin = 0
        for row in range(rows):
            size = first << max(row - 1, 0)
            for _ in range(width):
                address = cursor.uint(8)
                if address != NOWHERE and size <= largest:
                    self._blocks.at(address, 5).expect(b"FHDB\0", "block of a heap")
                    yield HeapBlock(begin, size, address)
                begin += size


def _width(number: int) -> int:
    """Return the number of bytes that an integer takes."""
    return max((number.bit_length() + 7) // 8, 1)
