"""A model that averages a classifier's outputs over several crops of each image."""

import keras
from keras import ops

from keras_alexnet.arguments import integer, pair
from keras_alexnet.errors import UserError
from keras_alexnet.functional_graphs import functional, functional_model, retraced
from keras_alexnet.preprocessing.crop import CenterCrop, RandomCropFlip
from keras_alexnet.preprocessing.nine_crop import NineCrop
from keras_alexnet.preprocessing.ten_crop import TenCrop
from keras_alexnet.type_aliases import DataFormat, Sides

PAPER_SIZE, PAPER_WINDOW = 256, 224  # section 2 and section 4.1
CROPS = {10: TenCrop, 9: NineCrop}  # by the number of windows
NAMES = {10: "ten_crop", 9: "nine_crop"}


def multi_crop_model(
    model: keras.Model, views: int = 10, image_size: Sides | None = None
) -> keras.Model:
    """Return a model that averages a classifier's outputs over several crops of each image.

    p(x) = (1 / n) * sum of model(crop_i(x)) over the n = `views` crops.

    If the model itself cuts a window (a `RandomCropFlip` or `CenterCrop`, as models trained with
    `training_preprocessor` or by `keras-alexnet fit` have it), the crops take that one's place and
    all else stays. Any other model gets crops of its own input size, cut out of larger images. The
    weights are shared, not copied.

    Args:
        model: A functional or sequential model from images to class probabilities; the softmax
            outputs are averaged, as in the paper.
        views: Number of crops: 10 for those of the paper, as `TenCrop` cuts them, or 9 for those of
            cuda-convnet's test on CIFAR-10, as `NineCrop` does.
        image_size: For a model without a crop of its own: height and width of the images, one
            number or a pair. By default 256 / 224 of the model's input, rounded.

    Returns:
        A `keras.Model` from images to the mean probabilities, `(batch, classes)`.

    Raises:
        UserError: (a `ValueError`) for a model without a fixed input size, or other `views`.

    Reference:
        Krizhevsky, Sutskever, Hinton, NIPS 2012, section 4.1: 1.5 points better than one crop on
        ILSVRC-2010 (table 1: 39.0 against 37.5 % top-1 error).

    Example:

    >>> from keras_alexnet import AlexNet
    >>> model = multi_crop_model(AlexNet("cifar10_11pct"), views=9, image_size=32)
    >>> model.input_shape, model.output_shape
    ((None, 32, 32, 3), (None, 10))
    """
    views = integer("views", views, 1, "The paper's test has 10.")
    if views not in CROPS:
        raise UserError(
            f"Received views={views!r}.",
            "`views` must be 10 windows (corners, centre, and mirrored), or 9 in a grid.",
            "Give 10 for the paper's test, 9 for that of the CIFAR-10 networks of 11 and 13 %.",
        )
    model = functional(model)
    crops = crop_layers(model)
    if crops:
        inputs, outputs = _with_windows(model, crops[-1], views)
    else:
        data_format = keras.config.image_data_format()
        height, width, shape = _window(model, data_format, image_size)
        inputs = keras.Input(shape, dtype=model.input.dtype, name="image")
        outputs = model(_windows(views, height, width, data_format)(inputs))
    by_image = ops.reshape(outputs, (-1, views, *outputs.shape[1:]))
    name = f"{model.name}_{NAMES[views]}"
    return functional_model(inputs, ops.mean(by_image, axis=1), name)


def crop_layers(model) -> list:
    """Return the layers of a model that cut one window out of each image."""
    return [layer for layer in model.layers if isinstance(layer, (RandomCropFlip, CenterCrop))]


def ten_crop_model(
    model: keras.Model, image_size: Sides | None = None, views: int = 10
) -> keras.Model:
    """Return `multi_crop_model(model, views, image_size)`: its first name, which stays.

    Args:
        model: As `multi_crop_model` takes it.
        image_size: As `multi_crop_model` takes it.
        views: As `multi_crop_model` takes it. 9 is allowed too, in spite of the name.

    Returns:
        As `multi_crop_model`.

    Raises:
        UserError: (a `ValueError`) as `multi_crop_model` does.

    Example:

    >>> from keras_alexnet import AlexNet
    >>> model = ten_crop_model(AlexNet("cifar10_18pct"), image_size=40)
    >>> model.input_shape, model.output_shape
    ((None, 40, 40, 3), (None, 10))
    """
    return multi_crop_model(model, views, image_size)


def _windows(views: int, height: int, width: int, data_format: DataFormat):
    """Return a function from images to their windows, one after the other in the batch."""
    layer = CROPS[views](height, width, data_format, name=NAMES[views])

    def windows(images):
        views = layer(images)
        return ops.reshape(views, (-1, *views.shape[2:]))

    return windows


def _with_windows(model, crop, views: int):
    """Return a functional model's input and output with the windows in place of a crop."""
    windows = _windows(views, crop.height, crop.width, crop.data_format)

    def call(layer, *args, **kwargs):
        return windows(args[0]) if layer is crop else layer(*args, **kwargs)

    graph = retraced(model, call)
    return graph.input, graph.output


def _window(model, data_format: str, image_size):
    """Return height and width of the windows for a model without a crop, and its images' shape."""
    last = data_format == "channels_last"
    shape = model.input_shape[1:]
    height, width = shape[:2] if last else shape[1:]
    if height is None or width is None:
        raise UserError(
            f"Received a model whose input has the shape {model.input_shape}.",
            "Height and width must be fixed: they are the size of the windows.",
            "Build the model with a fixed size, such as input_shape=(224, 224, 3).",
        )
    if image_size is None:
        image_size = [round(side * PAPER_SIZE / PAPER_WINDOW) for side in (height, width)]
    sizes = pair("image_size", image_size, "Give 256, or (256, 320) for height and width.")
    return height, width, (*sizes, shape[2]) if last else (shape[0], *sizes)
