"""`ModelCard`: the facts of a trained network that travel with its weights."""

import dataclasses

from keras_alexnet.arguments import optional_integer
from keras_alexnet.errors import UserError, escaped
from keras_alexnet.short_repr import short_repr
from keras_alexnet.type_aliases import ChannelOrder
from keras_alexnet.variants import Variant, get_variant
from keras_alexnet.variants.records import Pixels

SHOWN = 5  # class names in a sentence


@dataclasses.dataclass(frozen=True)
class Training:
    """How a network was trained by `keras-alexnet fit`.

    Args:
        recipe: Name of the published recipe, `None` for Adam.
        epochs: Passes over the training images.
        batch_size: Images per step.
        learning_rate: Highest rate of Adam, or the first one of the recipe.
        seed: Seed of initial values, order, augmentation and split.
        images: Number of training images.
        held_out: Number of images that were held out.
        held_out_sha256: SHA-256 of the list of held-out files, as `held_out_hash` computes it;
            `None` for drawn images. The names themselves stay in the folder of the run.
        weights: Name of the published checkpoint, or of the file without its folder, whose weights
            the training began with; `None` for initial values.
        best_epoch: The epoch that the weights are from; `None` for the last one.
    """

    recipe: str | None
    epochs: int
    batch_size: int
    learning_rate: float
    seed: int
    images: int
    held_out: int
    held_out_sha256: str | None = None
    weights: str | None = None
    best_epoch: int | None = None


@dataclasses.dataclass(frozen=True)
class Source:
    """The file that weights were converted from.

    Args:
        file: Its name, without the folder.
        sha256: Its SHA-256, in hexadecimal digits.
        format: Its format, such as `"torch"`.
        naming: The program whose names its tensors have, such as `"torchvision"`.
    """

    file: str
    sha256: str
    format: str
    naming: str


@dataclasses.dataclass(frozen=True)
class ModelCard:
    """The facts of a trained network that travel with its weights; `None` is "not recorded".

    Every file that the package writes holds them, and every command takes them from there.

    Args:
        variant: Name of the network.
        input_size: Height and width of the images that the network sees.
        pixels: How RGB pixels of 0 to 255 become the network's input.
        channel_order: Order of the channels that the first layer takes, `"rgb"` or `"bgr"`.
        class_names: Names of the classes in the order of the outputs.
        training: How it was trained.
        checkpoint: Name of the published checkpoint that the weights come from.
        licence: Licence of the weights.
        source: The file that the weights were converted from.
        changes: How the conversion changed the weights, in sentences.
        keras_alexnet_version: Version of the package that wrote the file.
        keras_version: Version of Keras that wrote the file.

    Example:

    >>> from keras_alexnet import AlexNet, get_model_card
    >>> get_model_card(AlexNet("cifar10_19pct")).variant
    'cifar10_19pct'
    >>> print(ModelCard("owt", 224, class_names=("cat", "dog"), licence="MIT"))
    The variant 'owt'. It takes images of 224 x 224. Its 2 classes are cat, dog. Licence: MIT.
    """

    variant: str | None = None
    input_size: int | None = None
    pixels: Pixels | None = None
    channel_order: ChannelOrder | None = None
    class_names: tuple[str, ...] | None = None
    training: Training | None = None
    checkpoint: str | None = None
    licence: str | None = None
    source: Source | None = None
    changes: str | None = None
    keras_alexnet_version: str | None = None
    keras_version: str | None = None

    __repr__ = short_repr("variant", "input_size", "checkpoint")

    def __post_init__(self):
        """Make the size a plain `int`, which can be written."""
        size = optional_integer("input_size", self.input_size, 1, "Leave it out if it is unknown.")
        object.__setattr__(self, "input_size", size)

    def __str__(self) -> str:
        """Return the recorded facts in sentences."""
        facts = [
            f"The variant {self.variant!r}." if self.variant else "The variant is not recorded."
        ]
        if self.input_size is not None:
            facts.append(f"It takes images of {self.input_size} x {self.input_size}.")
        if self.class_names is not None:
            some = ", ".join(map(escaped, self.class_names[:SHOWN]))
            more = " and others" if len(self.class_names) > SHOWN else ""
            facts.append(f"Its {len(self.class_names):,} classes are {some}{more}.")
        if self.training is not None:
            way = f"by the recipe {self.training.recipe!r}" if self.training.recipe else "with Adam"
            if self.training.weights:
                way = f"from the weights of {self.training.weights!r} {way}"
            facts.append(
                f"It was trained {way} for {self.training.epochs} epochs on "
                f"{self.training.images:,} images; {self.training.held_out:,} were held out."
            )
        if self.checkpoint is not None:
            facts.append(f"The weights are those of {self.checkpoint!r}.")
        if self.source is not None:
            facts.append(f"They were converted from {self.source.file!r}.")
        if self.licence is not None:
            facts.append(f"Licence: {self.licence}.")
        return " ".join(facts)

    def record(self) -> Variant:
        """Return the variant's record, with this network's own pixels and input size.

        `evaluation_preprocessor` makes its layers from it. If the card has no pixels, the record
        has the variant's own.

        Raises:
            UserError: If the card names no variant.
        """
        if self.variant is None:
            raise UserError(
                "Received a model card without a variant.",
                "The model card must name the variant, which says how images are prepared.",
                "Pass the name of a variant instead, such as 'owt'.",
            )
        record = get_variant(self.variant)
        pixels = self.pixels or record.pixels
        if self.channel_order is not None:
            pixels = dataclasses.replace(pixels, order=self.channel_order)
        size = self.input_size or record.input_size
        if self.pixels is None:  # the base of the variant is for images of its own size
            base = round(size * pixels.base / record.input_size)
            pixels = dataclasses.replace(pixels, base=base)
        return dataclasses.replace(record, pixels=pixels, input_size=size)
