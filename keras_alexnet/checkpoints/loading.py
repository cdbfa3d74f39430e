"""`load_checkpoint`: from a file or a published checkpoint into a model."""

from __future__ import annotations

import dataclasses
import logging
import os

import keras

from keras_alexnet.arguments import boolean, choice
from keras_alexnet.cards.alexnet_model import AlexNetModel, card_of
from keras_alexnet.cards.texts import ORDERS
from keras_alexnet.checkpoints.assigning import carry_out
from keras_alexnet.checkpoints.model_cards import complete_card
from keras_alexnet.checkpoints.prepared import Prepared, prepare
from keras_alexnet.checkpoints.report import Loaded, changes_of
from keras_alexnet.checkpoints.sanity import sanity_check
from keras_alexnet.checkpoints.sources import WeightSource, open_source
from keras_alexnet.checkpoints.targets import difference, variants_of
from keras_alexnet.errors import warn
from keras_alexnet.formats.errors import CheckpointError, errors_about
from keras_alexnet.names import normalized
from keras_alexnet.published.lookup import BEST, known_checkpoint
from keras_alexnet.published.records import Checkpoint
from keras_alexnet.type_aliases import ChannelOrder, Verify, Weights
from keras_alexnet.variants import get_variant

VERIFY = ("warn", "raise", "off")


def load_checkpoint(
    model: keras.Model,
    path: Weights,
    *,
    sum_colors: bool = False,
    channel_order: ChannelOrder | None = None,
    verify: Verify = "warn",
    verbose: bool = False,
) -> Loaded:
    """Load weights of any format into a model, report every tensor, and check the result.

    It reads PyTorch's `.pth` in all its formats, Caffe's `.caffemodel`, `.npy`, `.npz`,
    `.safetensors`, ONNX and Keras's `.h5`, `.weights.h5` and `.keras` without the programs they are
    from, and executes nothing in them. Names and shapes tell which program wrote the tensors, in
    ONNX the graph does. Kernels are transposed, and the rows of fc6 are brought into the order of
    the model's maps. In PyTorch's files and in safetensors the network may be inside a larger one,
    or inside a dictionary with other values: all of its names then begin with one prefix, and
    tensors with another prefix are left out. Each tensor goes into one variable and each variable
    gets one tensor, or nothing changes. The report names two things that are left out: the layers
    above the end of the model, if it was built with `include_top=False`, and, with a warning, a
    classifier for another number of classes. The file's model card becomes the model's; the report
    states each fact that is assumed because the file does not say it.

    Args:
        model: A built model, with the layers that `AlexNet` makes.
        path: A file, or the name of a published checkpoint, as `AlexNet` takes it for `weights`;
            `"imagenet"` is the best documented one of the model's variant. The path of a file
            never causes a download.
        sum_colors: For a model of one input channel: whether to sum the first kernels over the
            colours. The model then gives for a grey image what the network gives for it as a
            colour image, if its channels are prepared alike.
        channel_order: The order of colours that the model will take: `"rgb"` or `"bgr"`; `None`
            for the one it was trained with, which is BGR for Caffe's networks. To change it, the
            first kernels are reversed along their input channels.
        verify: What to do if the weights look untrained or permuted, or their names and shapes
            are those of a network that computes differently: `"warn"`, `"raise"`, or `"off"` for
            no check at all. The values are checked last, when they are in the model. A file that
            names another variant than the model is refused unless this is `"off"`.
        verbose: Whether to print the report, or log it if Keras's logging is not interactive.
            A download shows its progress in any case where that logging is interactive.

    Returns:
        A `Loaded`, which says which tensor went into which variable, what was left out and why,
        with the figures of the check.

    Raises:
        UserError: (a `ValueError`) if the file cannot be read or does not fit; the message names
            all that does not fit, and the model stays as it was. With `verify="raise"` also if the
            weights look wrong.

    Example:

    >>> import os, tempfile
    >>> from keras_alexnet import AlexNet
    >>> path = os.path.join(tempfile.mkdtemp(), "mine.weights.h5")
    >>> AlexNet("cifar10_19pct").save_weights(path)
    >>> loaded = load_checkpoint(AlexNet("cifar10_19pct"), path, verify="off")
    >>> loaded.format, loaded.assigned["conv1/kernel"]
    ('hdf5', ('layers/conv2d/vars/0',))
    """
    check_options(verify, channel_order)
    sum_colors, verbose = boolean("sum_colors", sum_colors), boolean("verbose", verbose)
    card = card_of(model)
    weights: Weights | Checkpoint | None = path
    if isinstance(path, str) and normalized(path) in BEST and not os.path.isfile(path):
        weights = known_checkpoint(path, card.variant if card else None)
    with open_source(weights, identify=False, argument="path") as source:
        return load_source(
            source,
            model,
            sum_colors=sum_colors,
            channel_order=channel_order,
            verify=verify,
            verbose=verbose,
        )[1]


