"""Readers of Caffe's files: weights of networks (.caffemodel) and mean images (.binaryproto).

The field numbers are those of Caffe's src/caffe/proto/caffe.proto.
"""

import dataclasses

from keras_alexnet.formats.arrays import StoredArray
from keras_alexnet.formats.errors import CheckpointError, errors_about, quoted
from keras_alexnet.formats.files import CheckpointFile
from keras_alexnet.formats.protobuf.fields import FieldReader
from keras_alexnet.formats.protobuf.messages import Message
from keras_alexnet.formats.unread import if_readable

NET_NAME = 1  # NetParameter
OLDEST = 1  # V1LayerParameter.layer: the layer as it was before V1
LEGACY_SIZES = (1, 2, 3, 4)  # BlobProto: num, channels, height, width
DATA, SHAPE, DOUBLE_DATA = 5, 7, 8
SIZES = 1  # BlobShape.dim
MEAN = "mean"


@dataclasses.dataclass(frozen=True)
class LayerForm:
    """The field numbers with which a version of Caffe writes layers.

    Args:
        version: Name of the version in the program.
        layers: Number of NetParameter's field of layers.
        name: Number of a layer's name field.
        blobs: Number of a layer's field of arrays.
    """

    version: str
    layers: int
    name: int
    blobs: int


FORMS = (
    LayerForm("V1", layers=2, name=4, blobs=6),  # to December 2014: both published AlexNets
    LayerForm("V2", layers=100, name=1, blobs=7),
)


def read(file: CheckpointFile) -> tuple[dict[str, StoredArray], dict[str, str]]:
    """Read the weights of a network. "conv1/0" is the first array of the layer conv1, its kernel.

    Shapes stay as stored. Versions before 2015 put ones in front of a shape, up to four axes.
    """
    net = Message(FieldReader(file))
    form = _layer_form(net)
    arrays: dict[str, StoredArray] = {}
    for layer in net.messages(form.layers):
        for name, blob in _named_blobs(layer, form).items():
            if name in arrays:
                raise CheckpointError(
                    f"Two layers have an array {quoted(name)}.", "Every layer must occur once."
                )
            arrays[name] = if_readable(file.path, name, _array, blob)
    if not arrays:
        raise CheckpointError(
            "The layers of the network have no arrays.",
            "The file must hold the weights of a network.",
            "Give the path of the .caffemodel that training wrote.",
        )
    return arrays, {"network": net.text(NET_NAME), "version": form.version}


def read_mean(file: CheckpointFile) -> tuple[dict[str, StoredArray], dict[str, str]]:
    """Read a mean image, named "mean". Caffe's own has the shape (1, 3, 256, 256)."""
    with errors_about(f"Tensor {quoted(MEAN)}:"):
        return {MEAN: _array(Message(FieldReader(file)))}, {}


def _layer_form(net: Message) -> LayerForm:
    """Return the form of the layers. A file has one form only, as Caffe demands."""
    forms = [form for form in FORMS if form.layers in net]
    if len(forms) != 1:
        raise CheckpointError(
            f"The network has {'layers of two versions of Caffe' if forms else 'no layers'}.",
            "The network must have layers of one version of Caffe.",
        )
    return forms[0]


def _named_blobs(layer: Message, form: LayerForm) -> dict[str, Message]:
    """Return the arrays of a layer by name."""
    if form.version == "V1" and OLDEST in layer:
        raise CheckpointError(
            "The network has layers in the form before V1 (2014).",
            "The form of the layers must be V1 or V2.",
            "Convert the file with Caffe's upgrade_net_proto_binary.",
        )
    blobs = layer.messages(form.blobs)
    if not blobs:  # without weights, its name does not matter
        return {}
    name = layer.text(form.name)
    if not name:
        raise CheckpointError(
            "A layer with arrays has no name.", "Every layer with arrays must have a name."
        )
    return {f"{name}/{number}": blob for number, blob in enumerate(blobs)}


def _array(blob: Message) -> StoredArray:
    """Return the array of a blob as Caffe itself reads it (Blob::FromProto)."""
    number, dtype = (DOUBLE_DATA, "<f8") if DOUBLE_DATA in blob else (DATA, "<f4")
    return blob.array(number, _shape(blob), dtype)


def _shape(blob: Message) -> list[int]:
    """Return the shape: the four legacy sizes if one is given, else the sizes in `shape`."""
    if any(number in blob for number in LEGACY_SIZES):
        return [blob.integer(number) or 0 for number in LEGACY_SIZES]
    shape = blob.message(SHAPE)
    return shape.integers(SIZES) if shape else []
