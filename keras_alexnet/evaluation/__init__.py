"""Evaluation of trained networks: accuracies, confusions, classes of single images."""

from keras_alexnet.evaluation.figures import ClassFigures, Evaluation
from keras_alexnet.evaluation.measuring import measure

__all__ = ["ClassFigures", "Evaluation", "measure"]
