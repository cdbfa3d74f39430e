"""How good a trained network is: accuracies, what it takes for what, one crop beside ten."""

from keras_alexnet.evaluation.figures import ClassFigures, Evaluation
from keras_alexnet.evaluation.measuring import measure

__all__ = ["ClassFigures", "Evaluation", "measure"]
