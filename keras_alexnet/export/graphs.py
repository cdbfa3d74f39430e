"""`graph_of`: a Keras model as a `Graph` of operators."""

import functools
from collections.abc import Iterator

import keras
import numpy as np

from keras_alexnet.errors import UserError
from keras_alexnet.export.operators import (
    Activation,
    AdaptivePool,
    Affine,
    CenterCrop,
    Conv,
    Dense,
    Flatten,
    GlobalPool,
    Graph,
    LocalConv,
    Lrn,
    Node,
    Operator,
    Pad,
    Padding,
    Pool,
    Resize,
    Sides,
    Softmax,
    Value,
)
from keras_alexnet.functional_graphs import functional, retraced
from keras_alexnet.layers import (
    AdaptiveAveragePooling2D,
    CeilPooling2D,
    DownscaledDropout,
    LocallyConnected2D,
    LocalResponseNormalization,
)
from keras_alexnet.layers.sliding import SlidingDense
from keras_alexnet.operations.memory import as_array
from keras_alexnet.operations.pooling import averaging_matrix
from keras_alexnet.preprocessing import (
    PCAColorNoise,
    PixelNormalization,
    RandomCropFlip,
    SquareResize,
)
from keras_alexnet.preprocessing.crop import CenterCrop as CenterCropLayer

NO_ZEROS: Padding = ((0, 0), (0, 0))
FUNCTIONS = {"relu", "sigmoid", "tanh"}  # activations of each value
UNCHANGED = (  # what does nothing at inference
    keras.layers.Dropout,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
    keras.layers.Identity,
    keras.layers.SpatialDropout2D,
    PCAColorNoise,
)


def graph_of(model) -> Graph:
    """Return what a model computes at inference, with the values of its weights.

    Models inside the model are taken apart. The names of the nodes and of their outputs are those
    of the layers.

    Raises:
        UserError: (a `ValueError`) for a model without a graph of layers, and for a layer that is
            no operator: one of another package, a `keras.ops` call, a quantized layer.

    Example:

    >>> from keras_alexnet import AlexNet
    >>> graph = graph_of(AlexNet("cifar10_18pct"))
    >>> [node.name for node in graph.nodes][:5], graph.outputs[0].shape
    (['conv1', 'pool1', 'relu1', 'norm1', 'conv2'], (None, 10))
    """
    network = functional(model)
    walk = _Walk(model.name)
    image = network.inputs[0]
    dtype = "uint8" if image.dtype == "uint8" else "float32"
    given = Value(image.name, tuple(image.shape), dtype)
    outputs = walk.follow(network, given)
    formats = walk.formats or {keras.config.image_data_format()}
    if len(formats) > 1:
        raise UserError(
            f"Received the model {model.name!r}, whose layers have both data formats.",
            "All layers of the model must have the same data format.",
            "Build the model with one data_format.",
        )
    return Graph(model.name, given, tuple(walk.nodes), outputs, formats.pop())


class _Walk:
    """Collects the operators of a model, layer by layer, in the order of computation.

    Args:
        name: Name of the model, for the messages.
    """

    def __init__(self, name: str):
        self.name = name
        self.nodes: list[Node] = []
        self.formats: set[str] = set()
        self._values: dict[int, Value] = {}  # by the identity of the symbolic tensor
        self._tensors: list = []  # which keeps these identities
        self._names: set[str] = set()

    def follow(self, network, given: Value) -> tuple[Value, ...]:
        """Add the operators of a functional model that takes a value, and return its outputs."""
        image = network.inputs[0]
        inputs = keras.Input(batch_shape=image.shape, dtype=image.dtype, name=image.name)
        self._keep(inputs, given)
        return tuple(self._values[id(x)] for x in retraced(network, self._call, inputs).outputs)

    def _call(self, layer, *args, **kwargs):
        """Apply a layer to a symbolic tensor, and add its operators."""
        outputs = layer(*args, **kwargs)
        tensors = keras.tree.flatten((args, kwargs))
        known = [x for x in tensors if keras.utils.is_keras_tensor(x)]
        if len(known) != 1 or not keras.utils.is_keras_tensor(outputs):
            raise self._no_operator(layer)
        value = self._values[id(known[0])]
        if isinstance(layer, keras.Model):
            (value,) = self.follow(functional(layer), value)
        else:
            value = self._add(layer, value, tuple(outputs.shape))
        self._keep(outputs, value)
        return outputs

    def _add(self, layer, value: Value, shape: tuple) -> Value:
        found = [*operators_of(layer, value.shape)]
        operators = [operator for operator in found if operator is not None]
        if operators != found or getattr(layer, "quantization_mode", None):
            raise self._no_operator(layer)
        if isinstance(getattr(layer, "data_format", None), str) and len(value.shape) == 4:
            self.formats.add(layer.data_format)
        name = self._unused(layer.name)
        for number, operator in enumerate(operators, 1):
            last = number == len(operators)
            here = name if last else f"{name}_{type(operator).__name__.lower()}"
            output = Value(here, shape, "uint8" if _keeps(operator, value) else "float32")
            self.nodes.append(Node(here, operator, value.name, output))
            value = output
        return value

    def _keep(self, tensor, value: Value) -> None:
        self._values[id(tensor)] = value
        self._tensors.append(tensor)

    def _unused(self, name: str) -> str:
        found, number = name, 1
        while found in self._names:
            number += 1
            found = f"{name}_{number}"
        self._names.add(found)
        return found

    def _no_operator(self, layer) -> UserError:
        return UserError(
            f"Received the model {self.name!r} with the layer {layer.name!r}, a "
            f"{type(layer).__name__}, which cannot be exported.",
            "Every layer must be one of keras_alexnet's, or a common one of Keras's with one "
            "input, such as Conv2D, Dense, BatchNormalization, or a pooling.",
            "Replace the layer, or export the model up to it with "
            "feature_extractor(model, 'fc7'), say.",
        )


