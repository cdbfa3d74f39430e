"""`AlexNet`: builds a variant, one layer for each of its rows."""

from __future__ import annotations

import dataclasses

import keras

from keras_alexnet.arguments import boolean, choice, integer, shape
from keras_alexnet.cards.alexnet_model import AlexNetModel
from keras_alexnet.cards.records import ModelCard
from keras_alexnet.checkpoints.loading import load_source
from keras_alexnet.checkpoints.networks import arguments_for, network_of
from keras_alexnet.checkpoints.prepared import Prepared
from keras_alexnet.checkpoints.report import Loaded
from keras_alexnet.checkpoints.sources import WeightSource, open_source
from keras_alexnet.errors import UserError
from keras_alexnet.layers.data_formats import known_data_format
from keras_alexnet.model.rows import LayerMaker, image_axes
from keras_alexnet.type_aliases import (
    DataFormat,
    Identifier,
    Initialization,
    Pooling,
    Shape,
    VariantName,
    Weights,
)
from keras_alexnet.variants import Variant, get_variant, named_variant
from keras_alexnet.variants.sizes import fits, layer_sizes, smallest_size

_POOLINGS = {"avg": "GlobalAveragePooling2D", "max": "GlobalMaxPooling2D"}


def AlexNet(
    variant: VariantName | None = None,
    include_top: bool = True,
    weights: Weights | None = None,
    input_tensor: keras.KerasTensor | None = None,
    input_shape: Shape | None = None,
    pooling: Pooling | None = None,
    classes: int | None = None,
    classifier_activation: Identifier | None = "softmax",
    name: str | None = None,
    *,
    initialization: Initialization = "published",
    data_format: DataFormat | None = None,
    dtype: str | keras.DTypePolicy | None = None,
    sum_colors: bool = False,
    verbose: bool = False,
) -> keras.Model:
    """Build one of the published AlexNets as a functional `keras.Model`.

    Arguments that `keras.applications` has too mean what they mean there. The layers of every
    ImageNet variant are named `conv1 relu1 norm1 pool1 conv2 ... pool5 fc6 relu6 drop6 fc7 relu7
    drop7 fc8 prob` (a variant without normalization has no `norm1`, and so on).

    Args:
        variant: Which network, by a name that `list_variants()` gives or another that
            `get_variant` takes. `None` or `"alexnet"` for the one that `weights` belong to
            (`"owt"` for `"imagenet"`), and for `"paper"` without weights.
        include_top: Whether to include the fully connected layers, and the unshared ones in front
            of them in `cifar10_11pct` and `cifar10_13pct`: their weights are for one image size.
        weights: `None` for initial values; `"imagenet"` (or torchvision's `"DEFAULT"`) for the
            best documented published checkpoint of the variant, or the name of one, as
            `list_checkpoints()` gives it; or the path of a file, of any format that
            `load_checkpoint` reads, which never causes a download. Variant, size of images and
            classes are those that the file gives. With `include_top=False` the fully connected
            layers' weights are left out.
        input_tensor: A Keras tensor to take as the image input.
        input_shape: Shape of an image without the batch, `(height, width, channels)`, or
            `(channels, height, width)` with `data_format="channels_first"`. By default the size
            that the weights were trained with, the variant's own without weights, and 3
            channels; with `include_top=False`, any size.
        pooling: With `include_top=False`: `None` for the feature maps, `"avg"` or `"max"` for
            their global average or maximum.
        classes: Number of classes; `None` for that of the weights, or without weights for the
            variant's own, 1000 for the ImageNet networks and 10 for the CIFAR-10 ones. With
            another number than the weights' the last layer keeps its initial values, with a
            warning.
        classifier_activation: Activation on top, or `None` for the logits. In half precision
            `"softmax"` is computed in float32.
        name: Name of the model; by default `alexnet_` and the variant.
        initialization: `"published"` for the variant's own initial values, which belong to its
            own inputs and learning rates and are reported to stall on small data, or `"robust"` for
            He's normal values with zero biases, which start on images scaled to unit variance.
        data_format: `"channels_last"` or `"channels_first"`; `None` for Keras's setting. Weights
            saved with one load with the other.
        dtype: Data type or policy of all layers, such as `"mixed_float16"`. With that policy
            `compile` scales the loss, so that small gradients do not become 0. In a model of your
            own around this one it does not: give that model's input as `input_tensor`, or wrap the
            optimizer in a `keras.optimizers.LossScaleOptimizer`.
        sum_colors: With `weights`, for images of one channel: whether the first kernels are
            summed over the colours of those in the file.
        verbose: With `weights`: whether the report of `load_checkpoint` is printed. A download
            shows its progress in any case, as that of `keras.applications` does;
            `keras.config.disable_interactive_logging()` silences it.

    Returns:
        A functional `keras.Model` from images to `(batch, classes)`; with `include_top=False` to
        `(batch, height, width, channels)` features, or `(batch, channels)` with `pooling`. It
        carries a model card, which `get_model_card` returns and `model.save` writes.
        The variant decides which range and mean the pixels should have: 0 to 255 less the training
        mean for the 2012 and the Caffe networks, unit variance for `owt`.

    Raises:
        UserError: (a `ValueError`) for an unknown variant or choice, for images too small, and
            for weights that cannot be downloaded, cannot be read or do not fit.

    Reference:
        Krizhevsky, Sutskever, Hinton, ImageNet classification with deep convolutional neural
        networks, NIPS 2012. `get_variant(variant).source` names each variant's own source.

    Example:

    >>> from keras_alexnet import AlexNet
    >>> model = AlexNet("cifar10_18pct")
    >>> model.count_params(), model.output_shape
    (89578, (None, 10))
    """
    options = {
        "include_top": boolean("include_top", include_top),
        "input_tensor": input_tensor,
        "input_shape": input_shape,
        "pooling": pooling,
        "classes": classes,
        "classifier_activation": classifier_activation,
        "name": name,
        "initialization": initialization,
        "data_format": data_format,
        "dtype": dtype,
    }
    loading = {
        "sum_colors": boolean("sum_colors", sum_colors),
        "verbose": boolean("verbose", verbose),
    }
    if weights is None:
        return _initialized(get_variant("paper" if variant is None else variant), **options)
    variant = named_variant(variant)
    with open_source(weights, variant, identify=variant is None) as source:
        return pretrained(source, variant, options, **loading).model


