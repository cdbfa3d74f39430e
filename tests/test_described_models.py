"""`describe` of models inside models, models used twice, and models without a graph of calls."""

import keras
import numpy as np
import pytest

from keras_alexnet import (
    AlexNet,
    LocallyConnected2D,
    describe,
    evaluation_preprocessor,
    ten_crop_model,
)


@pytest.mark.medium
def test_other_models_and_models_inside_models():
    """Any Keras model is described; a model inside it is opened up."""
    inner = AlexNet("cifar10_19pct", include_top=False, input_shape=(32, 32, 3), pooling="avg")
    outer = keras.Sequential([keras.Input((32, 32, 3)), inner, keras.layers.Dense(3)])
    description = describe(outer)
    assert description.parameters == outer.count_params() == 79_328 + 64 * 3 + 3
    assert description.multiply_adds == 12_288_000 + 64 * 3


def small(size=8, **options):
    """Return a network of 4 x 4 x 2 and 3 neurons for images of 8 x 8."""
    return keras.Sequential(
        [
            keras.Input((size, size, 3), **options),
            keras.layers.Conv2D(2, 3, strides=2, padding="same", data_format="channels_last"),
            keras.layers.GlobalAveragePooling2D(data_format="channels_last"),
            keras.layers.Dense(3, name="top"),
        ],
        name="small",
    )


CONV = 3 * 3 * 3  # products for each neuron of the convolution


NEURONS = (4 * 4 * 2, 3)


PARAMETERS = (CONV + 1) * 2 + (2 + 1) * 3


MULTIPLY_ADDS = NEURONS[0] * CONV + NEURONS[1] * 2


def check(model, calls, parameters=PARAMETERS):
    """Compare a model's totals with so many calls of the small network."""
    description = describe(model)
    assert description.parameters == model.count_params() == parameters
    assert description.neurons == calls * sum(NEURONS)
    assert description.multiply_adds == calls * MULTIPLY_ADDS
    return description


@pytest.mark.parametrize("views", [10, 9])
def test_every_window_is_counted(views):
    """A model of ten windows computes ten times what its network computes, with its weights."""
    description = check(ten_crop_model(small(), views=views), calls=views)
    rows = {row.name: row for row in description.layers}
    assert rows["top"].output_shape == (3,)
    assert rows["top"].neurons == views * 3
    assert description.input_shape == (9, 9, 3)


def test_every_call_of_a_layer_is_counted():
    """A layer that is used twice has a row for each call, with that call's shape."""
    conv = keras.layers.Conv2D(2, 3, padding="same", data_format="channels_last", name="twice")
    inputs = keras.Input((8, 6, 2))
    smaller = keras.layers.MaxPooling2D(2, data_format="channels_last")(conv(inputs))
    model = keras.Model(inputs, conv(smaller))
    rows = [row for row in describe(model).layers if row.name == "twice"]
    assert [row.output_shape for row in rows] == [(8, 6, 2), (4, 3, 2)]
    assert [row.neurons for row in rows] == [96, 24]
    assert [row.multiply_adds for row in rows] == [96 * 18, 24 * 18]
    assert [row.parameters for row in rows] == [38, 0]


def test_layers_of_another_model():
    """Layers that two models share are described with the shapes of the model in question."""
    first = small()
    inputs = keras.Input((16, 16, 3))
    x = inputs
    for layer in first.layers:
        x = layer(x)
    larger = describe(keras.Model(inputs, x))
    assert larger.layers[0].output_shape == (8, 8, 2)
    assert larger.neurons == 8 * 8 * 2 + 3
    check(first, calls=1)


def test_models_that_are_used_twice():
    """Two images go through one network; a model with several inputs is described as well."""
    network = small()
    left, right = (keras.Input((8, 8, 3), name=name) for name in "ab")
    distance = keras.layers.Subtract()([network(left), network(inputs=right)])
    check(keras.Model([left, right], distance), calls=2)
    pair = keras.Model({"a": left, "b": right}, distance)
    again = {name: keras.Input((8, 8, 3), name=name) for name in "ba"}
    check(keras.Model(again, pair(again)), calls=2)


