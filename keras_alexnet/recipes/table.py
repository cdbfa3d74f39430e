"""The table of recipes: figures and their sources; `records` describes the columns.

The names of the sources below: "paper" is Krizhevsky, Sutskever, Hinton, ImageNet
classification with deep convolutional neural networks, NIPS 2012; "layer-params-145.cfg" is the
parameter file of the authors' own program, released by the Computer History Museum in 2025, with
the log of the run in its comments; "wiki" is cuda-convnet's, page Methodology.
"""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType

from keras_alexnet.recipes.recipe import Recipe
from keras_alexnet.recipes.records import Part, Plateau, Steps

BIAS = r"(^|/)bias$"  # the ends of the paths of variables: "conv1/bias"


def biases(factor: float = 2.0, learning_rate: Steps | None = None) -> Part:
    """Return the part of the biases, which do not decay."""
    return Part(BIAS, 1.0 if learning_rate else factor, learning_rate)


def decay(value: float | Steps, *layers: str) -> Part:
    """Return the part of the weights of some layers; without layers, of all other variables."""
    steps = value if isinstance(value, Steps) else Steps((value,))
    return Part(rf"(^|/)({'|'.join(layers)})/kernel$" if layers else "", weight_decay=steps)


def dexp(base: float, target_factor: float, steps: int) -> Steps:
    """Return cuda-convnet2's discretised exponential, from base down to base / target_factor."""
    values = tuple(base * target_factor ** (-step / (steps - 1)) for step in range(steps))
    return Steps(values, tuple(step / steps for step in range(steps)), "share")


PAPER = Recipe(
    name="paper",
    variant="paper",
    title="the NIPS 2012 paper",
    source="paper, sections 4 and 5",
    learning_rate=Plateau(0.01, 0.1, times=3, patience=5),
    parts=(biases(2.0), decay(5e-4)),
    epochs=90,
    color_noise=Steps((0.1,)),
    views=10,
    result="ILSVRC-2012 validation, ten crops: 40.7 / 18.2 %",
    note="The authors looked at the validation error themselves: the patience of 5 epochs is this "
    "package's. The paper says nothing of biases; their factor is the authors' program's.",
)

SOURCE_2012 = dataclasses.replace(
    PAPER,
    name="source2012",
    variant="source2012",
    title="the run of 2012 as its log has it, with conv1 slowed down first",
    source="layer-params-145.cfg",
    learning_rate=Steps((0.01, 1e-3, 1e-4, 1e-5), (0, 25, 51, 79)),
    parts=(
        Part(r"(^|/)conv1/bias$", learning_rate=Steps((0.02, 0.0), (0, 72))),
        Part(
            r"(^|/)conv1/kernel$",
            learning_rate=Steps((0.01, 1e-3, 1e-4, 1e-5, 0.0), (0, 25, 51, 67, 72)),
            weight_decay=Steps((5e-4,)),
        ),
        biases(learning_rate=Steps((0.02,))),
        decay(5e-4),
    ),
    epochs=91,
    color_noise=Steps((0.1, 0.0), (0, 67)),
    note="The rates were changed by hand; the log's epochs are taken as those that were done. The "
    "biases kept 0.02 to the end.",
)

BVLC = Recipe(
    name="bvlc",
    variant="bvlc",
    title="Caffe's BVLC AlexNet",
    source="models/bvlc_alexnet/solver.prototxt and train_val.prototxt of Caffe",
    learning_rate=Steps(
        (0.01, 1e-3, 1e-4, 1e-5, 1e-6),
        (0, 100_000, 200_000, 300_000, 400_000),
        "iterations",
    ),
    parts=(biases(2.0), decay(5e-4)),
    batch_size=256,
    epochs=90,
    iterations=450_000,
    crop=(256, 227),
    result="ILSVRC-2012 validation, one crop: 42.9 / 19.8 %",
    note="The published weights are those after iteration 360,000.",
)

CAFFENET = dataclasses.replace(
    BVLC,
    name="caffenet",
    variant="caffenet",
    title="CaffeNet, Caffe's reference network",
    source="models/bvlc_reference_caffenet/solver.prototxt and train_val.prototxt of Caffe",
    result="ILSVRC-2012 validation, one crop: 42.6 / 19.6 %",
    note="The published weights are those after iteration 310,000.",
)

OWT = Recipe(
    name="owt",
    variant="owt",
    title="torchvision's AlexNet",
    source="references/classification/README.md and train.py of torchvision",
    learning_rate=Steps((0.01, 1e-3, 1e-4), (0, 30, 60)),
    parts=(decay(1e-4),),
    velocity="without_rate",
    batch_size=256,
    epochs=90,
    result="ILSVRC-2012 validation, one crop: 43.5 / 20.9 %",
    note="8 processes with 32 images each; biases decay as weights do. Its windows are of random "
    "size and shape; here they are all of one size.",
)

