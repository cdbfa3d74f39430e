"""Groups of more than a few members, as HDF5 1.8 and later keep them: a B-tree of links in a heap.

HDF5 File Format Specification 3.0, III.A.2 (B-trees of version 2) and III.G (fractal heaps).
"""

from collections.abc import Iterator
from typing import NamedTuple

from keras_alexnet.formats.hdf5.blocks import NOWHERE, Blocks, damaged

TREE_OF_LINKS = 5  # by the hashes of their names
HASH = 4  # bytes in front of the identity in a record
OVERHEAD = 10  # bytes of a tree's node beside its records, the checksum included
MAX_DEPTH = 8  # levels of a tree: 10,000 links are in two
MAX_ROWS = 64


class LinkTree:
    """The B-tree of a group's links.

    Args:
        blocks: The file.
        address: Where the tree's header is.
    """

    def __init__(self, blocks: Blocks, address: int):
        self._blocks = blocks
        cursor = blocks.at(address, 34)
        cursor.expect(b"BTHD\0" + bytes([TREE_OF_LINKS]), "B-tree of links")
        self._node, self._record, self._depth = cursor.uint(4), cursor.uint(2), cursor.uint(2)
        cursor.take(2)  # when nodes are split and merged
        self._root, self._count = cursor.uint(8), cursor.uint(2)
        if self._record <= HASH or self._depth > MAX_DEPTH or self._node <= OVERHEAD:
            raise damaged("has a B-tree of unknown measures")
        self._pointers = self._pointer_widths()

    def records(self) -> Iterator[bytes]:
        """Give the identities of the links in the heap."""
        if self._root != NOWHERE:
            yield from self._records(self._root, self._depth, self._count)

    def _records(self, address: int, level: int, count: int) -> Iterator[bytes]:
        pointers = self._pointers[level]
        length = 6 + count * self._record + (count + 1) * sum(pointers)
        cursor = self._blocks.at(address, length)
        signature = b"BTIN\0" if level else b"BTLF\0"
        cursor.expect(signature + bytes([TREE_OF_LINKS]), "node of a B-tree")
        for _ in range(count):
            yield cursor.take(self._record)[HASH:]
        for _ in range(count + 1 if level else 0):
            child, below, _ = map(cursor.uint, pointers)
            yield from self._records(child, level - 1, below)

    def _pointer_widths(self) -> list[tuple[int, ...]]:
        """Return, for each level, how many bytes say where a node below is, and what is in it.

        That is its address, its number of records, and that of all below it if not a leaf: just
        as many bytes as the largest numbers that fit in nodes of this size take.
        """
        most = (self._node - OVERHEAD) // self._record  # records in a leaf
        own, everything, width = _width(most), most, 0
        pointers: list[tuple[int, ...]] = [()]
        for _ in range(self._depth):
            pointers.append((8, own, width))
            size = sum(pointers[-1])
            most = (self._node - OVERHEAD - size) // (self._record + size)
            everything = (most + 1) * everything + most
            width = _width(everything)
        return pointers


class Part(NamedTuple):
    """A block of a heap with objects: its place in the heap, its size, and where it is."""

    begin: int
    size: int
    address: int


class FractalHeap:
    """The heap with a group's links.

    Args:
        blocks: The file.
        address: Where the heap's header is.
    """

    def __init__(self, blocks: Blocks, address: int):
        self._blocks = blocks
        cursor = blocks.at(address, 142)
        cursor.expect(b"FRHP\0", "heap of links")
        self._identity, filters = cursor.uint(2), cursor.uint(2)
        cursor.take(1 + 4 + 12 * 8)  # flags, and what counts objects and free space
        width, first, largest, bits = (cursor.uint(n) for n in (2, 8, 8, 2))
        cursor.take(2)
        root, rows = cursor.uint(8), cursor.uint(2)
        self._offset = (bits + 7) // 8  # bytes of a place in the heap
        if filters or rows > MAX_ROWS or first == 0:
            raise damaged("has a heap of links of unknown measures")
        if rows == 0:
            self._parts = [Part(0, first, root)]
        else:
            self._parts = list(self._direct(root, rows, width, first, largest))

    def read(self, identity: bytes) -> bytes:
        """Return an object.

        Raises:
            CheckpointError: If it is not in the heap, or not whole.
        """
        if len(identity) != self._identity or identity[:1] != b"\0":  # others are in no block
            raise damaged("has a link that is not in its heap")
        place = int.from_bytes(identity[1 : 1 + self._offset], "little")
        length = int.from_bytes(identity[1 + self._offset :], "little")
        for part in self._parts:
            if part.begin <= place and place + length <= part.begin + part.size:
                return self._blocks.at(part.address + place - part.begin, length).take(length)
        raise damaged("has a link that is not in its heap")

    def _direct(self, root: int, rows: int, width: int, first: int, largest: int) -> Iterator[Part]:
        """Give the blocks with objects; each row but the second has twice as large ones."""
        place = 5 + 8 + self._offset
        cursor = self._blocks.at(root, place + 8 * rows * width)
        cursor.expect(b"FHIB\0", "block of a heap")
        cursor.take(place - 5)
        begin = 0
        for row in range(rows):
            size = first << max(row - 1, 0)
            for _ in range(width):
                address = cursor.uint(8)
                if address != NOWHERE and size <= largest:
                    self._blocks.at(address, 5).expect(b"FHDB\0", "block of a heap")
                    yield Part(begin, size, address)
                begin += size


def _width(number: int) -> int:
    """Return how many bytes a number takes."""
    return max((number.bit_length() + 7) // 8, 1)
