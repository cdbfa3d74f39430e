"""`LocalResponseNormalization` compiled, in training, and with sizes that are known at run time."""

import keras
import numpy as np
import pytest

from helpers import BACKEND, gradient, normal, tensor, to_numpy, with_unknown_sizes
from keras_alexnet import LocalResponseNormalization
from normalization import STRONG, assert_close, expected


@pytest.mark.medium
@pytest.mark.parametrize(
    ("arguments", "data_format"),
    [
        ({"size": 5}, "channels_last"),
        ({"size": 4, "groups": 2}, "channels_first"),
        ({"size": 3, "region": "within_channel"}, "channels_first"),
    ],
    ids=str,
)
@pytest.mark.parametrize("sizes", [(3, 4), (5, 2)])
def test_unknown_sizes(arguments, data_format, sizes):
    """A model made for images of any size normalizes each size right, and so does its gradient."""
    last = data_format == "channels_last"
    image = keras.Input((None, None, 8) if last else (8, None, None))
    layer = LocalResponseNormalization(**STRONG, **arguments, data_format=data_format)
    model = keras.Model(image, layer(image))
    assert model.output_shape == model.input_shape
    x = normal(2, *sizes, 8) if last else normal(2, 8, *sizes)
    assert_close(model(x), expected(layer, x))
    axis = -1 if last else 1
    assert_close(with_unknown_sizes(model, x, axis), expected(layer, x))
    slope = with_unknown_sizes(lambda x: gradient(model, x, x), x, axis)
    assert_close(slope, expected(layer, x, x))


@pytest.mark.parametrize("arguments", [{}, {"groups": 2}, {"region": "within_channel"}], ids=str)
def test_empty_batch(arguments):
    """A batch without images gives one without results, and an empty gradient."""
    layer = LocalResponseNormalization(**arguments)
    x = np.zeros((0, 3, 4, 6), "float32")
    assert layer(x).shape == x.shape
    assert gradient(layer, x, x).shape == x.shape


def small_model():
    """Return a network that normalizes hidden units and classifies."""
    return keras.Sequential(
        [
            keras.Input((3, 4, 2)),
            keras.layers.Dense(6),
            LocalResponseNormalization(3, **STRONG, groups=2),
            keras.layers.Flatten(),
            keras.layers.Dense(3),
        ]
    )


def trained_weights(model, **compile_arguments):
    """Train one step and return the loss and the weights."""
    model.compile(
        keras.optimizers.SGD(0.1),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        **compile_arguments,
    )
    history = model.fit(normal(8, 3, 4, 2), np.arange(8) % 3, batch_size=8, verbose=0)
    return history.history["loss"][0], model.get_weights()


@pytest.mark.medium
def test_a_step_of_training_is_the_same_compiled():
    """One step of `fit` gives the same finite loss and weights with XLA and without."""
    model = small_model()
    twin = keras.models.clone_model(model)
    twin.set_weights(model.get_weights())
    start = model.get_weights()
    loss, weights = trained_weights(model, jit_compile=False)
    twin_loss, twin_weights = trained_weights(twin, jit_compile=BACKEND != "torch")
    assert np.isfinite(loss)
    assert twin_loss == pytest.approx(loss, rel=1e-5)
    for old, one, other in zip(start, weights, twin_weights, strict=True):
        assert not np.array_equal(old, one)
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


if BACKEND == "torch":
    # Dynamo looks at every class that it meets, torch.autograd.Function among them, and at every
    # attribute of a layer's output.
    @pytest.mark.filterwarnings("ignore:.*Function'> should not be instantiated")
    @pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
    def test_sizes_that_the_compiler_leaves_open():
        """Traced for any sizes, as PyTorch's compiler does from the second size on."""
        import torch

        layer = LocalResponseNormalization(data_format="channels_last")
        traced_layer = torch.compile(layer, backend="aot_eager", dynamic=True)  # needs no C++
        for shape in ((2, 5, 6, 7), (3, 4, 5, 9), (64, 20, 20, 96)):
            x, dy = tensor(normal(*shape)).requires_grad_(), tensor(normal(*shape))
            y = traced_layer(x)
            np.testing.assert_allclose(to_numpy(y), to_numpy(layer(x)), rtol=1e-6)
            np.testing.assert_allclose(
                to_numpy(torch.autograd.grad(y, x, dy)[0]),  # the compiler has no second derivative
                to_numpy(gradient(layer, x, dy)),
                rtol=1e-5,
                atol=1e-6,
            )
