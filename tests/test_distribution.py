"""`distribution`: the layouts give one device's losses, and split what they say."""

import re

import keras
import numpy as np
import pytest

import processes
from keras_alexnet import AlexNet, UserError, distribution
from keras_alexnet.data.batch_reader import ArrayReader
from keras_alexnet.data.sequence import FileSequence
from keras_alexnet.distribution import check_count
from keras_alexnet.training.padding import PaddedLoss, pad_batches

UNITS, CLASSES, IMAGES, BATCH = 64, 5, 44, 16  # the last batch of 12 is padded to 16


def trained():
    """Return the losses of a small network with the layers' names of AlexNet, and the network."""
    keras.utils.set_random_seed(1)
    layers = [keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3), keras.layers.Flatten()]
    for number in (6, 7):
        layers.append(keras.layers.Dense(UNITS, name=f"fc{number}"))
        layers.append(keras.layers.ReLU(name=f"relu{number}"))
        layers.append(keras.layers.Dropout(0.5, seed=number, name=f"drop{number}"))
    layers.append(keras.layers.Dense(CLASSES, "softmax", name="fc8"))
    model = keras.Sequential(layers)
    rule = keras.optimizers.SGD(0.02, momentum=0.9)
    model.compile(rule, PaddedLoss("sparse_categorical_crossentropy"))
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(IMAGES, 8, 8, 3)).astype("float32"), np.arange(IMAGES) % CLASSES
    data = pad_batches(FileSequence(ArrayReader(x, y), BATCH), IMAGES, BATCH)
    return model.fit(data, epochs=3, shuffle=False, verbose=0).history["loss"], model


def bytes_per_device(model):
    """Return the bytes that each device keeps of the weights and of the optimizer's variables."""
    variables = [*model.trainable_variables, *model.optimizer.variables]
    shards = [v.value.addressable_shards[0].data for v in variables]
    return sum(shard.nbytes for shard in shards)


def gathered(model):
    """Return the number of rows of every array that devices gather for a prediction."""
    import jax

    values = [[v.value for v in model.trainable_variables]]
    values.append([v.value for v in model.non_trainable_variables])
    layout = keras.distribution.distribution().get_data_layout((BATCH, 8, 8, 3))
    x = keras.distribution.distribute_tensor(np.zeros((BATCH, 8, 8, 3), "float32"), layout)
    program = jax.jit(lambda weights, others, x: model.stateless_call(weights, others, x)[0])
    text = program.lower(*values, x).compile().as_text()
    return [int(rows) for rows in re.findall(r"= f32\[(\d+),[\d,]+\]\S* all-gather\(", text)]


def check_layouts():
    """Both layouts give the losses of one device; the trick splits the dense layers by eight."""
    expected, plain = trained()
    total = bytes_per_device(plain)
    with distribution().scope():
        losses, model = trained()
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    assert bytes_per_device(model) == total
    with distribution("one_weird_trick").scope():
        losses, model = trained()
        rows = gathered(model)
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    dense = [model.get_layer(f"fc{number}") for number in (6, 7, 8)]
    split = sum(np.prod(v.shape) for layer in dense for v in layer.weights) - CLASSES
    assert bytes_per_device(model) == total - 2 * 4 * split * 7 // 8  # with the momentum
    assert rows and set(rows) == {BATCH}  # activations, never a kernel


def check_choices():
    """Devices are chosen by number or name; others are refused."""
    names = keras.distribution.list_devices()
    assert distribution(devices=3).device_mesh.devices.tolist() == names[:3]
    chosen = distribution("one_weird_trick", devices=names[2:4])
    assert chosen.device_mesh.devices.tolist() == names[2:4]
    for arguments, message in [
        (
            {"devices": 9},
            "devices=9, but Keras finds 8 devices: cpu:0, .*Give a number from 1 to 8",
        ),
        ({"devices": ["cpu:0", "cpu:0"]}, "must be names, each once, out of cpu:0, "),
        ({"devices": ["gpu:0"]}, "must be names, each once, out of cpu:0, "),
        ({"devices": []}, "must be names, each once, out of cpu:0, "),
        ({"devices": 0}, "devices=0.* must be a whole number of at least 1"),
        ({"layout": "one_weird_trick", "devices": 3}, "3 devices .*must divide the 4,096 units"),
    ]:
        with pytest.raises(UserError, match=message):
            distribution(**arguments)


@pytest.mark.backend_free
@pytest.mark.parametrize(
    ("there", "remedy"),
    [
        (["cpu:0"], "Leave `devices` (--devices) out, to use that one."),
        (["gpu:0", "gpu:1"], "to 2"),
    ],
)
def test_more_devices_than_there_are(there, remedy):
    """The remedy fits the number."""
    with pytest.raises(UserError) as caught:
        check_count(3, there)
    assert remedy in caught.value.remedy
    assert caught.value.received.startswith(
        f"Received devices=3, but Keras finds {len(there)} device"
    )


PROGRAM = """
import os, sys
sys.path[:0] = [os.path.dirname(sys.argv[1]), os.path.join(os.path.dirname(sys.argv[1]), "tools")]
import test_distribution
test_distribution.check_layouts()
test_distribution.check_choices()
"""


if keras.backend.backend() == "jax":

    @pytest.mark.long
    def test_eight_devices():
        """The checks above, on eight virtual devices."""
        eight = processes.eight_devices()
        code, _, errors = processes.run("-c", PROGRAM, __file__, environment=eight)
        assert code == 0, errors

    @pytest.mark.medium
    def test_names_of_a_real_network():
        """Its layers have the names that the layout expects."""
        layout = distribution("one_weird_trick", devices=1)
        model = AlexNet("paper", input_shape=(67, 67, 3), classes=CLASSES)
        axes = {v.path: layout.get_variable_layout(v).axes for v in model.weights}
        assert {path: axes[path] for path in axes if any(axes[path])} == {
            "fc6/kernel": (None, "batch"),
            "fc6/bias": ("batch",),
            "fc7/kernel": (None, "batch"),
            "fc7/bias": ("batch",),
            "fc8/kernel": ("batch", None),
        }

else:

    def test_another_backend():
        """It is refused, and the message names what there is instead."""
        name = keras.backend.backend()
        with pytest.raises(UserError, match=f"on the {name} backend.*needs the JAX.*torchrun"):
            distribution()
