"""The one door for weights: from a file or a published checkpoint into a model."""

import logging
import os

import keras

from keras_alexnet.cards.alexnet_model import AlexNetModel, card_of
from keras_alexnet.cards.texts import ORDERS
from keras_alexnet.checkpoints.assigning import carry_out
from keras_alexnet.checkpoints.claims import completed_card
from keras_alexnet.checkpoints.preparing import Prepared, prepare
from keras_alexnet.checkpoints.report import Loaded, changes_of
from keras_alexnet.checkpoints.sanity import prove
from keras_alexnet.checkpoints.sources import WeightSource, open_source
from keras_alexnet.checkpoints.targets import differences, variants_of
from keras_alexnet.errors import UserError, warn
from keras_alexnet.formats.errors import CheckpointError, errors_about
from keras_alexnet.names import plain
from keras_alexnet.published.lookup import BEST, known_checkpoint
from keras_alexnet.variants import get_variant

VERIFY = ("warn", "raise", "off")


def load_checkpoint(
    model,
    path,
    *,
    sum_colors: bool = False,
    channel_order: str | None = None,
    verify: str = "warn",
    verbose: bool = True,
) -> Loaded:
    """Load weights of any format into a model, account for every tensor, and look at the result.

    PyTorch's `.pth` in all its formats, Caffe's `.caffemodel`, `.npy`, `.npz`, `.safetensors`,
    ONNX and Keras's `.h5`, `.weights.h5` and `.keras` are read without the program they are from,
    and nothing in them is executed. Names and shapes tell whose they are, in ONNX the graph;
    kernels are transposed, the rows of fc6 brought into the order of the model's maps. In PyTorch's
    files and in safetensors the network may be a part of a larger one, or lie in a dictionary
    beside other things: all of its names then begin with one prefix, and tensors with another
    prefix are left out. Each tensor goes into one variable and each variable gets one tensor, or
    nothing is changed. The report names two things that are left out: the layers above the end of
    the model, if it was built with `include_top=False`, and, with a warning, a classifier for
    another number of classes. The file's model card becomes the model's; the report states each
    fact that is assumed because the file leaves it open.

    Args:
        model: A built model, with the layers that `AlexNet` makes.
        path: A file, or the name of a published checkpoint, as `AlexNet` takes it for `weights`;
            `"imagenet"` is the best documented one of the model's variant. The path of a file
            never touches the network.
        sum_colors: For a model of one input channel: take the sum of the first kernels over the
            colours, which gives for a grey image what the network gives for it as a colour image,
            if its channels are prepared alike.
        channel_order: The order of colours that the model is to take: `"rgb"` or `"bgr"`; `None`
            for the one it was trained with, which is BGR for Caffe's networks. To change it, the
            first kernels are reversed along their input channels.
        verify: What happens if the weights look untrained or permuted, or their names and shapes
            are those of a network that computes differently: `"warn"`, `"raise"`, or `"off"` for
            no check at all. The values are checked last, when they are in the model. A file that
            names another variant than the model is refused unless this is `"off"`.
        verbose: Whether the report is printed; if Keras's logging is not interactive it is logged.

    Returns:
        A `Loaded`: what went where, what was left out and why, and the figures behind the verdict.

    Raises:
        UserError: (a `ValueError`) if the file cannot be read or does not fit, with all that does
            not; the model is as it was. With `verify="raise"` also if the weights look wrong.

    Example:

    >>> import os, tempfile
    >>> from keras_alexnet import AlexNet
    >>> path = os.path.join(tempfile.mkdtemp(), "mine.weights.h5")
    >>> AlexNet("cifar10_19pct").save_weights(path)
    >>> loaded = load_checkpoint(AlexNet("cifar10_19pct"), path, verify="off", verbose=False)
    >>> loaded.format, loaded.assigned["conv1/kernel"]
    ('hdf5', ('layers/conv2d/vars/0',))
    """
    check_options(verify, channel_order)
    card = card_of(model)
    if isinstance(path, str) and plain(path) in BEST and not os.path.isfile(path):
        path = known_checkpoint(path, card.variant if card else None)
    with open_source(path, identify=False, argument="path") as source:
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
    channel_order: str | None = None,
    verify: str = "warn",
    verbose: bool = True,
) -> tuple[Prepared, Loaded]:
    """Load open weights into a model: see `load_checkpoint`. Its card is set as well."""
    prepared = prepare(source, model, channel_order, sum_colors)
    path = source.contents.path
    with errors_about(f"{path!r} was not loaded."):
        if verify != "off":
            _check_variant(prepared)
            _complain(_other_network(prepared), verify)
        carry_out(prepared.plan)
    loaded = _report(prepared, verify)
    if isinstance(model, AlexNetModel):
        model.card = loaded.card
    if verbose:
        say(str(loaded))
    for layer, why in loaded.kept.items():
        warn(f"{layer!r} keeps its initial values: {why}. Train it before you use its outputs.")
    if loaded.proof is not None:
        _complain(loaded.proof.suspicions(foreign=not prepared.dialect.own), verify, path)
    return prepared, loaded


