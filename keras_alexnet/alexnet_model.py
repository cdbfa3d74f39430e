"""`AlexNetModel`: the functional model that `AlexNet` returns, which carries its model card."""

import keras

from keras_alexnet.cards.records import ModelCard
from keras_alexnet.cards.texts import from_texts, to_texts


@keras.saving.register_keras_serializable(package="keras_alexnet")
class AlexNetModel(keras.Model):
    """A functional `keras.Model` whose configuration holds a model card.

    So the card stays with the network: `model.save` writes it, and `keras.saving.load_model`
    reads it back.

    Attributes:
        card: The `ModelCard`.

    Example:

    >>> from keras_alexnet import AlexNet
    >>> model = AlexNet("cifar10_19pct")
    >>> type(model).from_config(model.get_config()).card.variant
    'cifar10_19pct'
    """

    card = ModelCard()

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


def card_of(model) -> ModelCard | None:
    """Return the card of a model, or of the first one inside it that has a card."""
    if isinstance(model, AlexNetModel):
        return model.card
    parts = (layer for layer in getattr(model, "layers", ()) if isinstance(layer, keras.Model))
    return next((card for card in map(card_of, parts) if card is not None), None)
