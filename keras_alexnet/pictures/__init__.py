"""Pictures of models and results, which need matplotlib."""

from keras_alexnet.pictures.classification import check_drawable, plot_classified
from keras_alexnet.pictures.confusion import plot_confusion
from keras_alexnet.pictures.description import plot_description
from keras_alexnet.pictures.figure import attempted, check_picture
from keras_alexnet.pictures.filters import filter_smoothness, plot_filters
from keras_alexnet.pictures.history import plot_history
from keras_alexnet.pictures.panel import plot_panel

__all__ = [
    "attempted",
    "check_drawable",
    "check_picture",
    "filter_smoothness",
    "plot_classified",
    "plot_confusion",
    "plot_description",
    "plot_filters",
    "plot_history",
    "plot_panel",
]