def _initialized(
    record: Variant,
    include_top=True,
    input_tensor=None,
    input_shape=None,
    pooling=None,
    classes=None,
    classifier_activation="softmax",
    name=None,
    initialization="published",
    data_format=None,
    dtype=None,
    loaded=False,
) -> AlexNetModel:
    """Build a variant with its initial values; the arguments are those of `AlexNet`.

    If its values are `loaded` from a file afterwards, those of the classifier alone are drawn.
    """
    data_format = known_data_format(data_format)
    remedy = "Choose one, and pass include_top=False with it."
    choice("pooling", pooling, (None, *_POOLINGS), remedy)
    remedy = "Leave it out for the variant's own number."
    classes = record.classes if classes is None else integer("classes", classes, 1, remedy)
    inputs = _image_input(record, include_top, input_tensor, input_shape, data_format)
    _check_size(record, inputs.shape, include_top, data_format)
    _check_name(name)

    maker = LayerMaker(record, classes, initialization, data_format, dtype, loaded)
    x = inputs
    for layer_name, row in record.features:
        x = maker.apply(row, layer_name, x)
    if include_top:
        x = maker.apply_top(x, classifier_activation)
    elif pooling:
        pool = getattr(keras.layers, _POOLINGS[pooling])
        x = pool(data_format=data_format, dtype=dtype, name=f"{pooling}_pool")(x)

    sources = inputs
    if input_tensor is not None:
        sources = keras.utils.get_source_inputs(input_tensor)
        sources = sources[0] if len(sources) == 1 else sources
    model = AlexNetModel(sources, x, name=name or f"alexnet_{record.name}")
    (height, width), _ = image_axes(inputs.shape, data_format)
    model.card = ModelCard(record.name, height if height == width else None)
    return model


def _check_name(name) -> None:
    if name is not None and (not isinstance(name, str) or "/" in name):
        raise UserError(
            f"Received name={name!r}.",
            "`name` must be text without a slash, or None.",
            "Leave it out for the variant's name.",
        )


