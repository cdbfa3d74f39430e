"""`fully_convolutional`: a classifier that slides over larger images than it was built for."""

import keras

from keras_alexnet.arguments import shape
from keras_alexnet.errors import UserError
from keras_alexnet.functional_graphs import functional, functional_model, retraced
from keras_alexnet.layers import AdaptiveAveragePooling2D, LocallyConnected2D
from keras_alexnet.layers.sliding import SlidingDense
from keras_alexnet.preprocessing import CenterCrop, RandomCropFlip, SquareResize
from keras_alexnet.type_aliases import Shape

# Layers after the maps that act on each value alone, and those that may act on the channels.
ELEMENTWISE = (keras.layers.Dropout, keras.layers.ReLU, keras.layers.Identity)
ON_CHANNELS = (keras.layers.Activation, keras.layers.Softmax)
RESIZERS = (SquareResize, CenterCrop, RandomCropFlip)


def fully_convolutional(model: keras.Model, input_shape: Shape | None = None) -> keras.Model:
    """Return a model that classifies every position of a larger image: a heatmap for each class.

    The fully connected layers become convolutions with the same weights, which are shared and not
    copied, and the softmax is over the classes at every position. Each output is that of the fully
    connected layers for one window of the last feature maps; windows are one map pixel apart,
    which is 32 image pixels in the ImageNet networks (8 in those for CIFAR-10). At the size that
    `model` was built for there is one position, with `model`'s own output.

    The outputs differ slightly from those of `model` for windows cut out of the image, 32 pixels
    apart: at the borders of a window its convolutions see zeros, here they see the image.

    Layers that resize or cut the images are left out: the model takes the images as they are.

    Args:
        model: A functional or sequential model with `Flatten` and `Dense` layers behind its
            feature maps, such as `AlexNet` builds or `keras-alexnet fit` saves.
        input_shape: Shape of an image without the batch, such as `(512, 640, 3)`. By default any
            height and width.

    Returns:
        A `keras.Model` to `(batch, rows, columns, classes)`, or `(batch, classes, rows, columns)`
        for a channels-first model.

    Raises:
        UserError: (a `ValueError`) for a model without such layers, one with layers that cannot
            slide, and images too small. `owt` built for images of another size than 224 averages
            over the whole image in front of `fc6` and cannot slide.

    Reference:
        Sermanet et al., OverFeat, arXiv:1312.6229, 2013, section 3.5; Long, Shelhamer, Darrell,
        Fully convolutional networks for semantic segmentation, CVPR 2015.

    Example:

    >>> from keras_alexnet import AlexNet
    >>> dense = fully_convolutional(AlexNet("cifar10_18pct"))
    >>> dense.output_shape
    (None, None, None, 10)
    >>> import numpy as np
    >>> tuple(dense(np.zeros((1, 64, 96, 3), "float32")).shape[1:])
    (5, 9, 10)
    """
    graph = functional(model)
    converter = _Converter(model)
    if input_shape is not None:
        remedy = "Give a shape such as (512, 640, 3), or leave it out."
        input_shape = shape("input_shape", input_shape, remedy)
        if len(input_shape) != 3:
            raise UserError(
                f"Received input_shape={input_shape}.",
                "`input_shape` must have three sizes: height, width and channels, in the order of "
                "the data format.",
                remedy,
            )
    dense = converter.converted(graph, input_shape or converter.open_shape(graph))
    if converter.has_dense:
        return dense
    raise UserError(
        f"{converter.received}, which has no Flatten layer with Dense layers behind it.",
        "The classifier of the model must be a Flatten layer followed by Dense layers.",
        "Build the model with include_top=True.",
    )


