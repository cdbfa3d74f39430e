"""Files of one's own: other classes, no top, data formats, gray images."""

import keras
import numpy as np
import pytest

from array_files import UNTRAINED
from helpers import run_channels_first, to_numpy
from keras_alexnet import AlexNet
from keras_alexnet.formats.errors import CheckpointError
from made_networks import learned_filters


@pytest.mark.eager
@pytest.mark.filterwarnings(UNTRAINED)
@pytest.mark.parametrize("ending", [".weights.h5", ".keras", ".h5"])
def test_own_files(ending, tmp_path):
    """What Keras saves of a network comes back equal, the state of its training left out."""
    model = AlexNet("cifar10_80sec")
    model.compile("adam", "sparse_categorical_crossentropy")
    model.train_on_batch(np.ones((2, 32, 32, 3), "float32"), np.array([1, 2]))
    path = tmp_path / f"net{ending}"
    if ending == ".weights.h5":
        model.save_weights(path)
    elif ending == ".keras":
        model.save(path)
    else:
        legacy_h5(path, model)
    again = AlexNet("cifar10_80sec", weights=str(path))
    for old, new in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def legacy_h5(path, model):
    """Write a file as Keras 2 did: a group of each layer, in it paths with its name again."""
    import h5py

    with h5py.File(path, "w") as file:
        for layer in model.layers:
            for variable in layer.weights:
                name = f"model_weights/{layer.name}/{layer.name}/{variable.name}:0"
                file[name] = to_numpy(variable.value)


@pytest.fixture(scope="session")
def own_file(tmp_path_factory):
    """A file of weights that look learned, of a small variant, and the model that saved it."""
    model = AlexNet("cifar10_80sec")
    filters = learned_filters()[:5, :5]
    model.get_layer("conv1").set_weights([filters, np.ones(32, "float32")])
    path = str(tmp_path_factory.mktemp("own") / "net.weights.h5")
    model.save_weights(path)
    return path, model


def test_other_classes_in_one_line(own_file, capsys):
    """With other classes everything but the classifier is loaded, and that is said."""
    path, source = own_file
    with pytest.warns(UserWarning, match="'fc10' keeps its initial values"):
        model = AlexNet("cifar10_80sec", classes=3, weights=path, verbose=True)
    assert "fc10 keeps its earlier values: the file has 10 classes." in capsys.readouterr().out
    for name in ("conv1", "conv3", "fc64"):
        for old, new in zip(
            source.get_layer(name).get_weights(), model.get_layer(name).get_weights(), strict=True
        ):
            np.testing.assert_array_equal(old, new)


@pytest.mark.filterwarnings("ignore:'fc10' keeps its initial values:UserWarning")
def test_values_that_a_file_replaces_are_not_drawn(own_file, monkeypatch):
    """The classifier for other classes alone is drawn; all layers keep their initializers."""
    path, _ = own_file
    draw, shapes = keras.initializers.RandomNormal.__call__, []

    def counted(self, shape, dtype=None):
        shapes.append(tuple(shape))
        return draw(self, shape, dtype)

    monkeypatch.setattr(keras.initializers.RandomNormal, "__call__", counted)
    model = AlexNet("cifar10_80sec", classes=3, weights=path)
    assert shapes == [(64, 3)]
    assert model.get_layer("fc10").get_weights()[0].std() == pytest.approx(0.1, rel=0.2)
    drawn = AlexNet("cifar10_80sec", classes=3)
    assert len(shapes) == 1 + 5
    for one, other in zip(model.layers, drawn.layers, strict=True):
        assert one.get_config() == other.get_config()


def test_without_top_in_one_line(own_file, capsys):
    """Without the fully connected layers theirs are left out, and that is said."""
    path, source = own_file
    options = {"include_top": False, "pooling": "max", "verbose": True}
    model = AlexNet("cifar10_80sec", weights=path, **options)
    out = capsys.readouterr().out
    assert "Left out layers/dense/vars/0, layers/dense/vars/1: the model ends below dense." in out
    expected = keras.Model(source.input, source.get_layer("pool3").output)
    x = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype("float32")
    maps = to_numpy(expected(x))
    np.testing.assert_allclose(to_numpy(model(x)), maps.max((1, 2)), rtol=1e-5, atol=1e-5)


@pytest.mark.medium
def test_both_data_formats(own_file):
    """One file gives the same outputs in both data formats."""
    path, source = own_file
    first = AlexNet("cifar10_80sec", weights=path, data_format="channels_first")
    x = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype("float32")
    np.testing.assert_allclose(
        run_channels_first(first, x.transpose(0, 3, 1, 2)), to_numpy(source(x)), atol=1e-5
    )


def test_one_channel_in_one_line(own_file, capsys):
    """A grey image gives what it gives with its values three times, as a colour image."""
    path, source = own_file
    with pytest.raises(CheckpointError, match="pass sum_colors=True"):
        AlexNet("cifar10_80sec", input_shape=(32, 32, 1), weights=path)
    options = {"input_shape": (32, 32, 1), "sum_colors": True, "verbose": True}
    model = AlexNet("cifar10_80sec", weights=path, **options)
    assert "The first kernels are summed over their 3 colours." in capsys.readouterr().out
    x = np.random.default_rng(0).normal(size=(2, 32, 32, 1)).astype("float32")
    np.testing.assert_allclose(to_numpy(model(x)), to_numpy(source(np.repeat(x, 3, -1))), atol=1e-5)


def test_what_is_in_front_of_the_network_is_left_alone(own_file):
    """With `input_tensor` the weights are the network's; the layers before keep theirs."""
    path, source = own_file
    pixels = keras.Input((32, 32, 3))
    before = keras.layers.Conv2D(3, 1, name="mix")
    model = AlexNet("cifar10_80sec", input_tensor=before(pixels), weights=path)
    kernel = to_numpy(before.kernel.value)
    np.testing.assert_array_equal(to_numpy(model.get_layer("mix").kernel.value), kernel)
    x = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype("float32")
    expected = to_numpy(source(to_numpy(before(x))))
    np.testing.assert_allclose(to_numpy(model(x)), expected, atol=1e-5)