@pytest.mark.parametrize("wrapped", [lambda: small(), lambda: keras.Sequential([small()])])
def test_models_at_every_step(wrapped):
    """`TimeDistributed` calls its model at every step."""
    inputs = keras.Input((5, 8, 8, 3))
    check(keras.Model(inputs, keras.layers.TimeDistributed(wrapped())(inputs)), calls=5)
    unknown = keras.Input((None, 8, 8, 3))
    description = describe(keras.Model(unknown, keras.layers.TimeDistributed(wrapped())(unknown)))
    assert description.neurons is description.multiply_adds is None
    assert description.parameters == PARAMETERS


@pytest.mark.parametrize(
    ("layer", "shape", "neurons", "products"),
    [
        (keras.layers.Dense(4), (7, 5, 3), 5 * 7 * 4, 3),
        (keras.layers.Conv2D(4, 3, data_format="channels_last"), (7, 6, 6, 2), 7 * 64, 18),
        (LocallyConnected2D(4, 3, data_format="channels_last"), (7, 6, 6, 2), 7 * 64, 18),
    ],
    ids=["dense", "conv", "local"],
)
def test_layers_at_every_step(layer, shape, neurons, products):
    """`TimeDistributed` counts its layer as often as there are steps; the wrapper is the row."""
    model = keras.Sequential([keras.Input(shape), keras.layers.TimeDistributed(layer, name="all")])
    (row,) = describe(model).layers
    assert (row.name, row.kind) == ("all", "TimeDistributed")
    assert row.output_shape == model.output_shape[1:]
    assert (row.neurons, row.multiply_adds) == (neurons, neurons * products)
    assert row.parameters == layer.count_params()


def test_preprocessing_in_front():
    """The layers of a stack have rows, in a model that was built by a call or by an input."""
    stack = evaluation_preprocessor("owt", image_size=8, data_format="channels_last")
    called = keras.Sequential([stack, small()])
    called(np.zeros((4, 20, 30, 3), "uint8"))
    for model in (called, keras.Sequential([keras.Input((20, 30, 3)), stack, small()])):
        description = check(model, calls=1)
        assert [row.kind for row in description.layers[:2]] == ["SquareResize", "CenterCrop"]
        assert description.layers[0].output_shape == (stack.layers[0].size, stack.layers[0].size, 3)
        assert description.input_shape == (20, 30, 3)


class Subclassed(keras.Model):
    """A model without a graph of calls, which may have a weight of its own."""

    def __init__(self, weight=False):
        super().__init__()
        self.network = small()
        self.scale = self.add_weight(shape=(3,)) if weight else 1.0

    def call(self, images):
        return self.network(images) * self.scale + self.network(keras.ops.flip(images, 2))


@pytest.mark.parametrize("weight", [False, True])
def test_models_without_a_graph(weight):
    """What a subclassed model calls is found where it works on symbolic tensors."""
    model = Subclassed(weight)
    model(np.zeros((4, 8, 8, 3), "float32"))
    description = check(model, calls=2, parameters=PARAMETERS + 3 * weight)
    assert description.input_shape == (8, 8, 3)
    assert [row.kind for row in description.layers].count("Subclassed") == weight
    inputs = keras.Input((8, 8, 3))
    check(keras.Model(inputs, model(inputs)), calls=2, parameters=PARAMETERS + 3 * weight)


def test_model_with_two_images_and_without_a_graph():
    """Several inputs of a subclassed model are given to it together."""

    class Pair(Subclassed):
        def call(self, images):
            return self.network(images[0]) - self.network(images[1])

    model = Pair()
    model([np.zeros((4, 8, 8, 3), "float32")] * 2)
    check(model, calls=2)


def test_batches_of_one_size():
    """A model that takes batches of 7 images only is described for one image."""
    check(small(batch_size=7), calls=1)


def test_describing_twice():
    """The model stays as it is: a second description is the first one."""
    model = ten_crop_model(small())
    assert describe(model) == describe(model)


class Opaque(keras.Model):
    """A model that computes with numbers instead of layers."""

    def call(self, images):
        return images * float(np.asarray(images).sum())


def test_models_that_cannot_be_seen_into():
    """A model that needs numbers is refused in words, alone and inside another model."""
    model = Opaque(name="opaque")
    model.built = True
    with pytest.raises(ValueError, match=r"type Opaque .* known shapes.*call your model on"):
        describe(model)
    model = Opaque(name="opaque")
    model(np.zeros((4, 8, 8, 3), "float32"))
    message = r"'opaque', Opaque, whose .*`call` must take Keras tensors.*layers and keras\.ops"
    with pytest.raises(ValueError, match=message):
        describe(model)
