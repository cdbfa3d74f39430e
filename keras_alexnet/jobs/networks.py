"""`chosen_network`: the network that `classify` and `features` use."""

import warnings

import keras

from keras_alexnet.arguments import file_path
from keras_alexnet.errors import UserError
from keras_alexnet.evaluation.networks import ReadyNetwork, ready_network
from keras_alexnet.progress import quiet, verbosity
from keras_alexnet.published.lookup import named_checkpoint
from keras_alexnet.type_aliases import VariantName, Verbose
from keras_alexnet.variants import named_variant


def check_choice(weights, model, variant: VariantName | None) -> None:
    """Raise unless `weights` or `model` can be one: before images are read for it.

    Raises:
        UserError: If both are given, or neither a name of a checkpoint nor the path of a file.
    """
    if weights is not None and model is not None:
        raise UserError(
            "Received both `weights` and `model`.",
            "Only one of them may be given.",
            "Pass weights='owt_torchvision' for a published network, or model='run/model.keras'.",
        )
    if isinstance(model, keras.Model):
        return
    argument, given = ("weights", weights) if model is None else ("model", model)
    if given is not None:
        with warnings.catch_warnings(action="ignore"):  # about the name: they come with its use
            named_checkpoint(file_path(argument, given), named_variant(variant), argument)


def chosen_network(weights, model, variant: VariantName | None, verbose: Verbose) -> ReadyNetwork:
    """Return the network of `weights` or of `model`; without either, that of `"imagenet"`.

    Args:
        weights: A published checkpoint by name, or the path of a file, in which nothing is
            executed.
        model: The path of a `.keras` file, which Keras loads, or a `keras.Model`.
        variant: The network of the weights, needed only if the file does not say it.
        verbose: 0 keeps a download silent.

    Raises:
        UserError: If the weights cannot be found or read, or do not fit.
    """
    with quiet(verbosity(verbose) == 0):
        if model is not None:
            return ready_network(model, variant, argument="model")
        return ready_network("imagenet" if weights is None else weights, variant, by_keras=False)
