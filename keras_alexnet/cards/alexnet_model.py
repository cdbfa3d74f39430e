"""`AlexNetModel`: the functional model that `AlexNet` returns, which carries its model card."""

import keras
from keras.ops import is_tensor

from keras_alexnet.cards.graph_run import run_graph
from keras_alexnet.cards.records import ModelCard
from keras_alexnet.cards.texts import from_texts, to_texts

MIXED = "mixed_float16"


@keras.saving.register_keras_serializable(package="keras_alexnet")
class AlexNetModel(keras.Model):
    """A functional `keras.Model` whose configuration holds a model card.

    So the card stays with the network: `model.save` writes it, and `keras.saving.load_model`
    reads it back.

    `compile(auto_scale_loss=True)` asks the dtype policy of the model whether to scale the loss.
    Keras gives a functional model the policy that is set for new layers, not that of its layers,
    and keeps none in its configuration (Keras 3.15). This class takes `mixed_float16` from them.

    Args:
        *args: Arguments of `keras.Model`: inputs and outputs.
        **kwargs: Arguments of `keras.Model`, such as its name.

    Attributes:
        card: The `ModelCard`.

    Example:

    >>> from keras_alexnet import AlexNet
    >>> model = AlexNet("cifar10_19pct")
    >>> type(model).from_config(model.get_config()).card.variant
    'cifar10_19pct'
    """

    card = ModelCard()

    # Keras up to 3.14 saves the layers of a functional model only if this takes `*args, **kwargs`.
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if is_mixed(self):
            self.dtype_policy = MIXED

    def _run_through_graph(self, inputs, operation_fn=lambda layer: layer, **kwargs):
        """Call the layers as Keras does; on PyTorch, free each tensor after its last use."""
        tensors = keras.tree.flatten(inputs)
        if keras.backend.backend() == "torch" and not kwargs and all(map(is_tensor, tensors)):
            return run_graph(self, tensors, operation_fn)
        return super()._run_through_graph(inputs, operation_fn, **kwargs)

    def get_config(self):
        """Return Keras's configuration of a functional model, and the card as text by name."""
        return {**super().get_config(), "card": to_texts(self.card)}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Build the model of a configuration, with its card."""
        config = dict(config)
        card = config.pop("card", {})
        model = super().from_config(config, custom_objects=custom_objects)
        model.card = from_texts(card)
        return model


# Keras's older HDF5 files name the class of a model without its package.
keras.saving.get_custom_objects()[AlexNetModel.__name__] = AlexNetModel


def is_mixed(model) -> bool:
    """Return whether any layer of a model computes in float16 with variables in float32."""
    return any(
        layer.dtype_policy.name == MIXED or is_mixed(layer)
        for layer in getattr(model, "layers", ())
    )


def card_of(model) -> ModelCard | None:
    """Return the card of a model, or of the first one inside it that has a card with a fact."""
    if isinstance(model, AlexNetModel) and model.card != ModelCard():
        return model.card
    models = (layer for layer in getattr(model, "layers", ()) if isinstance(layer, keras.Model))
    return next((card for card in map(card_of, models) if card is not None), None)
