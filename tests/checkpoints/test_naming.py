"""Dialects: whose names and shapes a file has, and which layer each tensor belongs to."""

import numpy as np
import pytest

from keras_alexnet.checkpoints.naming import DIALECTS, find_dialect
from keras_alexnet.checkpoints.targets import aliases_of, targets_of
from keras_alexnet.formats.arrays import MemoryArray
from keras_alexnet.formats.errors import CheckpointError
from made_checkpoints import WAYS
from made_networks import LAYERS, drawn_weights, small_network


@pytest.fixture(scope="session")
def network():
    return small_network()


def stored(arrays):
    return {name: MemoryArray(array) for name, array in arrays.items()}


def translated(name, tensors, aliases=None):
    """Return the layer and part that each of some names stands for in a dialect."""
    (dialect,) = (dialect for dialect in DIALECTS if dialect.name == name)
    slots = [dialect.translate(tensor, aliases or {}) for tensor in tensors]
    return [slot and (slot.layer, slot.part, slot.half) for slot in slots]


# The names that the published files have, as their own programs define them.
PUBLISHED = {
    "torchvision": [
        f"{layer}.{part}"
        for layer in (
            *("features.0", "features.3", "features.6", "features.8", "features.10"),
            *("classifier.1", "classifier.4", "classifier.6"),
        )
        for part in ("weight", "bias")
    ],
    "imgclsmob_torch": [
        f"{layer}.{part}"
        for layer in (
            "features.stage1.unit1.conv",
            "features.stage2.unit1.conv",
            "features.stage3.unit1.conv",
            "features.stage3.unit2.conv",
            "features.stage3.unit3.conv",
            "output.fc1.fc",
            "output.fc2.fc",
            "output.fc3",
        )
        for part in ("weight", "bias")
    ],
    # As tf2cv 0.0.18 saves them with TensorFlow 2.21.
    "imgclsmob_tf2": [
        f"{layer}/{part}:0"
        for layer in (
            "features/features/features/stage1/stage1/unit1/conv/conv",
            "features/features/features/stage2/stage2/unit1/conv/conv",
            "features/features/features/stage3/stage3/unit1/conv/conv",
            "features/features/features/stage3/stage3/unit2/conv/conv",
            "features/features/features/stage3/stage3/unit3/conv/conv",
            "output1/output1/fc1/fc",
            "output1/output1/fc2/fc",
            "output1/output1/fc3",
        )
        for part in ("kernel", "bias")
    ],
    "caffe": [f"{layer}/{number}" for layer in LAYERS for number in (0, 1)],
    "toronto": [f"{layer}/{number}" for layer in LAYERS for number in (0, 1)],
    "onnx_zoo": [f"{layer}_{letter}_0" for layer in LAYERS for letter in "wb"],
    "paddle": [
        f"{layer}.{part}"
        for layer in (
            *("_conv1._conv", "_conv2._conv", "_conv3", "_conv4", "_conv5._conv"),
            *("_fc6", "_fc7", "_fc8"),
        )
        for part in ("weight", "bias")
    ],
}


@pytest.mark.backend_free
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_names(name):
    """The sixteen tensors of each published file are the kernels and biases, in order."""
    expected = [(layer, part, 0) for layer in LAYERS for part in ("kernel", "bias")]
    assert translated(name, PUBLISHED[name]) == expected


@pytest.mark.backend_free
def test_variations_of_names():
    """Wrappers and versions add to names without changing what they stand for."""
    parallel = ["module.features.0.weight", "module.classifier.6.bias"]
    assert translated("torchvision", parallel) == [("conv1", "kernel", 0), ("fc8", "bias", 0)]
    older = ["alex_net/features/stage3/unit2/conv/conv2d_3/kernel:0", "net/output1/fc3/bias:0"]
    assert translated("imgclsmob_tf2", older) == [("conv4", "kernel", 0), ("fc8", "bias", 0)]
    towers = ["conv2a.kernel", "conv2b/kernel", "fc6.bias"]
    expected = [("conv2", "kernel", 0), ("conv2", "kernel", 1), ("fc6", "bias", 0)]
    assert translated("two_towers", towers) == expected


@pytest.mark.backend_free
def test_names_of_nothing():
    """Names that a dialect does not know stand for nothing, nor do beginnings of known ones."""
    names = ["features.1.weight", "features.0.weight_g", "xfeatures.0.weight", "features.0"]
    assert translated("torchvision", names) == [None] * 4
    assert translated("caffe", ["conv1/2", "conv9/0", "conv1"]) == [None] * 3


@pytest.mark.backend_free
def test_own_names(network):
    """Keras's files number layers by class; others have the layers' own names."""
    aliases = aliases_of(targets_of(network))
    names = [
        "layers/conv2d/vars/0",
        "layers/conv2d_4/vars/1",
        "layers/functional/layers/dense_1/vars/0",
        "layers/fc8/vars/1",
        "conv2/alexnet/conv2/kernel:0",
        "fc6.kernel",
        "layers/random_flip/vars/0",
    ]
    assert translated("keras", names, aliases) == [
        ("conv1", "kernel", 0),
        ("conv5", "bias", 0),
        ("fc7", "kernel", 0),
        ("fc8", "bias", 0),
        ("conv2", "kernel", 0),
        ("fc6", "kernel", 0),
        None,
    ]


@pytest.mark.parametrize("name", WAYS)
def test_recognised(name, network):
    """Each program's file is taken for that program's, whatever else has similar names."""
    arrays = stored(WAYS[name](drawn_weights(network)))
    assert find_dialect(arrays, aliases_of(targets_of(network))).name == name


@pytest.mark.backend_free
def test_every_dialect_is_tested():
    assert {dialect.name for dialect in DIALECTS} == set(WAYS)


@pytest.mark.backend_free
def test_convolutions_alone_are_recognised():
    """Files without fully connected layers are as clear."""
    arrays = stored(WAYS["toronto"]({"conv1": (np.ones((11, 11, 3, 96)), np.ones(96))}))
    assert find_dialect(arrays, {}).name == "toronto"


@pytest.mark.backend_free
@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], "holds no tensors"),
        (["a\x1b[31m"], r"holds the tensors 'a\x1b[31m'."),
        ([f"layer{number}.weight" for number in range(8)], "'layer7.weight'. Names and"),
        ([f"layer{number}.weight" for number in range(9)], "'layer7.weight' and 1 more. Names"),
        ([f"layer{number}.weight" for number in range(12)], "'layer7.weight' and 4 more. Names"),
    ],
)
def test_unknown_names(names, words):
    """Of names that nobody has, some are shown, safely, beside what was expected."""
    with pytest.raises(CheckpointError) as caught:
        find_dialect(stored({name: np.ones(3) for name in names}), {})
    message = str(caught.value)
    assert words in message
    assert "torchvision's AlexNet; Caffe's AlexNet and CaffeNet" in message
    assert "Rename the tensors" in message and message.isprintable()
