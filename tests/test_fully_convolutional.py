"""`fully_convolutional`, against the classifier slid by hand, in NumPy, over the feature maps."""

import dataclasses

import keras
import numpy as np
import pytest

import reference
from helpers import run_channels_first, to_numpy, zeros_at_first
from keras_alexnet import AlexNet, describe, fully_convolutional
from keras_alexnet.preprocessing import PixelNormalization
from keras_alexnet.training.job import Job, build_model
from narrow_networks import narrow
from published import PUBLISHED
from reference_networks import forward

# Image sizes that the network is built for, and larger ones. Windows of 2 x 3 map pixels: what is
# not square cannot be turned round unnoticed.
SMALL = ((99, 131), (163, 163))


SIZES = {
    "paper": SMALL,
    "source2012": SMALL,
    "notebook": SMALL,
    "ungrouped": SMALL,
    "owt": ((224, 224), (289, 256)),
    "cifar10_18pct": ((32, 32), (48, 41)),
}


def images(height, width, count=1):
    return np.random.default_rng(0).normal(size=(count, height, width, 3)).astype("float32")


def slid(name, model, maps):
    """Return the published classifier with a model's weights on every window of maps."""
    published = PUBLISHED[name]
    classifier = [row for row in published.rows if len(row.output) == 1]
    part = dataclasses.replace(published, rows=tuple(classifier))
    dense = {layer.name: layer for layer in model.layers if isinstance(layer, keras.layers.Dense)}
    weights = {layer_name: layer.get_weights() for layer_name, layer in dense.items()}
    rows, columns = model.get_layer("flatten").input.shape[1:3]
    return np.stack(
        [
            np.stack(
                [
                    forward(part, maps[:, i : i + rows, j : j + columns], weights)["prob"]
                    for j in range(maps.shape[2] - columns + 1)
                ],
                axis=1,
            )
            for i in range(maps.shape[1] - rows + 1)
        ],
        axis=1,
    )


@pytest.mark.long
@pytest.mark.parametrize("name", SIZES)
def test_equals_sliding_the_classifier(name, monkeypatch):
    """Every place is what the published classifier gives for its window of the maps."""
    narrow(monkeypatch, name)
    own, large = SIZES[name]
    model = AlexNet(name, input_shape=(*own, 3), classes=5, initialization="robust")
    dense = fully_convolutional(model)
    assert dense.output_shape == (None, None, None, 5)

    with zeros_at_first():
        features = AlexNet(name, include_top=False, input_shape=(*large, 3))
    features.set_weights(model.get_weights()[: len(features.weights)])
    x = images(*large)
    expected = slid(name, model, to_numpy(features(x)))
    assert expected.shape[1] * expected.shape[2] > 3
    assert np.ptp(expected, axis=(1, 2)).max() > 1e-3  # the places differ
    np.testing.assert_allclose(to_numpy(dense(x)), expected, rtol=2e-4, atol=1e-6)


@pytest.fixture(scope="session")
def small():
    """A small network with two dense layers."""
    return AlexNet("cifar10_80sec", classes=3, initialization="robust")


@pytest.mark.medium
def test_own_size(small):
    """At the size that the network was built for there is one place, with its own output."""
    x = images(32, 32, count=3)
    found = to_numpy(fully_convolutional(small)(x))
    assert found.shape == (3, 1, 1, 3)
    np.testing.assert_allclose(found[:, 0, 0], to_numpy(small(x)), rtol=1e-4)


@pytest.mark.medium
def test_weights_are_shared(small):
    """No weight is copied, and what is assigned to the model is in the dense form."""
    dense = fully_convolutional(small)
    assert {id(weight) for weight in dense.weights} == {id(weight) for weight in small.weights}
    kernel, bias = small.get_layer("fc10").get_weights()
    small.get_layer("fc10").set_weights([kernel, bias + np.array([0, 0, 50])])
    try:
        assert (to_numpy(dense(images(40, 40))).argmax(axis=-1) == 2).all()
    finally:  # other tests have the same model
        small.get_layer("fc10").set_weights([kernel, bias])


@pytest.mark.medium
def test_channels_first():
    """Channels first, with the same weights, it gives the same, the classes on axis 1."""
    last = AlexNet("cifar10_80sec", classes=3, initialization="robust")
    options = {"input_shape": (3, 32, 32), "data_format": "channels_first"}
    first = AlexNet("cifar10_80sec", classes=3, **options)
    first.set_weights(last.get_weights())
    x = images(40, 48)
    dense = fully_convolutional(first)
    assert dense.output_shape == (None, 3, None, None)
    found = run_channels_first(dense, x.transpose(0, 3, 1, 2))
    expected = to_numpy(fully_convolutional(last)(x))
    np.testing.assert_allclose(found.transpose(0, 2, 3, 1), expected, rtol=1e-4)


@pytest.mark.medium
def test_half_precision():
    """In mixed precision the arithmetic is in half precision, the softmax in float32."""
    model = AlexNet("cifar10_80sec", dtype="mixed_bfloat16", initialization="robust")
    dense = fully_convolutional(model)
    assert dense.get_layer("fc64").compute_dtype == "bfloat16"
    x = images(32, 32)
    found, expected = dense(x), to_numpy(model(x))
    assert keras.backend.standardize_dtype(found.dtype) == "float32"
    np.testing.assert_allclose(to_numpy(found)[:, 0, 0], expected, atol=2e-2)


