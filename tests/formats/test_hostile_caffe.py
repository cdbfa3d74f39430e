"""Caffe's files that are damaged, or made to do harm, are refused; so is any protocol buffer."""

import os

import numpy as np
import pytest

from caffe_files import (
    ARRAYS,
    CHANNELS,
    DATA,
    DIFF,
    DOUBLE_DATA,
    HEIGHT,
    INPUT,
    LAYERS,
    NUM,
    SHAPE,
    WIDTH,
    blob,
    caffemodel,
    four_sizes,
    layer,
    mean_file,
    network,
    new_shape,
)
from hostile import assert_refused, bounded
from keras_alexnet.formats.errors import CheckpointError
from keras_alexnet.formats.opening import open_checkpoint
from protobuf_writer import field, fields, tag, varint

pytestmark = pytest.mark.backend_free

NUMBERS = ARRAYS["conv1/0"]
PACKED = field(DATA, NUMBERS.tobytes())
GROUP, END_GROUP = 3, 4  # wire types


def net(sizes=None, data=None, version="V1", more=b""):
    """Return a network with one array, whose parts may be given as others."""
    written = blob(NUMBERS, version, data, sizes) + more
    return network(layer("conv1", [written], version))


def cut(number, length, content):
    """Return a field that says that it has a length."""
    return tag(number, 2) + varint(length) + content


WIRE = {  # what is no protocol buffer, at the top of a file
    "length past the end": (cut(2, 100, b"abc"), r"byte 9 has 100 bytes.*ends after 3"),
    "length of 2^62": (cut(2, 1 << 62, b"abc"), "has 4611686018427387904 bytes"),
    "number of 11 bytes": (tag(9, 0) + b"\xff" * 10 + b"\1", "number of more than 64 bits"),
    "number of 65 bits": (tag(9, 0) + b"\xff" * 9 + b"\x7f", "number of more than 64 bits"),
    "length of 11 bytes": (tag(2, 2) + b"\x80" * 10 + b"\1", "number of more than 64 bits"),
    "field 0": (
        tag(0, 0) + b"\1",
        "byte 9 has the number 0. The number of a field must be 1 to 536870911",
    ),
    "field 2^29": (varint(1 << 32) + b"\1", "has the number 536870912"),
    "field 2^61": (varint((1 << 64) - 8) + b"\1", "has the number 2305843009213693951"),
    "wire type 6": (tag(9, 6), "has the wire type 6. The wire type must be 0, 1, 2 or 5"),
    "wire type 7": (tag(9, 7), "has the wire type 7"),
    "group": (tag(9, GROUP) + tag(9, END_GROUP), "has the wire type 3"),
    "groups 100,000 deep": (tag(9, GROUP) * 100_000, "has the wire type 3"),
    "end of no group": (tag(9, END_GROUP), "has the wire type 4"),
    "cut in a tag": (b"\x80", "cut in the middle of a number"),
    "cut in a number": (tag(9, 0) + b"\x80\x80", "cut in the middle of a number"),
    "cut in 4 bytes": (tag(9, 5) + b"abc", "has 4 bytes, and its message ends after 3"),
    "cut in 8 bytes": (tag(9, 1) + b"1234567", "has 8 bytes"),
    "200,000 fields": (field(9, 1) * 200_000, "more than 100000 fields"),
    "200,000 fields in layers": (
        b"".join(layer(f"l{i}", more=field(50, 1) * 500) for i in range(400)),
        "more than 100000 fields",
    ),
}


@pytest.mark.medium
@pytest.mark.parametrize(("content", "message"), WIRE.values(), ids=WIRE)
def test_hostile_encoding(tmp_path, content, message):
    """At the top of a file, and in a layer, whose end is nearer than the file's."""
    assert_refused(tmp_path / "weights", message, field(1, "AlexNet") + content)
    if len(content) > 1000:
        return
    message = message.split(",")[0].replace("byte 9 ", "")
    inside = network(layer("conv1", [blob(NUMBERS)], more=content)) + field(INPUT, "data") * 9
    assert_refused(tmp_path / "weights", message, inside)
    inside = net(more=content) + field(INPUT, "data") * 9
    assert_refused(tmp_path / "weights", message, inside)