def load_source(
    source: WeightSource,
    model,
    *,
    sum_colors: bool = False,
    channel_order: ChannelOrder | None = None,
    verify: Verify = "warn",
    verbose: bool = False,
) -> tuple[Prepared, Loaded]:
    """Load open weights into a model: see `load_checkpoint`. Its card is set as well."""
    prepared = prepare(source, model, channel_order, sum_colors)
    path = source.contents.path
    with errors_about(f"{path!r} was not loaded."):
        if verify != "off":
            _check_variant(prepared)
            _report_suspicions(_other_network(prepared), verify)
        carry_out(prepared.plan)
    loaded = _report(prepared, verify)
    if isinstance(model, AlexNetModel):
        model.card = loaded.card
    suspicions = loaded.signs.suspicions(prepared.dialect.own) if loaded.signs else []
    if verbose:
        # The suspicions follow, as a warning.
        say(str(dataclasses.replace(loaded, signs=None) if suspicions else loaded))
    for layer, why in loaded.kept.items():
        warn(f"{layer!r} keeps its initial values: {why}. Train it before you use its outputs.")
    _report_suspicions(suspicions, verify, f"{path!r}: ")
    return prepared, loaded


def check_options(verify: str, channel_order: str | None) -> None:
    """Raise `UserError` unless these are options that `load_checkpoint` takes."""
    choice("verify", verify, VERIFY, "Leave it out for a warning.")
    remedy = "Leave it out for the order of the training."
    choice("channel_order", channel_order, (None, *ORDERS), remedy)


def _report(prepared: Prepared, verify: str) -> Loaded:
    """Return the report of a load, with a check of the weights unless that is off."""
    plan, checkpoint = prepared.plan, prepared.source.checkpoint
    card, assumptions = complete_card(prepared)
    changes = changes_of(plan, prepared.order)
    samples = checkpoint.samples if checkpoint is not None and not changes else ()
    return Loaded(
        path=prepared.source.contents.path,
        format=prepared.source.contents.format,
        dialect=prepared.dialect.name,
        checkpoint=checkpoint.name if checkpoint is not None else None,
        assigned={f"{made.layer}/{made.part}": made.sources for made in plan.assignments},
        left_out=plan.left_out,
        kept=plan.kept,
        changes=changes,
        card=card,
        assumptions=assumptions,
        signs=sanity_check(prepared.targets, samples) if verify != "off" else None,
    )


def _check_variant(prepared: Prepared) -> None:
    """Raise if a file names another variant than the model, and that one computes differently."""
    own, named = card_of(prepared.model), prepared.source.card.variant
    if own is None or own.variant is None or named in (None, own.variant):
        return
    found = difference(prepared.model, get_variant(named))
    if found:
        raise CheckpointError(
            f"The file holds the variant {named!r}, and the model is the variant {own.variant!r}: "
            f"{found}.",
            "The model must compute as the variant that the file holds.",
            f"Build AlexNet({named!r}), or pass verify='off' to load the weights all the same.",
        )


def _other_network(prepared: Prepared) -> list[str]:
    """Return how a model differs from each network that the weights can belong to.

    The list is empty if it is one of them.
    """
    names = prepared.dialect.variants
    named = prepared.source.card.variant
    if named is not None and (prepared.source.checkpoint or prepared.dialect.own):
        names = (named,)
    kernels = {
        target.name: tuple(target.layer.kernel.shape)
        for target in prepared.targets[1:]  # the first may be for other colours
        if target.is_conv
    }
    names = tuple(name for name in names if name in variants_of(kernels)) or names
    found = {name: difference(prepared.model, get_variant(name)) for name in names}
    if not found or not all(found.values()):
        return []
    others = [f"The model is not {name!r}: {how}." for name, how in found.items()]
    return ["The weights belong to another network.", *others]


def _report_suspicions(suspicions: list[str], verify: str, subject: str = "") -> None:
    """Warn of what looks wrong with weights, or raise it."""
    text = " ".join(suspicions)
    if text and verify == "raise":
        raise CheckpointError(text, "The weights must be this network's, trained and in order.")
    if text:
        warn(subject + text)


def say(text: str) -> None:
    """Print a text, or log it if Keras logs its own messages."""
    if keras.config.is_interactive_logging_enabled():
        print(text)
    else:
        logging.getLogger("keras_alexnet").info(text)
