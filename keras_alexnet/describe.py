"""`describe`: shapes, parameters, neurons and multiply-adds of a model, layer by layer."""

import dataclasses
import math
from typing import Any

import keras

from keras_alexnet.arguments import file_path
from keras_alexnet.errors import UserError, escaped
from keras_alexnet.functional_graphs import layer_calls
from keras_alexnet.layers import LocallyConnected2D
from keras_alexnet.short_repr import short_repr
from keras_alexnet.tables import (
    add_numbers,
    json_text,
    new_table,
    screen_width,
    sizes_text,
    table_text,
)
from keras_alexnet.type_aliases import PathLike

# Images in the symbolic batch, unless the model fixes their number. Not 1, because a model may
# squeeze axes of size 1.
BATCH = 2
WIDTH = 120  # columns of a table without a terminal


@dataclasses.dataclass(frozen=True)
class LayerFigures:
    """The figures of one call of a layer; `None` if the size of the images is unknown.

    Args:
        name: The layer's name.
        kind: The layer's class.
        output_shape: Shape of its output without the batch.
        parameters: Number of its weights, biases included; those of an earlier call do not count.
        neurons: Outputs of a convolution or dense layer for one image, 0 for other layers. A layer
            on ten windows of each image has ten times as many as its output shape has.
        multiply_adds: Products in one forward pass of one image through a convolution or dense
            layer; products with padding zeros count, biases do not.
    """

    name: str
    kind: str
    output_shape: tuple[int | None, ...]
    parameters: int
    neurons: int | None
    multiply_adds: int | None