class _Converter:
    """Replaces the layers of one model by sliding ones, in the order of computation.

    Args:
        model: The model.
    """

    def __init__(self, model):
        self.received = f"Received the model {model.name!r}"  # how all its errors begin
        self.window: tuple[int, int] | None = None  # size of the next dense layer's input maps
        self.has_dense = False
        formats = {layer.data_format for layer in _convolutions(model)}
        self.data_format = next(iter(formats), keras.config.image_data_format())
        if len(formats) > 1:
            raise UserError(
                f"{self.received}, which has convolutions of both data formats.",
                "All convolutions must have the same data format.",
                "Build the model with one data_format.",
            )

    def open_shape(self, graph) -> tuple:
        """Return the shape of a model's images with unknown height and width."""
        shape = graph.input.shape
        if self.data_format == "channels_first":
            return (shape[1], None, None)
        return (None, None, shape[-1])

    def converted(self, graph, input_shape):
        """Return a functional model for images of another shape."""
        inputs = keras.Input(input_shape, dtype=graph.input.dtype, name=graph.input.name)
        outputs = retraced(graph, self._call, inputs).output
        return functional_model(inputs, outputs, f"{graph.name}_fully_convolutional", graph)

    def _call(self, layer, *args, **kwargs):
        """Apply a layer's replacement to symbolic tensors."""
        if isinstance(layer, keras.Model):
            graph = functional(layer)
            return self.converted(graph, self.open_shape(graph))(*args)
        if self.window is None:
            return self._call_on_maps(layer, *args, **kwargs)
        return self._call_after_flatten(layer, *args, **kwargs)

    def _call_on_maps(self, layer, *args, **kwargs):
        if isinstance(layer, RESIZERS):
            return args[0]
        if isinstance(layer, keras.layers.Flatten):
            return self._flatten(layer, args[0])
        if isinstance(layer, AdaptiveAveragePooling2D):
            raise UserError(
                f"{self.received}, which averages maps of {layer.input.shape[1:]} in the layer "
                f"{layer.name!r}.",
                "No layer may average over the whole image.",
                "Build the model for the published size, 224 x 224 for 'owt', where nothing is "
                "averaged; the weights are the same.",
            )
        if isinstance(layer, LocallyConnected2D):
            raise UserError(
                f"{self.received}, whose layer {layer.name!r} has different weights at every "
                "position.",
                "All layers before the classifier must use the same weights at every position.",
                "Use a variant with convolutions only, such as 'cifar10_19pct'.",
            )
        outputs = layer(*args, **kwargs)
        if len(outputs.shape) != 4:
            raise UserError(
                f"{self.received}, which has the layer {layer.name!r} ({type(layer).__name__}) in "
                "front of its Dense layers.",
                "Only Flatten may stand between the maps and the Dense layers.",
                "Replace the layer by Flatten, and train the Dense layers again.",
            )
        return outputs

    def _flatten(self, layer, maps):
        """Return the maps unchanged, and set `window` to their size in the original model."""
        if layer.data_format != self.data_format:
            raise UserError(
                f"{self.received}, which flattens maps of the data format {self.data_format!r} as "
                f"{layer.data_format!r}.",
                "The Flatten layer must have the data format of the maps.",
                f"Give the Flatten layer data_format={self.data_format!r}, and sort the weights of "
                "the first Dense layer in that order.",
            )
        last = self.data_format == "channels_last"
        self.window = layer.input.shape[1:3] if last else layer.input.shape[2:4]
        return maps

    def _call_after_flatten(self, layer, x, **kwargs):
        if isinstance(layer, keras.layers.Dense):
            sliding = SlidingDense(layer, self.window, self.data_format, name=layer.name)
            self.window, self.has_dense = (1, 1), True
            return sliding(x)
        if isinstance(layer, ELEMENTWISE) or self.data_format == "channels_last":
            if isinstance(layer, ELEMENTWISE + ON_CHANNELS):
                return layer(x, **kwargs)
        elif isinstance(layer, ON_CHANNELS):
            if _is_softmax(layer):
                return keras.layers.Softmax(axis=1, dtype=layer.dtype_policy, name=layer.name)(x)
            x = layer(keras.layers.Permute((2, 3, 1))(x), **kwargs)
            return keras.layers.Permute((3, 1, 2))(x)
        raise UserError(
            f"{self.received}, which has the layer {layer.name!r} ({type(layer).__name__}) behind "
            "its Flatten layer.",
            "Only Dense, dropout, ReLU and activation layers may follow Flatten.",
            "Remove the layer, or replace it by one of these.",
        )


def _is_softmax(layer) -> bool:
    """Return whether a layer is a softmax over the last axis."""
    if isinstance(layer, keras.layers.Softmax):
        return layer.axis == -1
    return getattr(layer, "activation", None) is keras.activations.softmax


def _convolutions(model):
    """Yield the convolutions of a model, and of the models in it."""
    for layer in getattr(model, "layers", ()):
        if isinstance(layer, keras.layers.Conv2D):
            yield layer
        yield from _convolutions(layer)