@dataclasses.dataclass(frozen=True)
class Pretrained:
    """A network with weights from a file, and the report of loading them."""

    model: keras.Model
    prepared: Prepared
    loaded: Loaded


def pretrained(source: WeightSource, variant: str | None, options: dict, **loading) -> Pretrained:
    """Build the network that weights belong to, and load them into it.

    Args:
        source: The open weights.
        variant: The network as the caller names it.
        options: The arguments of `AlexNet` that the caller chooses; the source decides the others.
        **loading: Arguments of `load_checkpoint`.

    Raises:
        UserError: If the network is not known, or the weights do not fit.
    """
    options = dict(options)
    record = get_variant(network_of(source, variant))
    fitting = arguments_for(source, record)
    if options.get("classes") is None:
        options["classes"] = fitting["classes"]
    if options.get("input_shape") is None and options.get("input_tensor") is None:
        options["input_shape"] = _own_shape(fitting, options, loading.get("sum_colors"))
    model = _initialized(record, **options, loaded=True)
    network = model
    if options.get("input_tensor") is not None:  # the layers in front of it get no weights
        network = AlexNetModel(options["input_tensor"], model.output)
        network.card = model.card
    prepared, loaded = load_source(source, network, **loading)
    model.card = loaded.card
    return Pretrained(model, prepared, loaded)


def _own_shape(fitting, options, sum_colors):
    """Return the shape of the images that weights were trained with."""
    height, width, channels = fitting["input_shape"]
    if not options.get("include_top", True):
        height = width = None
    shape = (height, width, 1 if sum_colors else channels)
    data_format = options.get("data_format") or keras.config.image_data_format()
    return shape if data_format == "channels_last" else (shape[2], *shape[:2])


def _image_input(record: Variant, include_top, input_tensor, input_shape, data_format):
    """Return the Keras tensor that the first layer takes."""
    if input_tensor is not None:
        if not keras.utils.is_keras_tensor(input_tensor):
            raise UserError(
                f"Received input_tensor of type {type(input_tensor).__name__}.",
                "`input_tensor` must be a Keras tensor.",
                "Make one with keras.Input(shape=...), or call the model on your array.",
            )
        return input_tensor
    last = data_format == "channels_last"
    if input_shape is None:
        size = record.input_size if include_top else None
        input_shape = (size, size, 3) if last else (3, size, size)
    input_shape = shape("input_shape", input_shape, "Give (224, 224, 3), say, or leave it out.")
    if len(input_shape) != 3:
        order = "height, width, channels" if last else "channels, height, width"
        raise UserError(
            f"Received input_shape={input_shape}.",
            f"`input_shape` must be ({order}), without the batch.",
            f"Give the size of your images; the variant {record.name!r} has "
            f"{record.input_size} x {record.input_size} images of 3 channels.",
        )
    return keras.Input(shape=input_shape, name="image")


def _check_size(record: Variant, shape, include_top, data_format):
    """Raise if the images are too small, with the arithmetic, or of unknown size."""
    sizes, channels = image_axes(shape, data_format)
    if channels is None or (include_top and None in sizes):
        raise UserError(
            f"Received images of shape {tuple(shape[1:])}.",
            "The number of channels must be known, and with fully connected layers the size too.",
            "Give `input_shape` in full, or pass include_top=False for any size.",
        )
    too_small = [size for size in sizes if size is not None and not fits(record, size)]
    if not too_small:
        return
    arithmetic = ", ".join(
        f"{size.layer}: {size.text} = {size.output}" for size in layer_sizes(record, min(too_small))
    )
    smallest = smallest_size(record)
    other = "channels_first" if data_format == "channels_last" else "channels_last"
    swapped = image_axes(shape, other)[1] in (1, 3)
    turned = f"Is the data {other}? Pass data_format={other!r}. " if swapped else ""
    raise UserError(
        f"Received images of shape {tuple(shape[1:])}, too small for the variant "
        f"{record.name!r}: {arithmetic}.",
        f"Height and width must be {smallest} or more, so that every layer has an output.",
        f"{turned}Resize the images to {record.input_size} x {record.input_size} (or "
        f"{smallest} and more), build with include_top=False and pooling='avg' to take any "
        f"size from {smallest} on, or use a variant for small images such as 'cifar10_18pct'.",
    )