@dataclasses.dataclass(frozen=True)
class Description:
    """The figures of a model. `print` shows the table.

    Args:
        name: The model's name.
        input_shape: Shape of one input, without the batch.
        layers: The figures of every call of a layer, in order.
    """

    name: str
    input_shape: tuple[int | None, ...]
    layers: tuple[LayerFigures, ...]

    __repr__ = short_repr("name", "input_shape", "parameters")

    @property
    def parameters(self) -> int:
        """Number of weights of the whole model."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def neurons(self) -> int | None:
        """Number of neurons of the whole model, `None` if a size is unknown."""
        return _total(layer.neurons for layer in self.layers)

    @property
    def multiply_adds(self) -> int | None:
        """Multiply-adds of one image through the whole model, `None` if a size is unknown."""
        return _total(layer.multiply_adds for layer in self.layers)

    def share(self, layer: LayerFigures) -> float:
        """Return a layer's share of all parameters, between 0 and 1."""
        return layer.parameters / self.parameters if self.parameters else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as plain lists, dicts and numbers."""
        layers = [
            {
                **dataclasses.asdict(layer),
                "output_shape": list(layer.output_shape),
                "share": self.share(layer),
            }
            for layer in self.layers
        ]
        return {
            "name": self.name,
            "input_shape": list(self.input_shape),
            "parameters": self.parameters,
            "neurons": self.neurons,
            "multiply_adds": self.multiply_adds,
            "layers": layers,
        }

    def to_json(self) -> str:
        """Return `to_dict` as JSON text."""
        return json_text(self.to_dict())

    def plot(self, path: PathLike) -> str:
        """Draw each layer's share of parameters, neurons and multiply-adds into a picture file.

        Needs matplotlib (`pip install "keras-alexnet[plot]"`). Returns the path.
        """
        from keras_alexnet.pictures import plot_description

        return plot_description(self, file_path("path", path))

    def __str__(self) -> str:
        """Return the table as text, as wide as the terminal, or of 120 columns without one."""
        table = new_table()
        table.add_column("layer", no_wrap=True)
        table.add_column("type", overflow="fold")
        add_numbers(table, "output", "parameters", "share", "neurons", "multiply-adds")
        for layer in self.layers:
            share = f"{100 * self.share(layer):.2f} %" if layer.parameters else ""
            table.add_row(
                escaped(layer.name),
                escaped(layer.kind),
                sizes_text(layer.output_shape),
                f"{layer.parameters:,}" if layer.parameters else "",
                share,
                _figure(layer.neurons),
                _figure(layer.multiply_adds),
            )
        table.add_section()
        totals = (f"{self.parameters:,}", "100.00 %", _figure(self.neurons))
        table.add_row("total", "", "", *totals, _figure(self.multiply_adds))
        text = table_text(table, screen_width(WIDTH), ("type", "share", "neurons", "multiply-adds"))
        return f"{escaped(self.name)}: images of {sizes_text(self.input_shape)}\n\n{text}\n"


def describe(model: keras.Model) -> Description:
    """Count the parameters, neurons and multiply-adds of a model, layer by layer.

    Args:
        model: A built Keras model, such as `AlexNet` makes. The layers of inner models count, and a
            layer or model that is called several times counts several times, its weights once.
            Neurons and multiply-adds are those of `Conv2D`, `LocallyConnected2D` and `Dense`
            layers, as the paper counts them: every output of such a layer is a neuron. Layers in
            `keras.layers.TimeDistributed` count, layers inside your own layers do not.

    Returns:
        A `Description`. `print` shows it as a table, `to_json()` and `to_dict()` give the numbers,
        and `plot(path)` draws a picture.

    Raises:
        UserError: (a `ValueError`) if the model is not a built Keras model, or a subclassed one
            whose `call` takes no symbolic tensors.

    Example:

    >>> from keras_alexnet import AlexNet
    >>> description = describe(AlexNet("cifar10_18pct"))
    >>> description.parameters, description.neurons, description.multiply_adds
    (89578, 45066, 12298240)
    """
    images = _images(model)
    first = keras.tree.flatten(images)[0].shape
    return Description(model.name, first[1:], tuple(_layer_figures(model, images, first[0])))


def _images(model):
    """Return the symbolic inputs of a model, with a known number of images."""
    if isinstance(model, keras.Model) and model.built:
        if getattr(model, "inputs", None):
            return [_image(tensor.shape, tensor.dtype) for tensor in model.inputs]
        shape = (model.get_build_config() or {}).get("input_shape")
        if shape is not None:
            several = isinstance(shape[0], tuple | list)
            return [_image(one) for one in shape] if several else _image(shape)
    raise UserError(
        f"Received an object of the type {type(model).__name__} as the model to describe.",
        "`describe` takes a built `keras.Model` with known shapes.",
        'Pass a model such as AlexNet("paper"), or call your model on one batch first.',
    )


def _image(shape, dtype=None):
    return keras.KerasTensor((shape[0] or BATCH, *shape[1:]), dtype or keras.config.floatx())


def _layer_figures(model, images, batch: int):
    seen: set[int] = set()
    for layer, output in layer_calls(model, images):
        shape = keras.tree.flatten(output)[0].shape
        neurons, multiply_adds = _counts(layer, shape, batch)
        kind, parameters = type(layer).__name__, _parameters(layer, seen)
        yield LayerFigures(layer.name, kind, shape[1:], parameters, neurons, multiply_adds)
    own = _parameters(model, seen)
    if own:  # weights of a subclassed model itself, outside of its layers
        yield LayerFigures(model.name, type(model).__name__, shape[1:], own, 0, 0)


def _parameters(layer, seen: set[int]) -> int:
    """Return the number of a layer's weights that are not in `seen`, and add them to it."""
    weights = [weight for weight in layer.weights if id(weight) not in seen]
    seen.update(map(id, weights))
    return sum(math.prod(weight.shape) for weight in weights)


def _counts(layer, shape, batch: int) -> tuple[int | None, int | None]:
    """Return the neurons and multiply-adds for one image of a layer with this output shape."""
    while isinstance(layer, keras.layers.Wrapper):
        layer = layer.layer
    unshared = isinstance(layer, LocallyConnected2D)
    if not unshared and not isinstance(layer, keras.layers.Conv2D | keras.layers.Dense):
        return 0, 0
    if None in shape:
        return None, None
    neurons = math.prod(shape) // batch
    if unshared:  # each weight of its kernels is used once for an image, window or time step
        return neurons, neurons // math.prod(shape[-3:]) * math.prod(layer.kernel.shape)
    return neurons, neurons * math.prod(layer.kernel.shape[:-1])


def _total(values) -> int | None:
    values = list(values)
    return None if None in values else sum(values)


def _figure(value: int | None) -> str:
    return "?" if value is None else f"{value:,}" if value else ""
