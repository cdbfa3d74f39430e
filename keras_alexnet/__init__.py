"""AlexNet for Keras: every published variant, and the layers that Keras lacks for it."""

from typing import TYPE_CHECKING

from keras_alexnet.startup import start
from keras_alexnet.version import __version__ as __version__

__all__ = [
    "AlexNet",
    "BenchmarkCallback",
    "CoupledSGD",
    "FlatLossWarning",
    "Group",
    "LocalResponseNormalization",
    "LocallyConnected2D",
    "ModelCard",
    "NineCrop",
    "PCAColorNoise",
    "RandomCropFlip",
    "ReduceOnPlateau",
    "TenCrop",
    "UserError",
    "benchmark",
    "convert_checkpoint",
    "decode_predictions",
    "describe",
    "distribution",
    "evaluation_preprocessor",
    "export_model",
    "feature_extractor",
    "fully_convolutional",
    "get_checkpoint",
    "get_model_card",
    "get_recipe",
    "get_variant",
    "image_folder",
    "list_checkpoints",
    "list_recipes",
    "list_variants",
    "load_checkpoint",
    "multi_crop_model",
    "paper_optimizer",
    "preprocess_input",
    "ten_crop_model",
    "training_preprocessor",
]

# The command line answers `--help` without Keras, whose import takes seconds: for a command that
# needs it, `startup.import_package` runs this file once more. Everywhere else the first import
# imports all, so that Keras finds the classes of a saved model.
if TYPE_CHECKING or start():
    from keras_alexnet.benchmarking import BenchmarkCallback, benchmark
    from keras_alexnet.cards.records import ModelCard
    from keras_alexnet.checkpoints.loading import load_checkpoint
    from keras_alexnet.checkpoints.model_cards import get_model_card
    from keras_alexnet.conversion.conversion import convert_checkpoint
    from keras_alexnet.data.image_folder import image_folder
    from keras_alexnet.describe import describe
    from keras_alexnet.distribution import distribution
    from keras_alexnet.errors import UserError
    from keras_alexnet.export.model_export import export_model
    from keras_alexnet.features import feature_extractor
    from keras_alexnet.fully_convolutional import fully_convolutional
    from keras_alexnet.layers.local import LocallyConnected2D
    from keras_alexnet.layers.lrn import LocalResponseNormalization
    from keras_alexnet.model import AlexNet
    from keras_alexnet.predictions import decode_predictions
    from keras_alexnet.preprocessing import (
        NineCrop,
        PCAColorNoise,
        RandomCropFlip,
        TenCrop,
        evaluation_preprocessor,
        multi_crop_model,
        preprocess_input,
        ten_crop_model,
        training_preprocessor,
    )
    from keras_alexnet.published.lookup import get_checkpoint, list_checkpoints
    from keras_alexnet.recipes import get_recipe, list_recipes
    from keras_alexnet.recipes.coupled_sgd import CoupledSGD
    from keras_alexnet.recipes.group import Group
    from keras_alexnet.recipes.paper import paper_optimizer
    from keras_alexnet.recipes.plateau import ReduceOnPlateau
    from keras_alexnet.training.flat_loss import FlatLossWarning
    from keras_alexnet.variants import get_variant, list_variants
