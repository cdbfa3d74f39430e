"""The members of a group in an HDF5 file: their names, and the addresses of their headers.

HDF5 File Format Specification 3.0, III.A.1, III.B to III.D and IV.A.2: a group is a symbol table,
as h5py writes it by default, or, since HDF5 1.8 and on request, a list of links.
"""

from collections.abc import Iterator

from keras_alexnet.formats.errors import CheckpointError, quoted
from keras_alexnet.formats.hdf5.blocks import NOWHERE, Blocks, Cursor, invalid_hdf5
from keras_alexnet.formats.hdf5.headers import LINK, LINK_INFO, SYMBOL_TABLE, ObjectHeader
from keras_alexnet.formats.hdf5.heaps import FractalHeap, LinkTree

MAX_NAMES = 1 << 20  # bytes of names in a group
ENTRY = 40  # bytes of a symbol table entry
SOFT_LINK = 2  # the cache type of an entry that is a soft link
HARD, KINDS = 0, {1: "soft", 64: "external"}  # types of links
TYPE, ORDER, CHARSET = 0x08, 0x04, 0x10  # flags of a link's optional fields

# Expectation and remedy of the errors about members.
ONLY_MEMBERS = (
    "Every member must be a group or an array in the file itself, under one name.",
    "Save the weights with Keras.",
)


def group_members(blocks: Blocks, header: ObjectHeader) -> dict[str, int]:
    """Return the addresses of the members' headers by name, sorted by name.

    Raises:
        CheckpointError: If the group is damaged, or a member is a soft or an external link.
    """
    found: dict[str, int] = {}
    for name, address in _links(blocks, header):
        text = _decode_name(name)
        if text in found:
            raise _invalid_member(name, "occurs twice")
        found[text] = address
    return dict(sorted(found.items()))


def tree_leaves(
    blocks: Blocks, address: int, kind: int, key: int, level: int | None = None
) -> Iterator[Cursor]:
    """Yield the leaves of a B-tree of version 1. Each leaf is key, address, key, address, ...

    Args:
        blocks: The file.
        address: Address of the root.
        kind: 0 for a tree of groups, 1 for a tree of chunks.
        key: Bytes of a key.
        level: Number of levels below the root, if it is known.
    """
    head = blocks.at(address, 24)
    head.expect(b"TREE" + bytes([kind]), "B-tree")
    own, count = head.uint(1), head.uint(2)
    if level not in (None, own):
        raise invalid_hdf5("The HDF5 file has a B-tree whose levels are not in order.")
    cursor = blocks.at(address + 24, count * (key + 8))
    if own == 0:
        yield cursor
        return
    while cursor.left:
        cursor.take(key)
        yield from tree_leaves(blocks, cursor.uint(8), kind, key, own - 1)


def _links(blocks: Blocks, header: ObjectHeader) -> Iterator[tuple[bytes, int]]:
    """Yield the names and addresses of the members, in any order."""
    if SYMBOL_TABLE in header:
        cursor = header.message(SYMBOL_TABLE)
        yield from _symbols(blocks, cursor.uint(8), cursor.uint(8))
    for message in header.messages(LINK):
        yield _read_link(message)
    if LINK_INFO in header:
        cursor = header.message(LINK_INFO)
        cursor.expect(b"\0", "list of links")
        cursor.take(8 if cursor.uint(1) & 1 else 0)  # the highest creation order
        heap, tree = cursor.uint(8), cursor.uint(8)
        if heap != NOWHERE:
            links = FractalHeap(blocks, heap)
            for identity in LinkTree(blocks, tree).identities():
                yield _read_link(Cursor(links.read(identity)))


def _symbols(blocks: Blocks, tree: int, heap: int) -> Iterator[tuple[bytes, int]]:
    """Yield the members of a symbol table, whose names lie in a heap."""
    cursor = blocks.at(heap, 32)
    cursor.expect(b"HEAP\0", "heap of names")
    cursor.take(3)
    size, _, address = cursor.uint(8), cursor.uint(8), cursor.uint(8)
    if size > MAX_NAMES:
        raise invalid_hdf5(f"The HDF5 file has a group with {size} bytes of names.")
    names = blocks.at(address, size).take(size)
    for leaf in tree_leaves(blocks, tree, 0, 8):
        while leaf.left:
            leaf.take(8)
            yield from _node_symbols(blocks, leaf.uint(8), names)


def _node_symbols(blocks: Blocks, address: int, names: bytes) -> Iterator[tuple[bytes, int]]:
    head = blocks.at(address, 8)
    head.expect(b"SNOD\x01", "symbol table")
    head.take(1)
    count = head.uint(2)
    cursor = blocks.at(address + 8, count * ENTRY)
    for _ in range(count):
        start, target, cached = cursor.uint(8), cursor.uint(8), cursor.uint(4)
        cursor.take(20)
        end = names.find(b"\0", start)
        if end < 0:
            raise invalid_hdf5("The HDF5 file has a name without an end.")
        if cached == SOFT_LINK:
            raise _invalid_member(names[start:end], "is a soft link")
        yield names[start:end], target


def _read_link(cursor: Cursor) -> tuple[bytes, int]:
    """Return the name of a link, and the address that it points to."""
    cursor.expect(b"\x01", "link")
    flags = cursor.uint(1)
    kind = cursor.uint(1) if flags & TYPE else HARD
    cursor.take((8 if flags & ORDER else 0) + (1 if flags & CHARSET else 0))
    name = cursor.take(cursor.uint(1 << (flags & 3)))
    if kind != HARD:
        raise _invalid_member(name, f"is a link of the kind {KINDS.get(kind, kind)}")
    return name, cursor.uint(8)


def _decode_name(name: bytes) -> str:
    try:
        text = name.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _invalid_member(name, "has a name that is not UTF-8") from error
    if not text or "/" in text or "\0" in text:
        raise _invalid_member(name, "has an empty name, or one with a slash or a NUL")
    return text


def _invalid_member(name: bytes, problem: str) -> CheckpointError:
    text = name.decode("utf-8", "surrogateescape")
    return CheckpointError(f"The member {quoted(text)} of a group {problem}.", *ONLY_MEMBERS)