def _keeps(operator: Operator, value: Value) -> bool:
    return value.dtype == "uint8" and isinstance(operator, Resize | CenterCrop)


@functools.singledispatch
def operators_of(layer, shape) -> Iterator[Operator | None]:
    """Yield the operators of a layer at inference, `None` for one that there is not.

    Args:
        layer: The layer.
        shape: Shape of its input, with the batch.
    """
    if not isinstance(layer, UNCHANGED):
        yield None


@operators_of.register
def _(layer: keras.layers.Conv2D, shape):
    yield Conv(
        _weights(layer.kernel),
        _bias(layer, layer.filters),
        _pair(layer.strides),
        _padding(layer, shape, layer.kernel_size, layer.strides, layer.dilation_rate),
        _pair(layer.dilation_rate),
        layer.groups,
    )
    yield from _function(layer.activation)


@operators_of.register
def _(layer: LocallyConnected2D, shape):
    kernel = _weights(layer.kernel)
    rows, columns, *_, filters = kernel.shape
    bias = np.zeros((rows, columns, filters), "float32") if layer.bias is None else layer.bias
    padding = _padding(layer, shape, layer.kernel_size, layer.strides)
    yield LocalConv(kernel, _weights(bias), _pair(layer.strides), padding)
    yield from _function(layer.activation)


@operators_of.register
def _(layer: keras.layers.Dense, shape):
    if len(shape) != 2:
        yield None
        return
    yield Dense(_weights(layer.kernel), _bias(layer, layer.units))
    yield from _function(layer.activation)


@operators_of.register
def _(layer: SlidingDense, shape):
    dense = layer.layer
    kernel = _weights(dense.kernel).reshape(*layer.window, -1, dense.units)
    yield Conv(kernel, _bias(dense, dense.units))
    yield from _function(dense.activation)


@operators_of.register
def _(layer: LocalResponseNormalization, shape):
    if len(shape) != 4:
        yield None
        return
    shorter, longer = (layer.size - 1) // 2, layer.size // 2
    reach = (longer, shorter) if layer.even_window == "before" else (shorter, longer)
    within = layer.region == "within_channel"
    yield Lrn(*reach, layer.k, layer.alpha, layer.beta, within, 1 if within else layer.groups)


@operators_of.register(keras.layers.MaxPooling2D)
@operators_of.register(keras.layers.AveragePooling2D)
def _(layer, shape):
    reduction = "max" if isinstance(layer, keras.layers.MaxPooling2D) else "average"
    size, strides = _pair(layer.pool_size), _pair(layer.strides)
    yield Pool(size, strides, _padding(layer, shape, size, strides), reduction)


@operators_of.register
def _(layer: CeilPooling2D, shape):
    size, strides = _pair(layer.pool_size), _pair(layer.strides)
    yield Pool(size, strides, NO_ZEROS, layer.reduction, ceil=True)


@operators_of.register(keras.layers.GlobalMaxPooling2D)
@operators_of.register(keras.layers.GlobalAveragePooling2D)
def _(layer, shape):
    reduction = "max" if isinstance(layer, keras.layers.GlobalMaxPooling2D) else "average"
    yield GlobalPool(reduction, layer.keepdims)


