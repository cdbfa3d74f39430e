"""`chosen_network`: the network that `classify` and `features` use."""

from keras_alexnet.errors import UserError
from keras_alexnet.evaluation.networks import ReadyNetwork, ready_network
from keras_alexnet.progress import quiet, verbosity
from keras_alexnet.type_aliases import VariantName, Verbose


def chosen_network(weights, model, variant: VariantName | None, verbose: Verbose) -> ReadyNetwork:
    """Return the network of `weights` or of `model`; without either, that of `"imagenet"`.

    Args:
        weights: A published checkpoint by name, or the path of a file, in which nothing is
            executed.
        model: The path of a `.keras` file, which Keras loads, or a `keras.Model`.
        variant: The network of the weights, needed only if the file does not say it.
        verbose: 0 keeps a download silent.

    Raises:
        UserError: If both are given, or the weights cannot be found or read, or do not fit.
    """
    if weights is not None and model is not None:
        raise UserError(
            "Received both `weights` and `model`.",
            "Only one of them may be given.",
            "Pass weights='owt_torchvision' for a published network, or model='run/model.keras'.",
        )
    with quiet(verbosity(verbose) == 0):
        if model is not None:
            return ready_network(model, variant, argument="model")
        return ready_network("imagenet" if weights is None else weights, variant, by_keras=False)