def check_options(verify: str, channel_order: str | None) -> None:
    """Raise unless these are what `load_checkpoint` takes.

    Raises:
        UserError: If one is not.
    """
    _check(verify, VERIFY, "verify")
    _check(channel_order, (None, *ORDERS), "channel_order")


def _check(value, choices, argument: str) -> None:
    if value not in choices:
        raise UserError(
            f"Received {argument}={value!r}.",
            f"`{argument}` must be one of {', '.join(map(repr, choices))}.",
            "Leave it out for the usual.",
        )


def _report(prepared: Prepared, verify: str) -> Loaded:
    """Return the report of a load, with a check of the weights unless that is off."""
    plan, checkpoint = prepared.plan, prepared.source.checkpoint
    card, assumptions = completed_card(prepared)
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
        proof=prove(prepared.targets, samples) if verify != "off" else None,
    )


def _check_variant(prepared: Prepared) -> None:
    """Raise if a file names another variant than the model, and that one computes differently."""
    own, said = card_of(prepared.model), prepared.source.card.variant
    if own is None or said in (None, own.variant):
        return
    found = differences(prepared.model, get_variant(said))
    if own.variant is not None and found:
        raise CheckpointError(
            f"The file holds the variant {said!r}, and the model is the variant {own.variant!r}: "
            f"{found[0]}.",
            "The model must compute as the variant that the file holds.",
            f"Build AlexNet({said!r}), or pass verify='off' to load the weights all the same.",
        )


def _other_network(prepared: Prepared) -> list[str]:
    """Say how a model computes otherwise than the networks that the weights can belong to."""
    names = prepared.dialect.variants
    said = prepared.source.card.variant
    if said is not None and (prepared.source.checkpoint or prepared.dialect.own):
        names = (said,)
    kernels = {
        target.name: tuple(target.layer.kernel.shape)
        for target in prepared.targets[1:]  # the first may be for other colours
        if target.is_conv
    }
    names = tuple(name for name in names if name in variants_of(kernels)) or names
    others = {name: differences(prepared.model, get_variant(name)) for name in names}
    if not others or not all(others.values()):
        return []
    against = "; ".join(f"than {name!r}, {found[0]}" for name, found in others.items())
    return [f"The weights belong to another network: the model computes otherwise {against}."]


def _complain(suspicions: list[str], verify: str, place: str = "") -> None:
    """Warn of what looks wrong, or raise it."""
    if not suspicions:
        return
    text = " ".join(suspicions)
    if verify == "raise":
        raise CheckpointError(text, "Weights of this network were expected, trained and in order.")
    warn(f"{place!r}: {text}" if place else text)


def say(text: str) -> None:
    """Print, or log where Keras's own messages are logged."""
    if keras.config.is_interactive_logging_enabled():
        print(text)
    else:
        logging.getLogger("keras_alexnet").info(text)
