"""AlexNet for Keras: every published variant, and the layers that Keras lacks for it."""

from keras_alexnet.startup import start  # isort: skip

start()  # before anything below imports Keras, and with it TensorFlow

from keras_alexnet.benchmarking import BenchmarkCallback, benchmark  # noqa: E402
from keras_alexnet.cards.lookup import get_model_card  # noqa: E402
from keras_alexnet.cards.records import ModelCard  # noqa: E402
from keras_alexnet.checkpoints.converting import convert_checkpoint  # noqa: E402
from keras_alexnet.checkpoints.loading import load_checkpoint  # noqa: E402
from keras_alexnet.checkpoints.registry import list_checkpoints  # noqa: E402
from keras_alexnet.data.image_folder import image_folder  # noqa: E402
from keras_alexnet.describe import describe  # noqa: E402
from keras_alexnet.features import feature_extractor  # noqa: E402
from keras_alexnet.fully_convolutional import fully_convolutional  # noqa: E402
from keras_alexnet.layers.local import LocallyConnected2D  # noqa: E402
from keras_alexnet.layers.lrn import LocalResponseNormalization  # noqa: E402
from keras_alexnet.model import AlexNet  # noqa: E402
from keras_alexnet.predictions import decode_predictions  # noqa: E402
from keras_alexnet.preprocessing import (  # noqa: E402
    NineCrop,
    PCAColorNoise,
    RandomCropFlip,
    TenCrop,
    evaluation_preprocessor,
    preprocess_input,
    ten_crop_model,
    training_preprocessor,
)
from keras_alexnet.recipes import get_recipe, list_recipes  # noqa: E402
from keras_alexnet.recipes.coupled_sgd import CoupledSGD  # noqa: E402
from keras_alexnet.recipes.paper import paper_optimizer  # noqa: E402
from keras_alexnet.recipes.plateau import ReduceOnPlateau  # noqa: E402
from keras_alexnet.training.flat_loss import FlatLossWarning  # noqa: E402
from keras_alexnet.variants import get_variant, list_variants  # noqa: E402

__version__ = "0.1.0"

__all__ = [
    "AlexNet",
    "BenchmarkCallback",
    "CoupledSGD",
    "FlatLossWarning",
    "LocalResponseNormalization",
    "LocallyConnected2D",
    "ModelCard",
    "NineCrop",
    "PCAColorNoise",
    "RandomCropFlip",
    "ReduceOnPlateau",
    "TenCrop",
    "benchmark",
    "convert_checkpoint",
    "decode_predictions",
    "describe",
    "evaluation_preprocessor",
    "feature_extractor",
    "fully_convolutional",
    "get_model_card",
    "get_recipe",
    "get_variant",
    "image_folder",
    "list_checkpoints",
    "list_recipes",
    "list_variants",
    "load_checkpoint",
    "paper_optimizer",
    "preprocess_input",
    "ten_crop_model",
    "training_preprocessor",
]
