"""All layers on images: configuration, shapes, compilation."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from helpers import BACKEND, to_numpy
from image_layers import IMAGES, LAST, LAYERS, RANDOM, every_layer, same
from keras_alexnet import PCAColorNoise, RandomCropFlip, TenCrop, preprocessing
from keras_alexnet.preprocessing import CenterCrop, NineCrop, PixelNormalization, SquareResize, base


@pytest.mark.backend_free
def test_every_layer_is_here():
    """A new layer of the package must join the table."""
    public = {getattr(preprocessing, name) for name in preprocessing.__all__}
    layers = {x for x in public if isinstance(x, type) and issubclass(x, base.ImageLayer)}
    assert layers == {make.func for make in LAYERS.values()}
    kinds = {LAYERS[name].func for name in RANDOM}
    assert {layer for layer in layers if issubclass(layer, base.RandomImageLayer)} == kinds


@every_layer
def test_registered_under_the_package(name):
    """Files name every layer after the package."""
    kind = LAYERS[name].func
    assert keras.saving.get_registered_name(kind) == f"keras_alexnet>{kind.__name__}"


@every_layer
def test_config(name):
    """A layer made from a config does and says the same, and the config is plain data."""
    layer = LAYERS[name](name="mine")
    data = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(data)
    assert again.get_config() == layer.get_config()
    assert again.sentence() == layer.sentence()
    same(to_numpy(again(IMAGES)), to_numpy(layer(IMAGES)))


@every_layer
def test_shape_and_type_are_known_beforehand(name):
    """The symbolic shape and type are those that come out, for one image and for a batch."""
    layer = LAYERS[name]()
    for images in (IMAGES, IMAGES[0], IMAGES.astype("float32")):
        symbolic = layer(keras.KerasTensor(images.shape, images.dtype.name))
        found = layer(images)
        assert symbolic.shape == tuple(found.shape)
        assert symbolic.dtype == keras.backend.standardize_dtype(found.dtype)
        assert layer.compute_output_shape((None, *IMAGES.shape[1:]))[0] is None


@pytest.mark.medium
@every_layer
@pytest.mark.parametrize("training", [True, False])
def test_compiled(name, training):
    """What the backend's compiler makes of a layer is what it computes without."""
    found = to_numpy(run_compiled(LAYERS[name](), IMAGES, training))
    if name == "noise" and training:  # TensorFlow's compiler has normal numbers of its own
        colours = found * 1.1 - IMAGES
        assert np.ptp(colours, axis=(1, 2)).max() < 1e-3
        assert len(np.unique(colours[:, 0, 0].round(2), axis=0)) == 6
    else:
        same(found, to_numpy(LAYERS[name]()(IMAGES, training=training)))


def run_compiled(layer, images, training):
    """Compile a layer with the backend's compiler, its stream handed through, and run it."""
    if BACKEND == "tensorflow":
        return tf.function(lambda x: layer(x, training=training), jit_compile=True)(images)
    if BACKEND == "jax":
        import jax

        layer.build(images.shape)
        state = [variable.value for variable in layer.non_trainable_variables]
        return jax.jit(lambda s, x: layer.stateless_call([], s, x, training=training)[0])(
            state, images
        )
    return layer(images, training=training)  # PyTorch's compiler needs one for C++ on the machine


@pytest.mark.medium
@pytest.mark.parametrize("jit_compile", [True, "auto"])
def test_models_stay_compiled(jit_compile):
    """All layers say that they can be compiled, and a model with all of them trains compiled."""
    inputs = keras.Input(IMAGES.shape[1:], dtype="uint8")
    x = SquareResize(20, **LAST)(inputs)
    x = RandomCropFlip(18, 18, seed=1, **LAST)(x)
    x = CenterCrop(16, 16, **LAST)(x)
    x = PCAColorNoise(seed=2, **LAST)(PixelNormalization(128.0, **LAST)(x))
    views = [layer(8, 8, **LAST)(x) for layer in (NineCrop, TenCrop)]
    x = keras.layers.Flatten()(keras.layers.Concatenate(1)(views))
    model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(x))
    kinds = {type(layer) for layer in model.layers}
    assert {make.func for make in LAYERS.values()} <= kinds
    assert all(layer.supports_jit for layer in model.layers)
    expected = {"tensorflow": jit_compile is True, "jax": True, "torch": False}[BACKEND]
    model.compile("sgd", "sparse_categorical_crossentropy", jit_compile=asked(jit_compile))
    model.fit(IMAGES, np.arange(6) % 2, batch_size=3, verbose=0)
    assert model.jit_compile is expected
    assert np.isfinite(model.predict(IMAGES, verbose=0)).all()


def asked(jit_compile):
    """PyTorch's compiler needs one for C++ on the machine, so it is asked for nothing there."""
    return False if BACKEND == "torch" else jit_compile