@operators_of.register
def _(layer: AdaptiveAveragePooling2D, shape):
    sizes = _sizes(layer, shape)
    if None in sizes:
        yield None
        return
    yield AdaptivePool(*(averaging_matrix(size, layer.output_size) for size in sizes))


@operators_of.register
def _(layer: keras.layers.ZeroPadding2D, shape):
    (top, bottom), (left, right) = layer.padding
    yield Pad(((top, bottom), (left, right)))


@operators_of.register
def _(layer: keras.layers.Flatten, shape):
    if len(shape) == 4:
        # Keras brings channels-first maps to the order rows, columns, channels first.
        yield Flatten()
    elif len(shape) != 2:
        yield None


@operators_of.register
def _(layer: keras.layers.ReLU, shape):
    plain = layer.max_value is None and not layer.negative_slope and not layer.threshold
    yield Activation("relu") if plain else None


@operators_of.register
def _(layer: keras.layers.Activation, shape):
    yield from _function(layer.activation, on_channels=_on_channels(shape))


@operators_of.register
def _(layer: keras.layers.Softmax, shape):
    yield Softmax() if layer.axis in (-1, len(shape) - 1) and _on_channels(shape) else None


@operators_of.register
def _(layer: DownscaledDropout, shape):
    scale = np.asarray(1 - layer.rate, "float32")
    yield Affine(scale, np.zeros((), "float32"))


@operators_of.register
def _(layer: keras.layers.BatchNormalization, shape):
    if layer.axis not in (-1, len(shape) - 1):
        yield None
        return
    mean, variance = _weights(layer.moving_mean), _weights(layer.moving_variance)
    gamma = _weights(layer.gamma) if layer.scale else np.ones_like(mean)
    beta = _weights(layer.beta) if layer.center else np.zeros_like(mean)
    scale = gamma / np.sqrt(variance + np.float32(layer.epsilon))
    yield Affine(scale, beta - mean * scale)


@operators_of.register
def _(layer: keras.layers.Rescaling, shape):
    yield Affine(np.asarray(layer.scale, "float32"), np.asarray(layer.offset, "float32"))


@operators_of.register
def _(layer: PixelNormalization, shape):
    scale, shift = layer.gain_and_shift(*_sizes(layer, shape))
    yield Affine(scale, shift, layer.order == "bgr")


@operators_of.register
def _(layer: SquareResize, shape):
    yield Resize(layer.size, layer.method)


@operators_of.register(CenterCropLayer)
@operators_of.register(RandomCropFlip)
def _(layer, shape):
    yield CenterCrop(layer.height, layer.width)


def _function(activation, on_channels: bool = True) -> Iterator[Operator | None]:
    """Yield the operator of an activation, if it changes anything."""
    name = getattr(activation, "__name__", None)
    if name in FUNCTIONS and activation is keras.activations.get(name):
        yield Activation(name)
    elif activation is keras.activations.softmax and on_channels:
        yield Softmax()
    elif activation is not keras.activations.linear:
        yield None


def _on_channels(shape) -> bool:
    """Return whether the last axis of an input is one of channels, or of the values of rows."""
    return len(shape) in (2, 4)


def _weights(variable) -> np.ndarray:
    return np.asarray(as_array(variable), "float32")


def _bias(layer, size: int) -> np.ndarray:
    return _weights(layer.bias) if layer.use_bias else np.zeros(size, "float32")


def _pair(value) -> Sides:
    rows, columns = (value, value) if isinstance(value, int) else value
    return rows, columns


def _sizes(layer, shape) -> tuple:
    return tuple(shape[1:3] if layer.data_format == "channels_last" else shape[2:4])


def _padding(layer, shape, size, strides, dilation=(1, 1)) -> Padding:
    """Return the zeros that a layer with the padding "valid" or "same" puts around its maps."""
    if layer.padding == "valid":
        return NO_ZEROS
    found = []
    axes = zip(_sizes(layer, shape), size, strides, _pair(dilation), strict=True)
    for length, window, step, distance in axes:
        if length is None and step > 1:
            raise UserError(
                f"Received a model whose layer {layer.name!r} has padding='same' with steps of "
                f"{step} on images of unknown size.",
                "The size of the images must be known: the zeros around them depend on it.",
                "Build the model for images of one size.",
            )
        reach = (window - 1) * distance + 1
        places = 1 if length is None else -(-length // step)
        total = reach - 1 if length is None else max(0, (places - 1) * step + reach - length)
        found.append((total // 2, total - total // 2))
    rows, columns = found
    return rows, columns
