"""The dense form: a classifier slid over images larger than those that it was made for."""

import keras

from keras_alexnet.arguments import shape
from keras_alexnet.errors import UserError
from keras_alexnet.functional_graphs import functional, functional_model, retraced
from keras_alexnet.layers import AdaptiveAveragePooling2D, LocallyConnected2D
from keras_alexnet.layers.sliding import SlidingDense
from keras_alexnet.preprocessing import CenterCrop, RandomCropFlip, SquareResize

# Behind the maps: what acts on each number alone, and what acts on the channels.
ALONE = (keras.layers.Dropout, keras.layers.ReLU, keras.layers.Identity)
ON_CHANNELS = (keras.layers.Activation, keras.layers.Softmax)
SIZED = (SquareResize, CenterCrop, RandomCropFlip)


def fully_convolutional(model, input_shape=None):
    """Return a model that classifies every place of a larger image: a heatmap for each class.

    The fully connected layers become convolutions with the same weights, which are shared and not
    copied, and the softmax is taken over the classes at every place. Each output is what the
    fully connected layers give for one window of the last feature maps; windows are one map pixel
    apart, which is 32 image pixels in the ImageNet networks (8 in those for CIFAR-10). At the size
    that `model` was built for there is one place, with `model`'s own output.

    It is not quite what `model` gives for windows cut out of the image, 32 pixels apart: at their
    borders its convolutions see zeros, here they see the image.

    Layers in front that resize or cut the images are left out: the images are taken as they are.

    Args:
        model: A functional or sequential model with `Flatten` and `Dense` layers behind its
            feature maps, such as `AlexNet` builds or `keras-alexnet fit` saves.
        input_shape: Shape of an image without the batch, such as `(512, 640, 3)`. By default any
            height and width.

    Returns:
        A `keras.Model` to `(batch, rows, columns, classes)`, or `(batch, classes, rows, columns)`
        for a channels-first model.

    Raises:
        UserError: (a `ValueError`) for a model without such layers, one with layers that do not
            slide, and images too small. `owt` built for images of another size than 224 has an
            average over the whole image in front of `fc6` and does not slide.

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
    slider = _Slider(model)
    graph = functional(model)
    if input_shape is not None:
        input_shape = shape("input_shape", input_shape, "Give (512, 640, 3), say, or leave it out.")
    dense = slider.dense_form(graph, input_shape or slider.any_size(graph))
    if slider.slid:
        return dense
    raise slider.refused(
        "has no Flatten layer with Dense layers behind it", "Build it with include_top=True."
    )


class _Slider:
    """Puts the layers of one model into the dense form, in the order of computation.

    Args:
        model: The model.
    """

    def __init__(self, model):
        self.model = model
        self.window: tuple[int, int] | None = None  # what the next dense layer sees, once flat
        self.slid = False
        formats = {layer.data_format for layer in _convolutions(model)}
        self.data_format = next(iter(formats), keras.config.image_data_format())
        if len(formats) > 1:
            raise self.refused("has convolutions of both data formats", "Make it of one.")

    def any_size(self, graph) -> tuple:
        """Return the shape of a model's images with height and width left open."""
        shape = graph.input.shape
        if self.data_format == "channels_first":
            return (shape[1], None, None)
        return (None, None, shape[-1])

    def dense_form(self, graph, input_shape):
        """Return a functional model anew for images of another shape."""
        inputs = keras.Input(input_shape, dtype=graph.input.dtype, name=graph.input.name)
        outputs = retraced(graph, self.put, inputs).output
        return functional_model(inputs, outputs, f"{graph.name}_fully_convolutional")

    def put(self, layer, *args, **kwargs):
        """Apply a layer's dense form to symbolic tensors."""
        if isinstance(layer, keras.Model):
            graph = functional(layer)
            return self.dense_form(graph, self.any_size(graph))(*args)
        if self.window is None:
            return self._before(layer, *args, **kwargs)
        return self._behind(layer, *args, **kwargs)

    def _before(self, layer, *args, **kwargs):
        """Apply a layer that works on maps."""
        if isinstance(layer, SIZED):
            return args[0]
        if isinstance(layer, keras.layers.Flatten):
            return self._flatten(layer, args[0])
        if isinstance(layer, AdaptiveAveragePooling2D):
            raise self.refused(
                f"averages maps of {layer.input.shape[1:]} down in the layer {layer.name!r}",
                "Build it for the published size, 224 x 224 for 'owt', where nothing is averaged; "
                "the weights are the same.",
            )
        if isinstance(layer, LocallyConnected2D):
            raise self.refused(
                f"has weights of their own for every place in the layer {layer.name!r}",
                "Use a variant with convolutions alone, such as 'cifar10_19pct'.",
            )
        outputs = layer(*args, **kwargs)
        if len(outputs.shape) != 4:
            raise self.refused(
                f"has the layer {layer.name!r} ({type(layer).__name__}) in front of its Dense "
                "layers",
                "Only Flatten keeps the places; train the top again behind it.",
            )
        return outputs

    def _flatten(self, layer, maps):
        """Leave the maps as they are, and remember how large they were."""
        if layer.data_format != self.data_format:
            raise self.refused(
                f"flattens maps of the data format {self.data_format!r} as {layer.data_format!r}",
                f"Give the Flatten layer data_format={self.data_format!r}, and its weights in "
                "that order.",
            )
        last = self.data_format == "channels_last"
        self.window = layer.input.shape[1:3] if last else layer.input.shape[2:4]
        return maps

    def _behind(self, layer, x, **kwargs):
        """Apply a layer that works on flattened maps."""
        if isinstance(layer, keras.layers.Dense):
            slid = SlidingDense(layer, self.window, self.data_format, name=layer.name)
            self.window, self.slid = (1, 1), True
            return slid(x)
        if isinstance(layer, ALONE) or self.data_format == "channels_last":
            if isinstance(layer, ALONE + ON_CHANNELS):
                return layer(x, **kwargs)
        elif isinstance(layer, ON_CHANNELS):
            x = layer(keras.layers.Permute((2, 3, 1))(x), **kwargs)
            return keras.layers.Permute((3, 1, 2))(x)
        raise self.refused(
            f"has the layer {layer.name!r} ({type(layer).__name__}) behind its Flatten layer",
            "Between Dense layers there may be dropout, ReLU and activations.",
        )

    def refused(self, what: str, remedy: str) -> UserError:
        """Return the error for a model that has no dense form."""
        return UserError(
            f"Received the model {self.model.name!r}, which {what}.",
            "A network whose classifier can slide over larger maps was expected.",
            remedy,
        )


def _convolutions(model):
    """Yield the convolutions of a model, and of the models in it."""
    for layer in getattr(model, "layers", ()):
        if isinstance(layer, keras.layers.Conv2D):
            yield layer
        yield from _convolutions(layer)
