"""Caffe's files are read as Caffe reads them: both versions, and every way to write the numbers."""

import functools

import numpy as np
import pytest

import caffe_files
from caffe_files import (
    ARRAYS,
    CHANNELS,
    DATA,
    DIFF,
    DOUBLE_DATA,
    HEIGHT,
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
from keras_alexnet.formats.opening import open_checkpoint
from protobuf_writer import field, fields, in_pieces
from stored import assert_same, peak_of_rows, read_all

pytestmark = pytest.mark.backend_free

VERSIONS = ("V1", "V2")
# Caffe's description of its messages, as far as weights go: name, number, type, whether repeated.
MESSAGES = {
    "BlobShape": [("dim", 1, "INT64", True)],
    "BlobProto": [
        *((name, i, "INT32", False) for i, name in enumerate(("num", "channels"), 1)),
        *((name, i, "INT32", False) for i, name in enumerate(("height", "width"), 3)),
        *(("data", 5, "FLOAT", True), ("diff", 6, "FLOAT", True)),
        *(("shape", 7, "BlobShape", False), ("double_data", 8, "DOUBLE", True)),
    ],
    "V1LayerParameter": [("name", 4, "STRING", False), ("blobs", 6, "BlobProto", True)],
    "LayerParameter": [("name", 1, "STRING", False), ("blobs", 7, "BlobProto", True)],
    "NetParameter": [
        ("name", 1, "STRING", False),
        ("layers", 2, "V1LayerParameter", True),
        ("layer", 100, "LayerParameter", True),
    ],
}


@functools.cache
def messages():
    """Return the classes of Caffe's messages, as the library of protocol buffers makes them."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="caffe.proto", package="caffe", syntax="proto2")
    for name, rows in MESSAGES.items():
        message = file.message_type.add(name=name)
        for label, number, kind, repeated in rows:
            row = message.field.add(name=label, number=number, label=3 if repeated else 1)
            if kind in MESSAGES:
                row.type, row.type_name = kinds.TYPE_MESSAGE, f".caffe.{kind}"
            else:
                row.type = getattr(kinds, f"TYPE_{kind}")
                row.options.packed = repeated
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"caffe.{name}"))
        for name in MESSAGES
    }


def four_axes(arrays):
    return {name: a.reshape((1,) * (4 - a.ndim) + a.shape) for name, a in arrays.items()}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("double", [False, True], ids=["single", "double"])
def test_what_protocol_buffers_write(tmp_path, version, double):
    """A network as Caffe's own code makes it, message by message."""
    net = messages()["NetParameter"](name="AlexNet")
    layers = net.layers if version == "V1" else net.layer
    layers.add(name="data")
    for name in ("conv1", "fc6"):
        made = layers.add(name=name)
        for number in range(2):
            array = ARRAYS[f"{name}/{number}"]
            kept = made.blobs.add(diff=array.ravel())
            (kept.double_data if double else kept.data).extend(array.ravel())
            if version == "V1":
                sizes = (1,) * (4 - array.ndim) + array.shape
                kept.num, kept.channels, kept.height, kept.width = sizes
            else:
                kept.shape.dim.extend(array.shape)
    content = net.SerializeToString()
    kind, arrays, metadata = read_all(tmp_path / "net", content)
    assert kind == "caffe" and metadata == {"network": "AlexNet", "version": version}
    expected = four_axes(ARRAYS) if version == "V1" else ARRAYS
    assert_same(arrays, {k: v.astype("f8") if double else v for k, v in expected.items()})


NUMBERS = ARRAYS["conv1/0"]
SINGLE, DOUBLE = NUMBERS.ravel(), NUMBERS.ravel().astype("f8")
DATA_FIELDS = {  # ways to write the same numbers; they come as float64 where that is given
    "packed": field(DATA, SINGLE.tobytes()),
    "pieces": in_pieces(DATA, SINGLE.tobytes(), 20),
    "one by one": fields(DATA, SINGLE),
    "some packed": field(DATA, SINGLE[:5].tobytes()) + fields(DATA, SINGLE[5:]),
    "an empty piece": field(DATA, b"") + field(DATA, SINGLE.tobytes()) + field(DATA, b""),
    "with differences": field(DATA, SINGLE.tobytes()) + field(DIFF, SINGLE.tobytes() * 2),
    "double": field(DOUBLE_DATA, DOUBLE.tobytes()),
    "double in pieces": in_pieces(DOUBLE_DATA, DOUBLE.tobytes(), 80),
    "double one by one": fields(DOUBLE_DATA, DOUBLE),
    "both": field(DATA, b"") + field(DOUBLE_DATA, DOUBLE.tobytes()),
    "both given": field(DATA, (SINGLE + 1).tobytes()) + field(DOUBLE_DATA, DOUBLE.tobytes()),
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("way", DATA_FIELDS)
def test_ways_to_write_numbers(tmp_path, version, way):
    """The library of protocol buffers finds the same numbers."""
    written = blob(NUMBERS, version, DATA_FIELDS[way])
    content = network(layer("conv1", [written], version))
    arrays = read_all(tmp_path / "net", content)[1]
    wide = DOUBLE_DATA in [number for number, _ in fields_of(written)]
    assert_same(arrays, {"conv1/0": NUMBERS.astype("f8") if wide else NUMBERS})
    theirs = messages()["BlobProto"].FromString(written)
    theirs = theirs.double_data or theirs.data
    np.testing.assert_array_equal(arrays["conv1/0"].ravel(), theirs)


def fields_of(written):
    """Return number and value of the fields that the library finds in an array."""
    return [(f.number, v) for f, v in messages()["BlobProto"].FromString(written).ListFields()]


AXES = (2, 3, 2, 2)
SIZES = {  # ways to write the sizes
    "old": (four_sizes(AXES), AXES),
    "old, in another order": (
        field(WIDTH, 2) + field(HEIGHT, 2) + field(CHANNELS, 3) + field(NUM, 2),
        AXES,
    ),
    "old, one given twice": (field(NUM, 7) + four_sizes(AXES), AXES),
    "old and new": (four_sizes(AXES) + new_shape((24,)), AXES),
    "new": (new_shape(AXES), AXES),
    "new, one by one": (field(SHAPE, fields(1, AXES)), AXES),
    "new, in pieces": (field(SHAPE, in_pieces(1, bytes(AXES), 3)), AXES),
    "new, of one axis": (new_shape((24,)), (24,)),
    "new, of five axes": (new_shape((1, *AXES)), (1, *AXES)),
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("way", SIZES)
def test_ways_to_write_sizes(tmp_path, version, way):
    """The old sizes, four of them, win in either version, as in Caffe's Blob::FromProto."""
    sizes, expected = SIZES[way]
    content = network(layer("conv1", [blob(NUMBERS, version, sizes=sizes)], version))
    assert_same(read_all(tmp_path / "net", content)[1], {"conv1/0": NUMBERS.reshape(expected)})


def test_no_numbers_and_no_axes(tmp_path):
    """Sizes of zero have no numbers; no sizes have one."""
    blobs = [
        blob(NUMBERS, data=b"", sizes=four_sizes((0, 3, 2, 2))),
        blob(NUMBERS, data=b"", sizes=field(NUM, 2)),  # the others are zero, if one is given
        blob(NUMBERS, data=fields(DATA, SINGLE[3:4]), sizes=b""),
    ]
    arrays = read_all(tmp_path / "net", network(layer("conv1", blobs)))[1]
    empty, missing, scalar = arrays.values()
    assert empty.shape == (0, 3, 2, 2) and missing.shape == (2, 0, 0, 0)
    assert scalar.shape == () and scalar == 3


UNKNOWN = field(500, 7) + field(501, np.float64(1)) + field(502, b"abc") + field(503, SINGLE[0])


@pytest.mark.parametrize("version", VERSIONS)
def test_what_else_a_network_says(tmp_path, version):
    """Fields that do not matter are passed over, anywhere; names may come last, or twice."""
    number, name, _, blobs = caffe_files.LAYERS[version]
    parts = UNKNOWN, fields(blobs, [blob(NUMBERS, version) + UNKNOWN]), UNKNOWN
    made = b"".join(parts) + field(name, "fc7") + field(name, "conv1")
    content = UNKNOWN + field(number, made) + UNKNOWN + layer("data", version=version)
    content = network(name="N") + content + field(caffe_files.NET_NAME, "AlexNet")
    kind, arrays, metadata = read_all(tmp_path / "net", content)
    assert kind == "caffe" and metadata["network"] == "AlexNet"
    expected = NUMBERS  # four axes in both versions
    assert_same(arrays, {"conv1/0": expected})


@pytest.mark.parametrize("version", VERSIONS)
def test_what_a_network_may_begin_with(tmp_path, version):
    layers = layer("conv1", [blob(NUMBERS, version)], version)
    for start in ("", "a" * 127, "a" * 128, None):
        begin = b"" if start is None else field(caffe_files.NET_NAME, start)
        for more in (b"", field(caffe_files.INPUT, "data")):
            kind, arrays, metadata = read_all(tmp_path / "net", begin + more + layers)
            assert kind == "caffe" and metadata["network"] == (start or "")
            assert_same(arrays, {"conv1/0": NUMBERS})


@pytest.mark.peer("cv2")
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("way", [way for way in DATA_FIELDS if "double" not in way][:6])
def test_opencv_reads_the_same(tmp_path, version, way):
    """OpenCV has an importer of its own, with another parser; of old files and new."""
    import cv2

    content = caffemodel(
        {"conv1/0": NUMBERS, "conv1/1": ARRAYS["conv1/1"]},
        version,
        lambda array, version: blob(array, version, DATA_FIELDS[way] if array is NUMBERS else None),
    )
    text = (
        'input: "data" input_dim: [1, 3, 4, 4] layer { name: "conv1" type: "Convolution" '
        'bottom: "data" top: "conv1" convolution_param { num_output: 2 kernel_size: 2 } }'
    )
    theirs = cv2.dnn.readNetFromCaffe(
        np.frombuffer(text.encode(), "u1"), np.frombuffer(content, "u1")
    )
    arrays = read_all(tmp_path / "net", content)[1]
    for number in range(2):
        np.testing.assert_array_equal(
            arrays[f"conv1/{number}"].ravel(), theirs.getParam("conv1", number).ravel()
        )
    assert theirs.getParam("conv1", 0).shape == arrays["conv1/0"].shape


def test_mean_image(tmp_path):
    """What Caffe's compute_image_mean writes, in the order of its fields and in another."""
    mean = np.linspace(90, 130, 60, dtype="f4").reshape(3, 4, 5)
    kind, arrays, metadata = read_all(tmp_path / "mean", mean_file(mean))
    assert kind == "caffe_mean" and metadata == {}
    assert_same(arrays, {"mean": mean[None]})
    data = field(DATA, mean.tobytes())
    for content in (data + four_sizes(mean.shape), data + new_shape((1, *mean.shape))):
        assert_same(read_all(tmp_path / "mean", content)[1], {"mean": mean[None]})
    made = messages()["BlobProto"](num=1, channels=3, height=4, width=5, data=mean.ravel())
    assert made.SerializeToString() == mean_file(mean)


@pytest.mark.parametrize("version", VERSIONS)
def test_rows_are_read_where_they_are(tmp_path, version):
    """4 MB of weights are never in memory as a whole."""
    path = tmp_path / "net"
    path.write_bytes(caffemodel({"conv1/0": np.ones((1000, 10, 10, 10), "f4")}, version))
    assert peak_of_rows(path, "conv1/0") < 1 << 19


@pytest.mark.parametrize("way", ["packed", "pieces"])
def test_axes_of_size_one_can_be_left_out(tmp_path, way):
    """So a matrix with four sizes is read by its rows."""
    sizes = four_sizes((6, 4))
    path = tmp_path / "net"
    path.write_bytes(network(layer("fc6", [blob(NUMBERS, data=DATA_FIELDS[way], sizes=sizes)])))
    with open_checkpoint(path) as opened:
        rows = opened.arrays["fc6/0"].from_axis(2).read(3, 5)
    np.testing.assert_array_equal(rows, NUMBERS.reshape(6, 4)[3:5])