SIZES = {  # of an array with 24 numbers
    "num -1": (field(NUM, -1) + field(CHANNELS, -24), "size that is negative or not an integer"),
    "num 2^40": (field(NUM, 1 << 40) + four_sizes(NUMBERS.shape)[2:], "at most 1099511627776"),
    "num 2^32 + 2": (
        field(NUM, (1 << 32) + 2) + four_sizes(NUMBERS.shape)[2:],
        r"shape \(4294967298, 3, 2, 2\) has 24 elements. The array must have 51539607576 elements",
    ),
    "product 2^64": (new_shape((1 << 32, 1 << 32)), r"shape \(4294967296, 4294967296\).* at most"),
    "product 2^64 + 24": (new_shape((1 << 61, 8, 3)), "at most 1099511627776 elements"),
    "zero times 2^62": (new_shape((0, 1 << 62)), "at most 1099511627776 elements"),
    "-2 times -12": (new_shape((-2, -12)), "size that is negative or not an integer"),
    "2^63": (new_shape((1 << 63,)), "size that is negative or not an integer"),
    "9 axes": (new_shape((1, 1, 1, 1, 1, 1, 1, 1, 24)), "has 9 axes"),
    "1,000,000 axes": (field(SHAPE, field(1, b"\1" * 1_000_000)), "more than 64 integers"),
    "65 axes one by one": (field(SHAPE, fields(1, [1] * 65)), "more than 64 integers"),
    "an axis cut": (field(SHAPE, field(1, b"\x02\x8c")), "cut in the middle of a number"),
    "one too many": (
        new_shape((25,)),
        r"shape \(25,\) has 24 elements. The array must have 25 elements",
    ),
    "one too few": (
        new_shape((23,)),
        r"shape \(23,\) has 24 elements. The array must have 23 elements",
    ),
    "num alone": (
        field(NUM, 24),
        r"shape \(24, 0, 0, 0\) has 24 elements. The array must have 0 elements",
    ),
    "none": (b"", r"shape \(\) has 24 elements. The array must have 1 elements"),
    "as a text": (field(NUM, "24"), "number 1 and the wire type 2. The wire type must be 0"),
    "shape as a number": (
        field(SHAPE, 24),
        "number 7 and the wire type 0. The wire type must be 2",
    ),
    "two shapes": (new_shape((4,)) + new_shape((6,)), "is the second of number 7"),
}


@pytest.mark.parametrize("version", LAYERS)
@pytest.mark.parametrize(("sizes", "message"), SIZES.values(), ids=SIZES)
def test_hostile_sizes(tmp_path, version, sizes, message):
    """Compared with what is there before any memory is taken; the tensor is named."""
    content = net(sizes, version=version)
    assert_refused(tmp_path / "weights", f"Tensor 'conv1/0': .*{message}", content)


@pytest.mark.parametrize("data", [DATA, DOUBLE_DATA])
@pytest.mark.parametrize(("sizes", "message"), SIZES.values(), ids=SIZES)
def test_hostile_mean(tmp_path, data, sizes, message):
    content = sizes + field(data, NUMBERS.astype({DATA: "f4", DOUBLE_DATA: "f8"}[data]).tobytes())
    message = (
        f"Tensor 'mean': .*{message}|begins as no model|has no graph|has no layers"  # as none does
    )
    assert_refused(tmp_path / "weights", message, content)


DATA_FIELDS = {  # of an array of (2, 3, 2, 2)
    "none": (b"", "has 0 elements. The array must have 24 elements"),
    "differences alone": (field(DIFF, NUMBERS.tobytes()), "has 0 elements"),
    "an odd byte": (
        field(DATA, NUMBERS.tobytes() + b"x"),
        "has 97 bytes. The field must consist of elements of 4 bytes",
    ),
    "odd pieces": (
        field(DATA, NUMBERS.tobytes()[:50]) + field(DATA, NUMBERS.tobytes()[50:]),
        "has 50 bytes. The field must consist of elements of 4 bytes",
    ),
    "twice": (PACKED * 2, "has 48 elements"),
    "as whole numbers": (
        fields(DATA, [1] * 24),
        "number 5 and the wire type 0. The wire type must be 2 or 5",
    ),
    "double as single": (
        fields(DATA, np.ones(24)),
        "number 5 and the wire type 1. The wire type must be 2 or 5",
    ),
    "single as double": (
        fields(DOUBLE_DATA, np.ones(24, "f4")),
        "number 8 and the wire type 5. The wire type must be 2 or 1",
    ),
    "empty double": (PACKED + field(DOUBLE_DATA, b""), "has 0 elements"),
    "10^12 numbers": (cut(DATA, 4 * 10**12, b""), "has 4000000000000 bytes, and its message"),
    "100,001 one by one": (fields(DATA, np.ones(100_001, "f4")), "more than 100000 fields"),
}


@pytest.mark.medium
@pytest.mark.parametrize("version", LAYERS)
@pytest.mark.parametrize(("data", "message"), DATA_FIELDS.values(), ids=DATA_FIELDS)
def test_hostile_numbers(tmp_path, version, data, message):
    assert_refused(tmp_path / "weights", message, net(data=data, version=version))


