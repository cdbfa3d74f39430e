"""A network's own run of its layers on PyTorch, against Keras's run of the same layers."""

import weakref

import keras
import numpy as np
import pytest

from helpers import BACKEND, normal, tensor, to_numpy
from keras_alexnet import AlexNet, feature_extractor, fully_convolutional
from keras_alexnet.cards.alexnet_model import AlexNetModel
from keras_alexnet.layers import Conv2D, LocalResponseNormalization, MaxPooling2D

FORMATS = ["channels_last"] if BACKEND == "tensorflow" else ["channels_last", "channels_first"]
NETWORKS = {  # the variant: size of the images, and whether with dense layers
    "paper": (67, False),
    "owt": (67, False),
    "cifar10_18pct": (32, True),
}


def without_gradients(model, x):
    """Return the outputs of a model where PyTorch records nothing for gradients."""
    return keras.tree.map_structure(to_numpy, model.predict_on_batch(x))


def runs(model, x):
    """Return the outputs of a model's runs, and those of a model of Keras's with the same layers.

    On PyTorch the second run records what a gradient needs.
    """
    found = [without_gradients(model, x)]
    if BACKEND == "torch":
        recorded = model(keras.tree.map_structure(tensor, x))
        found.append(keras.tree.map_structure(to_numpy, recorded))
    plain = keras.Model(model.input, model.output)
    return found, [without_gradients(plain, x)] * len(found)


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("data_format", FORMATS)  # TensorFlow has the other on a GPU alone
@pytest.mark.parametrize("variant", NETWORKS)
def test_a_network_computes_what_keras_does(variant, data_format, dtype):
    size, include_top = NETWORKS[variant]
    shape = (size, size, 3) if data_format == "channels_last" else (3, size, size)
    options = {"data_format": data_format, "dtype": dtype, "initialization": "robust"}
    model = AlexNet(variant, include_top, input_shape=shape, **options)
    np.testing.assert_equal(*runs(model, normal(2, *shape)))


@pytest.mark.parametrize("inside", [False, True], ids=["a network", "inside another model"])
def test_what_is_made_from_a_network_computes_what_keras_does(inside):
    """Feature extractors, which show tensors inside, and networks that slide over larger images."""
    network = AlexNet("cifar10_18pct", data_format="channels_last", initialization="robust")
    names = ["conv1", "conv2", "relu2", "fc10"]
    if inside:
        images = keras.Input((32, 32, 3))
        network = keras.Model(images, network(keras.layers.Rescaling(0.5)(images)))
    np.testing.assert_equal(*runs(feature_extractor(network, names), normal(2, 32, 32, 3)))
    np.testing.assert_equal(*runs(fully_convolutional(network), normal(2, 40, 32, 3)))


def branches():
    """Return a network with two inputs, in which several layers read and return one tensor."""
    relu, options = keras.layers.ReLU, {"padding": "same", "data_format": "channels_last"}
    left, right = keras.Input((6, 6, 2), name="left"), keras.Input((6, 6, 3), name="right")
    conv = Conv2D(2, 3, **options)
    read_twice, returned, alone = (
        conv(left),
        conv(relu()(conv(left))),
        Conv2D(3, 3, **options)(left),
    )
    padded = keras.layers.ZeroPadding2D(1, data_format="channels_last")(left)
    unchanged = keras.layers.Dropout(0.5)(right)  # the input itself
    outputs = {
        "sum": keras.layers.Add()([relu()(read_twice), read_twice, read_twice]),
        "returned": returned,
        "after": relu()(returned),
        "capped": relu(max_value=0.5)(Conv2D(3, 3, **options)(left)),
        "leaky": relu(negative_slope=0.5)(alone),
        "input": relu()(unchanged),
        "padded": keras.layers.Add()([padded, Conv2D(2, 3, **options)(padded)]),
        "ops": keras.ops.concatenate([relu()(keras.layers.Dense(3)(right)), right], axis=-1),
    }
    return AlexNetModel([left, right], outputs)


def test_several_readers_inputs_and_outputs():
    """No tensor is overwritten that another layer, the caller or the user has."""
    x = [normal(2, 6, 6, 2), normal(2, 6, 6, 3, seed=1)]
    kept = [part.copy() for part in x]
    np.testing.assert_equal(*runs(branches(), x))
    assert all(map(np.array_equal, x, kept))


