"""Model cards: the facts of a network that its files hold."""

from keras_alexnet.cards.records import ModelCard

__all__ = ["ModelCard"]
