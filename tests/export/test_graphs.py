"""A model as a graph of operators: names, padding, and models that cannot be exported."""

import keras
import numpy as np
import pytest

from exported import every_layer, small
from keras_alexnet import AlexNet, TenCrop, UserError, feature_extractor
from keras_alexnet.export.graphs import graph_of
from keras_alexnet.export.operators import Affine, Conv, Flatten, Resize, Softmax
from keras_alexnet.preprocessing import evaluation_preprocessor


def operators(model):
    """Return the operators of a model by name."""
    return {node.name: node.operator for node in graph_of(model).nodes}


def test_names_are_those_of_the_layers():
    """What does nothing at inference is not there; an activation within a layer has its own."""
    graph = graph_of(every_layer())
    names = [node.name for node in graph.nodes]
    assert names[1] == f"{names[2]}_conv" and names[2].startswith("conv2d")
    assert len(names) == len({*names})
    assert not any(name.startswith("dropout") for name in names)
    assert [node.input for node in graph.nodes[1:]] == [
        node.output.name for node in graph.nodes[:-1]
    ]


def test_zeros_around_are_part_of_the_convolution():
    """Of `owt` two above and before, and one below and after; the layer for them is gone."""
    found = operators(AlexNet("owt", include_top=False, input_shape=(63, 63, 3)))
    assert found["conv1"].padding == ((2, 2), (2, 2))
    assert found["conv2"].padding == ((2, 2), (2, 2))
    assert "pad1" not in found


def test_zeros_that_another_layer_takes_stay():
    """A result of the model is not taken out of it either."""
    x = keras.Input((8, 8, 3))
    padded = keras.layers.ZeroPadding2D(1, name="pad")(x)
    y = keras.layers.Conv2D(2, 3, name="conv")(padded)
    assert [*operators(keras.Model(x, [padded, y]))] == ["pad", "conv"]
    pooled = keras.layers.MaxPooling2D(2, name="pool")(padded)
    assert {*operators(keras.Model(x, [pooled, y]))} == {"pad", "pool", "conv"}


def test_images_as_they_are_decoded():
    """Whole numbers stay whole until they are scaled; a pipeline is its layers."""
    x = keras.Input((None, None, 3), dtype="uint8", name="photo")
    stack = evaluation_preprocessor("owt", data_format="channels_last")
    model = keras.Sequential([x, stack, AlexNet("owt", False, input_shape=(224, 224, 3))])
    graph = graph_of(model)
    assert (graph.input.dtype, graph.input.shape) == ("uint8", (None, None, None, 3))
    kinds = [(type(node.operator).__name__, node.output.dtype) for node in graph.nodes[:3]]
    assert kinds == [("Resize", "uint8"), ("CenterCrop", "uint8"), ("Affine", "float32")]
    pipeline = keras.layers.Pipeline(stack.layers)
    again = keras.Sequential([keras.Input((300, 400, 3), dtype="uint8"), pipeline])
    assert [type(x) for x in operators(again).values()][::2] == [Resize, Affine]


def test_order_of_flattened_values():
    """Rows, columns, channels where the layer has the format of its maps."""
    for maps in ("channels_last", "channels_first"):
        for rows in ("channels_last", "channels_first"):
            pool = keras.layers.MaxPooling2D(2, data_format=maps)
            model = keras.Sequential([keras.Input((4, 6, 8)), pool, keras.layers.Flatten(rows)])
            if (maps, rows) == ("channels_last", "channels_first"):
                with pytest.raises(UserError, match="'flatten"):
                    graph_of(model)
            else:
                *_, flatten = operators(model).values()
                assert flatten == Flatten(maps == rows)


def test_softmax_of_channels_alone():
    """Over the last axis of channels-first maps there is no operator for it."""
    last, first = keras.Input((4, 6, 8)), keras.Input((8, 4, 6))
    pool = keras.layers.MaxPooling2D(2, data_format="channels_first")
    for axis in (1, -3):
        model = keras.Model(first, keras.layers.Softmax(axis)(pool(first)))
        assert [*operators(model).values()][-1] == Softmax()
    for softmax in (keras.layers.Softmax(), keras.layers.Activation("softmax")):
        with pytest.raises(UserError, match="cannot be exported"):
            graph_of(keras.Model(first, softmax(pool(first))))
    assert [*operators(keras.Model(last, keras.layers.Softmax()(last))).values()] == [Softmax()]


@keras.saving.register_keras_serializable(package="tests")
class Unknown(keras.layers.Layer):
    """A layer of another package."""

    def call(self, inputs):
        return inputs


def quantized():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4, name="odd")])
    model.layers[0].quantize("int8")
    return model


def behind(*layers, shape=(8, 8, 4)):
    return keras.Sequential([keras.Input(shape), *layers])


def added():
    x = keras.Input((8, 8, 4))
    return keras.Model(x, keras.layers.Add(name="odd")([x, keras.layers.ReLU()(x)]))


WITHOUT = [
    lambda: behind(Unknown(name="odd")),
    lambda: behind(keras.layers.ReLU(max_value=6, name="odd")),
    lambda: behind(keras.layers.Conv2D(2, 3, activation="gelu", name="odd")),
    lambda: behind(keras.layers.Dense(3, name="odd")),
    lambda: behind(TenCrop(4, 4, name="odd")),
    lambda: behind(keras.layers.BatchNormalization(axis=1, name="odd")),
    added,
    quantized,
]


@pytest.mark.parametrize("make", WITHOUT)
def test_layers_without_an_operator(make):
    """The error names the model and the layer."""
    with pytest.raises(
        UserError, match=r"Received the model '\w+' with the layer 'odd', a \w+"
    ) as e:
        graph_of(make())
    assert "keras_alexnet's" in e.value.expected and "feature_extractor" in e.value.remedy


class Subclassed(keras.Model):
    def call(self, inputs):
        return inputs


def both_formats():
    pools = [
        keras.layers.MaxPooling2D(2, data_format=x) for x in ("channels_last", "channels_first")
    ]
    return behind(*pools)


def twice():
    x = keras.Input((4,))
    y = keras.layers.Dense(2, name="two")(x)
    return keras.Model(x, [y, keras.layers.Dropout(0.5)(y)])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (Subclassed, "functional or sequential model"),
        (both_formats, "both data formats"),
        (twice, "one value twice: two, two"),
        (lambda: behind(keras.layers.Dropout(0.5)), "returns its input"),
        (
            lambda: behind(keras.layers.Conv2D(2, 3, 2, "same"), shape=(None, None, 3)),
            "padding='same' with steps of 2 on images of unknown size",
        ),
    ],
)
def test_models_without_a_graph(make, message):
    """Three sentences."""
    with pytest.raises(UserError, match=message) as caught:
        graph_of(make())
    assert caught.value.expected and caught.value.remedy


def test_weights_are_float32():
    """Of a model in half precision too."""
    model = small(dtype="bfloat16")
    kernels = [x.kernel for x in operators(model).values() if isinstance(x, Conv)]
    assert {kernel.dtype for kernel in kernels} == {np.dtype("float32")}
    assert graph_of(feature_extractor(model, "conv1")).outputs[0].dtype == "float32"