V1, V2 = (layer("conv1", [blob(NUMBERS, version)], version) for version in LAYERS)
NETWORKS = {
    "layers of both versions": (network(V1, V2), "The network has layers of two versions"),
    "no layers": (network(), "The network has no layers"),
    "no weights": (
        network(layer("conv1")),
        "The layers of the network have no arrays.*that training wrote",
    ),
    "a layer twice": (network(V1, V1), "Two layers have an array 'conv1/0'"),
    "a layer of V0": (
        network(field(2, field(1, field(1, "conv1") + field(50, blob(NUMBERS))))),
        r"in the form before V1 \(2014\).*upgrade_net_proto_binary",
    ),
    "no name": (network(field(2, field(6, blob(NUMBERS)))), "A layer with arrays has no name"),
    "empty name": (network(layer("", [blob(NUMBERS)])), "A layer with arrays has no name"),
    "name in latin-1": (
        network(field(2, field(4, b"conv\xff") + field(6, blob(NUMBERS)))),
        r"is b'conv\\xff'. A text must be UTF-8",
    ),
    "name of 5000 bytes": (network(layer("a" * 5000, [blob(NUMBERS)])), "is a text of 5000 bytes"),
    "network's name in latin-1": (field(1, b"\xff") + V1, r"is b'\\xff'"),
    "control characters": (
        network(layer("\x1b[2J", [blob(NUMBERS, data=b"")])),
        r"Tensor '\\x1b\[2J/0': ",
    ),
    "a layer that is a number": (network(field(2, 3)), "number 2 and the wire type 0"),
    "a blob that is a number": (
        network(field(2, field(4, "conv1") + field(6, 3))),
        "number 6 and the wire type 0",
    ),
    "blob that is a text": (network(layer("conv1", [b"hello"])), "The field at byte .* has"),
}


@pytest.mark.parametrize(("content", "message"), NETWORKS.values(), ids=NETWORKS)
def test_hostile_network(tmp_path, content, message):
    assert_refused(tmp_path / "weights", message, content)


@pytest.mark.parametrize("version", LAYERS)
def test_a_cut_between_two_layers_is_a_file(tmp_path, version):
    """Of protocol buffers nothing tells that more should follow: any other cut is noticed.

    That a layer is missing is noticed when the weights are given to a model.
    """
    content = caffemodel(version=version)
    path = tmp_path / "weights"
    whole = []
    for length in range(len(content)):
        path.write_bytes(content[:length])
        try:
            with open_checkpoint(path) as opened:
                whole.append(list(opened.arrays))
        except CheckpointError:
            continue
    assert whole == [list(ARRAYS)[:2]]


@pytest.mark.parametrize("write", [caffemodel, lambda: mean_file(np.ones((3, 40, 40), "f4"))])
def test_a_file_that_shrinks(tmp_path, write):
    """Open files may be cut by others: that the end is missing is said."""
    path = tmp_path / "weights"
    path.write_bytes(write())
    with open_checkpoint(path) as opened:
        *_, last = opened.arrays.values()
        os.truncate(path, path.stat().st_size - 2)
        with pytest.raises(CheckpointError, match=r"ends early, at byte .*changed while it was"):
            last.read()


def test_a_file_that_shrinks_between_its_pieces(tmp_path):
    """The first piece is still whole, but what is left is not the file that was opened."""
    path = tmp_path / "weights"
    path.write_bytes(net(data=fields(DATA, NUMBERS.ravel())))
    with open_checkpoint(path) as opened:
        os.truncate(path, path.stat().st_size - 2)
        with pytest.raises(CheckpointError, match="was changed or replaced while it was"):
            opened.arrays["conv1/0"].read()


def test_what_says_to_be_64_gb(tmp_path):
    """A hole in a file may hold zeros for any array: nothing of it is read, or kept."""
    path = tmp_path / "weights"
    size = 1 << 36
    one = field(CHANNELS, 1) + field(HEIGHT, 1) + field(WIDTH, 1) + cut(DATA, size, b"")
    path.write_bytes(field(NUM, size // 16) + one)
    os.truncate(path, path.stat().st_size + size)
    assert_refused(
        path, r"Tensor 'mean': .*17179869184 elements. The array must have 4294967296 elements"
    )
    path.write_bytes(field(NUM, size // 4) + one)
    os.truncate(path, path.stat().st_size + size)
    with bounded(), open_checkpoint(path) as opened:
        assert opened.arrays["mean"].read(0, 4).tolist() == [[[[0]]]] * 4