def test_masks_reach_the_layers():
    """A mask passes through the rectification."""
    x = inputs = keras.Input((4, 3))
    x = keras.layers.Masking()(x)
    for layer in (
        keras.layers.Dense(3),
        keras.layers.ReLU(),
        keras.layers.GlobalAveragePooling1D(),
    ):
        x = layer(x)
    values = normal(2, 4, 3)
    values[:, 2:] = 0
    np.testing.assert_equal(*runs(AlexNetModel(inputs, x), values))


def test_an_optional_input():
    """An input that is left out is Keras's to treat."""
    images, other = keras.Input((3,)), keras.Input((3,), optional=True)

    class Either(keras.layers.Layer):
        def call(self, x, y=None):
            return x if y is None else x + y

    model = AlexNetModel([images, other], Either()(images, other))
    x = normal(2, 3)
    np.testing.assert_array_equal(to_numpy(model([tensor(x), None])), x)


if BACKEND == "torch":
    import torch

    def witness(returned, alive):
        """Return a layer that adds 1, and counts which of all that was returned is alive."""

        class Witness(keras.layers.Layer):
            def call(self, x):
                y = x + 1
                if x.device.type != "meta":  # where Keras asks for the shape
                    alive.append(sum(other() is not None for other in returned))
                    returned.append(weakref.ref(y))
                return y

        return Witness()

    def chain(returned, alive, count=4):
        """Return a network of layers that count, of which the last one adds the first's output."""
        x = inputs = keras.Input((3,))
        outputs = [x := witness(returned, alive)(x) for _ in range(count)]
        return AlexNetModel(inputs, keras.layers.Add(name="sum")([x, outputs[0]]))

    @pytest.mark.parametrize("training", [False, True])
    def test_tensors_are_freed_after_their_last_use(training):
        """Keras keeps all of them; here a layer finds its input alone, and what is read later."""
        model = chain([], alive := [])
        with torch.set_grad_enabled(training):
            model(torch.zeros(1, 3))
        assert alive == [0, 1, 2, 2]

    @pytest.mark.parametrize("inside", [False, True], ids=["a network", "inside another model"])
    def test_extractors_free_tensors_too(inside):
        """Unless the caller gets them."""
        model = network = chain(returned := [], alive := [])
        shown = [network.layers[number].name for number in (2, 4)]
        if inside:
            model = keras.Model(inputs := keras.Input((3,)), network(inputs))
        for layers, counts in ("sum", [0, 1, 2, 2]), (shown, [0, 1, 1, 2]):
            returned.clear(), alive.clear()
            feature_extractor(model, layers)(torch.zeros(1, 3))
            assert alive == counts

    def test_a_rectification_overwrites_only_what_nobody_sees():
        """It overwrites the output of a convolution, unless a hook or a gradient has it."""
        x = inputs = keras.Input((6, 6, 2))
        conv, relu = Conv2D(3, 3, data_format="channels_last"), keras.layers.ReLU()
        model = AlexNetModel(inputs, keras.layers.Flatten()(relu(conv(x))))
        images, seen = tensor(normal(2, 6, 6, 2)), []

        def addresses():
            """Return whether a run writes the output of one layer over that of the other."""
            call, made = conv.call, []
            conv.call = lambda x: made.append(call(x)) or made[0]
            y = model(images)
            del conv.call
            return y.data_ptr() == made[0].data_ptr()

        assert not addresses()
        with torch.no_grad():
            assert addresses()
            hook = conv.register_forward_hook(lambda layer, inputs, y: seen.append(y))
            assert not addresses()
            assert seen[0].min() < 0
            hook.remove()
            assert addresses()

    # Dynamo makes an object of every class that it meets, torch.autograd.Function among them.
    @pytest.mark.filterwarnings("ignore:.*Function'> should not be instantiated")
    def test_a_compiler_sees_one_graph():
        """PyTorch's compiler finds nothing that it must leave to Python."""
        options = {"data_format": "channels_last"}
        x = inputs = keras.Input((9, 9, 4))
        for layer in (
            keras.layers.ZeroPadding2D(((0, 3), (0, 3)), **options),
            Conv2D(8, 3, 2, groups=2, **options),
            keras.layers.ReLU(),
            LocalResponseNormalization(**options),
            MaxPooling2D(3, 2, **options),
        ):
            x = layer(x)
        model, images = AlexNetModel(inputs, x), normal(2, 9, 9, 4)
        compiled = torch.compile(
            lambda x: model(x, training=False), backend="eager", fullgraph=True
        )
        y = to_numpy(compiled(tensor(images)))
        np.testing.assert_allclose(y, without_gradients(model, images), rtol=1e-5, atol=1e-6)
