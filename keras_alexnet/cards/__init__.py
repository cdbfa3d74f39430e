"""Model cards: what a file says of the network whose weights it holds."""

from keras_alexnet.cards.records import ModelCard

__all__ = ["ModelCard"]
