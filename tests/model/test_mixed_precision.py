"""Loss scaling: what `compile` does for networks that compute in float16, and after loading."""

import keras
import numpy as np
import pytest

from helpers import zeros_at_first
from keras_alexnet import AlexNet, RandomCropFlip, feature_extractor, ten_crop_model
from keras_alexnet.functional_graphs import functional_model

TINY = 1e-7  # weight of the loss with which all gradients of the logits underflow in float16


def network(dtype="mixed_float16", **options):
    """Return the smallest network of the package, for 8 x 8 images of 4 classes."""
    with zeros_at_first():
        return AlexNet("cifar10_19pct", input_shape=(8, 8, 3), classes=4, dtype=dtype, **options)


def is_scaled(model):
    """Compile a model, and say whether its loss is scaled."""
    model.compile("sgd", "mse")
    return isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)


def update(dtype, loss_weight, **options):
    """Train a small classifier for a step, and return it with what that adds to its weights."""
    rng = np.random.default_rng(0)
    x = inputs = keras.Input((6,))
    for layer in (keras.layers.Dense(8, "relu", dtype=dtype), keras.layers.Dense(4, dtype=dtype)):
        x = layer(x)
    model = functional_model(inputs, keras.layers.Softmax(dtype="float32")(x), "classifier")
    before = [rng.normal(size=weight.shape) for weight in model.weights]
    model.set_weights(before)
    optimizer, loss = keras.optimizers.SGD(1 / loss_weight), "sparse_categorical_crossentropy"
    model.compile(optimizer, loss, loss_weights=loss_weight, **options)
    model.train_on_batch(rng.normal(size=(4, 6)).astype("float32"), np.arange(4))
    return model, [new - old for new, old in zip(model.get_weights(), before, strict=True)]


@pytest.mark.medium
def test_gradients_that_underflow_are_scaled():
    """The step equals that of float32; it is nothing where the loss is not scaled."""
    _, expected = update("float32", 1.0)
    _, scaled = update("mixed_float16", TINY)
    for found, wanted in zip(scaled, expected, strict=True):
        assert np.abs(wanted).max() > 0.1
        np.testing.assert_allclose(found, wanted, rtol=0, atol=0.01)
    _, unscaled = update("mixed_float16", TINY, auto_scale_loss=False)
    for found in unscaled:
        np.testing.assert_allclose(found, 0, atol=1e-6)  # the weights are rounded to float32


@pytest.mark.medium
def test_a_loaded_model_scales_too(tmp_path):
    """A file brings loss scaling and its state back; compiled later, the model scales as well."""
    model, _ = update("mixed_float16", TINY)
    path = str(tmp_path / "model.keras")
    model.save(path)
    optimizer = keras.saving.load_model(path).optimizer
    assert (float(optimizer.dynamic_scale), int(optimizer.step_counter)) == (2.0**15, 1)
    assert int(optimizer.iterations) == 1
    assert is_scaled(keras.saving.load_model(path, compile=False))


def test_a_legacy_file_keeps_the_policy(tmp_path):
    """Keras's older HDF5 format stores the model as well."""
    path = str(tmp_path / "model.h5")
    network().save(path)
    assert is_scaled(keras.saving.load_model(path, compile=False))


def test_networks_and_models_made_of_them_scale():
    """So do a network, its clones, features, ten crops, and one behind other layers."""
    model = network()
    images = keras.Input((10, 10, 3))
    behind = AlexNet(
        "cifar10_19pct", input_tensor=RandomCropFlip(8, 8)(images), dtype="mixed_float16"
    )
    for other in (
        model,
        keras.models.clone_model(model),
        feature_extractor(model, "fc10"),
        ten_crop_model(model, image_size=10),
        ten_crop_model(behind),
        feature_extractor(keras.Sequential([keras.Input((8, 8, 3)), model]), "prob"),
        behind,
    ):
        assert is_scaled(other)


def test_other_types_are_left_as_they_are():
    """float32 and bfloat16 do not underflow: they are not scaled."""
    for dtype in (None, "mixed_bfloat16"):
        assert not is_scaled(network(dtype))


def test_the_policy_of_all_layers_stays_with_the_model():
    """A network built under Keras's own setting scales where that is not set when it is loaded."""
    keras.config.set_dtype_policy("mixed_float16")
    config = keras.saving.serialize_keras_object(network(dtype=None))
    keras.config.set_dtype_policy("float32")
    assert is_scaled(keras.saving.deserialize_keras_object(config))