OWT_ORIGIN = dataclasses.replace(
    OWT,
    name="owt_origin",
    title="imagenet-multiGPU.torch, the one-tower network before torchvision",
    source="train.lua and opts.lua of imagenet-multiGPU.torch",
    learning_rate=Steps((0.01, 5e-3, 1e-3, 5e-4, 1e-4), (0, 18, 29, 43, 52)),
    parts=(decay(Steps((5e-4, 0.0), (0, 29))),),
    restarts=True,
    batch_size=128,
    epochs=55,
    result="ILSVRC-2012 validation, one crop: 42.5 % top-1 after epoch 53",
    note="Each new rate comes with a new state of the optimizer. Biases decay as weights do.",
)

CUDA_CONVNET2 = Recipe(
    name="cuda_convnet2",
    variant="cuda_convnet2",
    title="cuda-convnet2's one-tower network",
    source="layers/layer-params-imagenet-1gpu.cfg and the wiki's TrainingExample of cuda-convnet2",
    learning_rate=dexp(0.01, 250, 4),
    parts=(biases(learning_rate=dexp(0.02, 10, 2)), decay(5e-4)),
    epochs=90,
    color_noise=Steps((0.1,)),
    views=10,
    result="ILSVRC-2012 validation: one crop 42.5 / 19.8 %, ten crops 40.4 / 18.2 %",
)

CIFAR10_18PCT = Recipe(
    name="cifar10_18pct",
    variant="cifar10_18pct",
    title="CIFAR-10, 18 % test error",
    source="layer-params-18pct.cfg of cuda-convnet",
    learning_rate=Steps((1e-3, 1e-4, 1e-5), (0, 120, 130)),
    parts=(biases(2.0), decay(1.0, "fc10"), decay(4e-3)),
    epochs=140,
    crop=None,
    result="18 %",
)

CIFAR10_19PCT = dataclasses.replace(
    CIFAR10_18PCT,
    name="cifar10_19pct",
    variant="cifar10_19pct",
    title="CIFAR-10, 19 % test error",
    source="layer-params-19pct.cfg of cuda-convnet",
    parts=(biases(2.0), decay(3.0, "fc10"), decay(4e-3)),
    result="19 %",
    note="The file names no schedule: this is that of cifar10_18pct, which took as long.",
)

CIFAR10_80SEC = dataclasses.replace(
    CIFAR10_18PCT,
    name="cifar10_80sec",
    variant="cifar10_80sec",
    title="CIFAR-10, 26 % test error in 80 seconds of 2011",
    source="layer-params-80sec.cfg of cuda-convnet",
    learning_rate=Steps((1e-3, 1e-4), (0, 8)),
    parts=(biases(2.0), decay(0.03, "fc64", "fc10"), decay(4e-3)),
    epochs=10,
    result="26 %",
    note="The file says to divide the rate after 8 epochs and not when to stop; Caffe's copy, "
    "cifar10_quick, trains for 2 more.",
)

CIFAR10_13PCT = Recipe(
    name="cifar10_13pct",
    variant="cifar10_13pct",
    title="CIFAR-10, 13 % test error, on windows of 24 x 24",
    source="layer-params-conv-local-13pct.cfg of cuda-convnet; wiki",
    learning_rate=Steps((1e-3, 1e-4, 1e-5), (0, 140, 150)),
    parts=(
        biases(learning_rate=Steps((2e-3,))),
        decay(4e-3, "local3", "local4", "fc10"),
        decay(0.0),
    ),
    epochs=160,
    held_back=100,
    crop=(32, 24),
    views=9,
    result="13 %",
)

CIFAR10_11PCT = dataclasses.replace(
    CIFAR10_13PCT,
    name="cifar10_11pct",
    variant="cifar10_11pct",
    title="CIFAR-10, 11 % test error, on windows of 24 x 24",
    source="layer-params-conv-local-11pct.cfg of cuda-convnet, the later form, with 350 epochs",
    learning_rate=Steps((1e-3, 1e-4, 1e-5), (0, 500, 510)),
    parts=(
        biases(learning_rate=Steps((2e-3,))),
        decay(4e-3, "local3", "local4"),
        decay(0.01, "fc10"),
        decay(0.0),
    ),
    epochs=520,
    held_back=350,
    result="11 %",
    note="The comments lower the rate of the weights alone. The file's first form has 300 epochs "
    "and 0.004 on fc10; cuda-convnet2's has 0.002 on the convolutions and its own schedule.",
)

RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        recipe.name: recipe
        for recipe in (
            PAPER,
            SOURCE_2012,
            BVLC,
            CAFFENET,
            OWT,
            OWT_ORIGIN,
            CUDA_CONVNET2,
            CIFAR10_18PCT,
            CIFAR10_19PCT,
            CIFAR10_80SEC,
            CIFAR10_11PCT,
            CIFAR10_13PCT,
        )
    }
)
