"""Damage to pickles, opcode by opcode, wherever in a file they lie."""

import functools
import pickletools
import re
import struct

from fuzz import blind

START = re.compile(rb"\x80[\x02-\x05]")
NAMES = (
    b"cos\nsystem\n",
    b"cbuiltins\neval\n",
    b"cbuiltins\ngetattr\n",
    b"ccollections\nOrderedDict\n",
    b"ctorch._utils\n_rebuild_tensor_v2\n",
    b"ctorch._utils\n_rebuild_parameter\n",
    b"ctorch\nHalfStorage\n",
    b"ctorch\nBFloat16Storage\n",
    b"cnumpy\ndtype\n",
    b"cnumpy\nndarray\n",
    b"cnumpy.core.multiarray\n_reconstruct\n",
    b"cnumpy._core.numeric\n_frombuffer\n",
    b"c_codecs\nencode\n",
    b"cbuiltins\ntuple\n",
    b"cargparse\nNamespace\n",
    b"ccollections\ndefaultdict\n",
    b"ctorch\nByteStorage\n",
    b"ctorch\nComplexFloatStorage\n",
    b"ctorch._tensor\n_rebuild_from_type_v2\n",
)
TEXTS = (
    b"",
    b"<",
    b">f4",
    b"O",
    b"f8",
    b"f16",
    b"storage",
    b"latin1",
    b"F",
    b"a" * 5000,
    b"\xff\xfe",
)
ALL = tuple(pickletools.opcodes)
LENGTHS = {-2: "<B", -3: "<i", -4: "<I", -5: "<Q"}  # pickletools: where an argument says its length
BOMBS = (
    b"(",
    b"]",
    b"}",
    b")",
    b"N",
    b"a",
    b"s",
    b"\x85",
    b"](e",
    b"h\x00",
    b"h\x00h\x01",
    b"h\x00\x85",
)


@functools.lru_cache(64)
def segments(content):
    """Return where pickles begin and end, each with its opcodes."""
    found, position = [], 0
    while match := START.search(content, position):
        try:
            places = [place for *_, place in pickletools.genops(content[match.start() :])]
        except ValueError:
            position = match.start() + 1
            continue
        ends = [*places[1:], places[-1] + 1]
        rest = content[match.start() :]
        operations = tuple(rest[a:b] for a, b in zip(places, ends, strict=True))
        position = match.start() + ends[-1]
        found.append((match.start(), position, operations))
    return tuple(found)


def argument(rng, kind):
    """Return an argument of an opcode, from nothing but the way it is written."""
    if kind is None:
        return b""
    if kind.n > 0:
        return blind.integer(rng, kind.n).to_bytes(kind.n, rng.choice(("little", "big")))
    if kind.n == pickletools.UP_TO_NEWLINE:
        return rng.choice((b"os\nsystem\n", b"1\n", b"-1\n", b"'a'\n", b"99999999999\n"))
    layout, text = LENGTHS[kind.n], rng.choice(TEXTS)
    width = struct.calcsize(layout)
    length = len(text) if rng.random() < 0.7 else blind.integer(rng, width)
    return (length & ((1 << 8 * width) - 1)).to_bytes(width, "little") + text


def operation(rng):
    """Return any opcode, known to the readers or not."""
    if rng.random() < 0.2:
        return rng.choice(NAMES)
    kind = rng.choice(ALL)
    return kind.code.encode("latin-1") + argument(rng, kind.arg)


def changed(rng, old):
    """Return an opcode with another argument, or another opcode with the same one."""
    kind = pickletools.code2op[old[:1].decode("latin-1")]
    if kind.arg is not None and rng.random() < 0.8:
        return old[:1] + (
            argument(rng, kind.arg) if rng.random() < 0.7 else blind.damaged(rng, old[1:], old)
        )
    alike = [other.code for other in ALL if other.arg is kind.arg]
    return rng.choice(alike).encode("latin-1") + old[1:]


def rearranged(rng, operations, others):
    """Return a list of opcodes with one change."""
    changing = list(operations)
    start = rng.randrange(len(changing))
    stop = min(len(changing), start + 1 + int(12 ** rng.random()))
    way = rng.randrange(8)
    if way == 0:
        del changing[start:stop]
    elif way == 1:
        changing[stop:stop] = changing[start:stop] * rng.choice((1, 1, 3, 200))
    elif way == 2:
        place = rng.randrange(len(changing))
        changing[start], changing[place] = changing[place], changing[start]
    elif way == 3:
        changing.insert(start, operation(rng))
    elif way == 4:
        changing[start] = rng.choice(others)
    elif way == 5 and rng.random() < 0.3:
        changing.insert(start, rng.choice(BOMBS) * rng.choice((10, 1000, 20_000)))
    else:
        changing[start] = changed(rng, changing[start])
    return changing


def damaged(rng, content, other):
    """Return a file with changes in one of its pickles."""
    found = segments(content)
    if not found:
        return blind.damaged(rng, content, other)
    start, stop, operations = rng.choice(found)
    others = [one for *_, more in found + segments(other) for one in more]
    changing = list(operations)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        changing = rearranged(rng, changing, others) or [b"."]
    return content[:start] + b"".join(changing) + content[stop:]
