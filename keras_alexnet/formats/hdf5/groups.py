"""The members of a group in an HDF5 file: names, and the addresses of what they name.

HDF5 File Format Specification 3.0, III.A.1, III.B to III.D and IV.A.2: a group is a table of
symbols, as h5py still writes it, or, since HDF5 1.8 and where asked for, a list of links.
"""

from collections.abc import Iterator

from keras_alexnet.formats.errors import CheckpointError, shown
from keras_alexnet.formats.hdf5.blocks import NOWHERE, Blocks, Cursor, damaged
from keras_alexnet.formats.hdf5.headers import LINK, LINK_INFO, SYMBOL_TABLE, Header
from keras_alexnet.formats.hdf5.heaps import FractalHeap, LinkTree

MAX_NAMES = 1 << 20  # bytes of names in a group
ENTRY = 40  # bytes of a symbol
SOFT_SYMBOL = 2  # what is cached of a symbol that names another name
HARD, KINDS = 0, {1: "soft", 64: "external"}  # types of links
TYPE, ORDER, CHARSET = 0x08, 0x04, 0x10  # flags of a link: what else is in it


def members(blocks: Blocks, header: Header) -> dict[str, int]:
    """Return the addresses of the members' headers by name, in the order of the names.

    Raises:
        CheckpointError: If the group is damaged, or a member is a link to a name or a file.
    """
    found: dict[str, int] = {}
    for name, address in _links(blocks, header):
        text = _text(name)
        if text in found:
            raise _unfit(name, "is there twice")
        found[text] = address
    return dict(sorted(found.items()))


def tree_nodes(
    blocks: Blocks, address: int, kind: int, key: int, level: int | None = None
) -> Iterator[Cursor]:
    """Give the leaves of a B-tree of version 1: key, address, key, address, ...

    Args:
        blocks: The file.
        address: Where its root is.
        kind: 0 for one of groups, 1 for one of chunks.
        key: Bytes of a key.
        level: Levels below the node, if that is known: in each node one less.
    """
    head = blocks.at(address, 24)
    head.expect(b"TREE" + bytes([kind]), "B-tree")
    own, count = head.uint(1), head.uint(2)
    if level not in (None, own):
        raise damaged("has a B-tree whose levels do not follow each other")
    cursor = blocks.at(address + 24, count * (key + 8))
    if own == 0:
        yield cursor
        return
    while cursor.left:
        cursor.take(key)
        yield from tree_nodes(blocks, cursor.uint(8), kind, key, own - 1)


def _links(blocks: Blocks, header: Header) -> Iterator[tuple[bytes, int]]:
    """Give the members in any order."""
    if SYMBOL_TABLE in header:
        cursor = header.one(SYMBOL_TABLE)
        yield from _symbols(blocks, cursor.uint(8), cursor.uint(8))
    for message in header.several(LINK):
        yield _link(message)
    if LINK_INFO in header:
        cursor = header.one(LINK_INFO)
        cursor.expect(b"\0", "list of links")
        cursor.take(8 if cursor.uint(1) & 1 else 0)  # the highest order
        heap, tree = cursor.uint(8), cursor.uint(8)
        if heap != NOWHERE:
            kept = FractalHeap(blocks, heap)
            for record in LinkTree(blocks, tree).records():
                yield _link(Cursor(kept.read(record)))


def _symbols(blocks: Blocks, tree: int, heap: int) -> Iterator[tuple[bytes, int]]:
    """Give the members of a table of symbols, whose names lie in a heap."""
    cursor = blocks.at(heap, 32)
    cursor.expect(b"HEAP\0", "heap of names")
    cursor.take(3)
    size, _, place = cursor.uint(8), cursor.uint(8), cursor.uint(8)
    if size > MAX_NAMES:
        raise damaged(f"has a group with {size} bytes of names")
    names = blocks.at(place, size).take(size)
    for leaf in tree_nodes(blocks, tree, 0, 8):
        while leaf.left:
            leaf.take(8)
            yield from _node_symbols(blocks, leaf.uint(8), names)


def _node_symbols(blocks: Blocks, address: int, names: bytes) -> Iterator[tuple[bytes, int]]:
    head = blocks.at(address, 8)
    head.expect(b"SNOD\x01", "table of symbols")
    head.take(1)
    count = head.uint(2)
    cursor = blocks.at(address + 8, count * ENTRY)
    for _ in range(count):
        place, target, cached = cursor.uint(8), cursor.uint(8), cursor.uint(4)
        cursor.take(20)
        end = names.find(b"\0", place)
        if end < 0:
            raise damaged("has a name without an end")
        if cached == SOFT_SYMBOL:
            raise _unfit(names[place:end], "is a soft link")
        yield names[place:end], target


def _link(cursor: Cursor) -> tuple[bytes, int]:
    """Return the name of a link, and the address that it names."""
    cursor.expect(b"\x01", "link")
    flags = cursor.uint(1)
    kind = cursor.uint(1) if flags & TYPE else HARD
    cursor.take((8 if flags & ORDER else 0) + (1 if flags & CHARSET else 0))
    name = cursor.take(cursor.uint(1 << (flags & 3)))
    if kind != HARD:
        raise _unfit(name, f"is a link of the kind {KINDS.get(kind, kind)}")
    return name, cursor.uint(8)


def _text(name: bytes) -> str:
    try:
        text = name.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _unfit(name, "is no text in UTF-8") from error
    if not text or "/" in text or "\0" in text:
        raise _unfit(name, "is no name")
    return text


def _unfit(name: bytes, wrong: str) -> CheckpointError:
    text = name.decode("utf-8", "surrogateescape")
    return CheckpointError(
        f"The member {shown(text)} of a group {wrong}.",
        "Groups and arrays in the file itself were expected, each under one name.",
        "Save the weights with Keras.",
    )