@pytest.mark.medium
def test_given_shape(small, tmp_path):
    """With the size of the images given, shapes and counts are known, and files keep all."""
    dense = fully_convolutional(small, input_shape=(64, 40, 3))
    assert dense.output_shape == (None, 5, 2, 3)
    assert describe(fully_convolutional(small, (32, 32, 3))).multiply_adds == (
        describe(small).multiply_adds
    )
    assert describe(dense).parameters == small.count_params()
    dense.save(tmp_path / "dense.keras")
    loaded = keras.saving.load_model(tmp_path / "dense.keras")
    x = images(64, 40)
    np.testing.assert_array_equal(to_numpy(loaded(x)), to_numpy(dense(x)))


@pytest.mark.medium
def test_fitted_models():
    """Of what `keras-alexnet fit` saves, the layers that resize and cut are left out."""
    model = build_model(Job(variant="cifar10_80sec", image_size=28), classes=4)
    inner = keras.Model(model.get_layer("unit_variance").output, model.output)
    dense = fully_convolutional(model)
    (normalization,) = (layer for layer in dense.layers if isinstance(layer, PixelNormalization))
    assert dense.layers[1] is normalization
    pixels = 128 + 50 * images(60, 44)
    shifted = (pixels - normalization.mean) / 63.7
    expected = to_numpy(fully_convolutional(inner)(shifted))
    np.testing.assert_allclose(to_numpy(dense(pixels)), expected, rtol=1e-4)


@pytest.mark.parametrize("kind", ["sequential", "functional"])
def test_models_in_models(small, kind):
    """A model behind other layers, or inside another, slides as it does alone."""
    if kind == "sequential":
        outer = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Rescaling(0.5), small])
    else:
        inputs = keras.Input((32, 32, 3))
        outer = keras.Model(inputs, small(0.5 * inputs))
    x = images(48, 40)
    found = to_numpy(fully_convolutional(outer)(2 * x))
    np.testing.assert_allclose(found, to_numpy(fully_convolutional(small)(x)), rtol=1e-4)


def test_own_top():
    """A top of one's own, on features built without one, slides too."""
    base = AlexNet("cifar10_19pct", include_top=False, input_shape=(32, 32, 3))
    model = keras.Sequential(
        [
            base,
            keras.layers.Flatten(data_format="channels_last"),
            keras.layers.Dense(8, activation="relu", use_bias=False),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    x = images(48, 40)
    found = to_numpy(fully_convolutional(model)(x))
    assert found.shape == (1, 3, 2, 3)
    maps = to_numpy(base(x[:, 8:40, 8:40]))
    assert maps.shape == (1, 4, 4, 64)
    wide = AlexNet("cifar10_19pct", include_top=False, input_shape=(48, 40, 3))
    wide.set_weights(base.get_weights())
    (first,), (second, bias) = (model.layers[place].get_weights() for place in (2, 4))
    window = to_numpy(wide(x))[:, 2:6, 1:5].reshape(1, -1)
    expected = reference.softmax(np.maximum(window @ first, 0) @ second + bias)
    np.testing.assert_allclose(found[:, 2, 1], expected, rtol=1e-4)


def layered(*layers, shape=(8, 8, 3)):
    return keras.Sequential([keras.Input(shape), *layers], name="mine")


LAST = {"data_format": "channels_last"}


CONV = keras.layers.Conv2D


@pytest.mark.medium
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: AlexNet("owt", include_top=False),
            "'alexnet_owt', which has no Flatten.*include_top=True",
        ),
        (
            lambda: AlexNet("owt", input_shape=(300, 300, 3), classes=2),
            r"averages maps of \(8, 8, 256\) in the layer 'avgpool'.*224 x 224",
        ),
        (
            lambda: AlexNet("cifar10_18pct", include_top=False, pooling="avg"),
            r"'avg_pool' \(GlobalAveragePooling2D\) in front.*Only Flatten",
        ),
        (
            lambda: layered(
                CONV(2, 3, **LAST),
                keras.layers.Flatten(**LAST),
                keras.layers.Dense(2),
                keras.layers.BatchNormalization(name="norm"),
            ),
            r"'norm' \(BatchNormalization\) behind.*dropout, ReLU and activation layers",
        ),
        (
            lambda: layered(
                CONV(2, 3, **LAST), keras.layers.Flatten("channels_first"), keras.layers.Dense(2)
            ),
            "maps of the data format 'channels_last' as 'channels_first'.*in that order",
        ),
        (
            lambda: layered(CONV(8, 3, **LAST), CONV(2, 3, data_format="channels_first")),
            "convolutions of both data formats.*one data_format",
        ),
    ],
)
def test_models_that_do_not_slide(make, message, monkeypatch):
    """What stands in the way is named, and what to do."""
    narrow(monkeypatch, "owt")
    with pytest.raises(ValueError, match=f"(?s)Received the model .*{message}"):
        fully_convolutional(make())


def test_models_without_visible_layers():
    """A subclassed model is refused in words."""

    class Mine(keras.Model):
        pass

    with pytest.raises(ValueError, match=r"functional or sequential.*keras\.Sequential"):
        fully_convolutional(Mine())


def test_too_small(small):
    """Images smaller than the network was built for are refused, when built and when called."""
    message = "(?s)window of 4 x 4.*as large as the window.*larger ones"
    with pytest.raises(ValueError, match=message):
        fully_convolutional(small, (24, 40, 3))
    with pytest.raises(ValueError, match=message):
        fully_convolutional(small)(images(40, 24))
