"""The table of variants: figures and their sources; `records` explains the columns.

The sources by the names used below: "paper" is Krizhevsky, Sutskever, Hinton, ImageNet
classification with deep convolutional neural networks, NIPS 2012; "layers-145.cfg" and its kin are
the parameter files of the authors' own program, released by the Computer History Museum in 2025;
"one weird trick" is Krizhevsky, arXiv:1404.5997, 2014.
"""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType

from keras_alexnet.variants.cifar import (
    CIFAR10_11PCT,
    CIFAR10_13PCT,
    CIFAR10_18PCT,
    CIFAR10_19PCT,
    CIFAR10_80SEC,
)
from keras_alexnet.variants.layout import (
    constant,
    head,
    initial,
    normal,
    numbered,
    stages,
    truncated,
)
from keras_alexnet.variants.pixels import (
    PIXELS_2012,
    PIXELS_CAFFE,
    PIXELS_SLIM,
    PIXELS_TORCHVISION,
)
from keras_alexnet.variants.records import (
    AdaptivePool,
    Conv,
    Dropout,
    Initial,
    Norm,
    Pool,
    Variant,
)

# The two towers: conv2, conv4 and conv5 see one half of the maps each (paper, section 3.5).
TOWERS = numbered(
    Conv(96, 11, strides=4, padding=(0, 3)),
    Conv(256, 5, padding=(2, 2), groups=2),
    Conv(384, 3, padding=(1, 1)),
    Conv(384, 3, padding=(1, 1), groups=2),
    Conv(256, 3, padding=(1, 1), groups=2),
)
# The one tower of "one weird trick", with 256 filters in conv4 as in its layers-imagenet-1gpu.cfg.
ONE_TOWER = numbered(
    Conv(64, 11, strides=4, padding=(2, 2)),
    Conv(192, 5, padding=(2, 2)),
    Conv(384, 3, padding=(1, 1)),
    Conv(256, 3, padding=(1, 1)),
    Conv(256, 3, padding=(1, 1)),
)

PLAIN = ("conv relu norm pool", "conv relu norm pool", "conv relu", "conv relu", "conv relu pool")
WITHOUT_NORM = ("conv relu pool", "conv relu pool", *PLAIN[2:])
TRAINED_NORM = Norm(5, k=2.0, alpha=2e-5)  # layers-145.cfg: scale 1e-4, divided by the size
DROP, DOWNSCALED = Dropout(0.5), Dropout(0.5, downscale=True)
AFTER = ("fc relu drop", "fc relu drop", "fc")
BIASES_2012 = constant(0, 1, 0, 1, 1, 1, 1, 0)
DEVIATIONS_2012 = normal(0.01, 0.01, 0.03, 0.03, 0.03, 0.01, 0.01, 0.01)

PAPER = Variant(
    name="paper",
    title="the NIPS 2012 paper, its text taken literally",
    differs="Normalization over all maps with alpha 1e-4 on the plain sum; N(0, 0.01) everywhere.",
    source="paper, sections 3 to 5; conv1's padding from its figures of neurons",
    features=stages(PLAIN, conv=TOWERS, norm=Norm(5, k=2.0, alpha=1e-4), pool=Pool()),
    classifier=head(*AFTER, drop=DOWNSCALED),
    initial=initial(normal(*[0.01] * 8), BIASES_2012),
    parameters=60_965_224,
    multiply_adds=724_406_816,
    neurons=659_272,
    pixels=PIXELS_2012,
)

SOURCE_ORDER = (
    "conv norm pool relu",
    "conv relu norm cnorm pool",
    "conv relu",
    "conv relu",
    "conv pool relu",
)
SOURCE_2012 = dataclasses.replace(
    PAPER,
    name="source2012",
    title="the network as its authors ran it in 2012",
    differs="conv1 is linear up to its pooling; each tower is normalized alone; alpha is 2e-5; "
    "a second normalization within each map follows in layer 2.",
    source="layers-145.cfg, layer-params-145.cfg, layer.py",
    features=stages(
        SOURCE_ORDER,
        conv=TOWERS,
        norm=dataclasses.replace(TRAINED_NORM, groups=2),
        cnorm=Norm(5, k=1.0, alpha=1e-3 / 25, region="within_channel"),
        pool=Pool(),
    ),
    initial=initial(DEVIATIONS_2012, BIASES_2012),
)

SOURCE_2012_HALF = dataclasses.replace(
    SOURCE_2012,
    name="source2012_half",
    title="one tower of source2012, the paper's one-GPU comparison",
    differs="Half the filters of source2012 but for conv5, which keeps its 256; no groups.",
    source="layers-145-half.cfg; paper, section 3.2",
    features=stages(
        SOURCE_ORDER,
        conv=numbered(
            Conv(48, 11, strides=4, padding=(0, 3)),
            Conv(128, 5, padding=(2, 2)),
            Conv(192, 3, padding=(1, 1)),
            Conv(192, 3, padding=(1, 1)),
            Conv(256, 3, padding=(1, 1)),
        ),
        norm=TRAINED_NORM,
        cnorm=Norm(5, k=1.0, alpha=1e-3 / 25, region="within_channel"),
        pool=Pool(),
    ),
    parameters=59_798_312,
    multiply_adds=391_514_384,
    neurons=355_864,
)

CAFFE_TOWERS = {**TOWERS, 1: Conv(96, 11, strides=4)}
CAFFE_NORM = Norm(5, k=1.0, alpha=2e-5)  # train_val.prototxt: alpha 1e-4, divided by the size
CAFFE_DEVIATIONS = normal(0.01, 0.01, 0.01, 0.01, 0.01, 0.005, 0.005, 0.01)
BVLC = dataclasses.replace(
    PAPER,
    name="bvlc",
    title="Caffe's BVLC AlexNet",
    differs="227 x 227 without padding in conv1; k is 1 and alpha 2e-5; biases start at 0.1.",
    source="models/bvlc_alexnet/train_val.prototxt of Caffe",
    features=stages(PLAIN, conv=CAFFE_TOWERS, norm=CAFFE_NORM, pool=Pool()),
    classifier=head(*AFTER, drop=DROP),
    initial=initial(CAFFE_DEVIATIONS, constant(0, 0.1, 0, 0.1, 0.1, 0.1, 0.1, 0)),
    input_size=227,
    pixels=PIXELS_CAFFE,
)

CAFFENET = dataclasses.replace(
    BVLC,
    name="caffenet",
    title="CaffeNet, Caffe's reference network",
    differs="bvlc with the pooling before the normalization; biases start at 1.",
    source="models/bvlc_reference_caffenet/train_val.prototxt of Caffe",
    features=stages(
        ("conv relu pool norm", "conv relu pool norm", *PLAIN[2:]),
        conv=CAFFE_TOWERS,
        norm=CAFFE_NORM,
        pool=Pool(),
    ),
    initial=initial(CAFFE_DEVIATIONS, BIASES_2012),
)

FAN_IN = (Initial("fan_in_uniform"),) * 8
OWT = Variant(
    name="owt",
    title="torchvision's AlexNet: one tower, no normalization",
    differs="64-192-384-256-256 filters, no groups; dropout before fc6 and fc7; other image sizes "
    "are averaged down to 6 x 6 before fc6.",
    source='torchvision, models/alexnet.py; "one weird trick"',
    features=stages(WITHOUT_NORM, conv=ONE_TOWER, pool=Pool()),
    classifier=(
        ("avgpool", AdaptivePool(6)),
        *head("drop fc relu", "drop fc relu", "fc", drop=DROP),
    ),
    initial=initial(FAN_IN, FAN_IN),
    parameters=61_100_840,
    multiply_adds=714_188_480,
    neurons=494_184,
    pixels=PIXELS_TORCHVISION,
)

CUDA_CONVNET2 = dataclasses.replace(
    OWT,
    name="cuda_convnet2",
    title="cuda-convnet2's one-tower network, the source of owt",
    differs="owt's filters with normalization, linear conv1 and conv5 up to their poolings; "
    "fc8's biases start at -7.",
    source="layers/layers-imagenet-1gpu.cfg of cuda-convnet2",
    features=stages(
        ("conv norm pool relu", "conv relu norm pool", "conv relu", "conv relu", "conv pool relu"),
        conv={**ONE_TOWER, 1: Conv(64, 11, strides=4, padding=(0, 3))},
        norm=TRAINED_NORM,
        pool=Pool(),
    ),
    classifier=head(*AFTER, drop=DOWNSCALED),
    initial=initial(DEVIATIONS_2012, constant(0, 1, 0, 1, 1, 1, 1, -7)),
    pixels=PIXELS_2012,
)

SLIM_V2 = dataclasses.replace(
    OWT,
    name="slim_v2",
    title="TF-Slim's alexnet_v2",
    differs="384 filters in conv4; no padding in conv1, so 54 x 54 maps and a fc6 of 6400 inputs.",
    source="tf_slim/nets/alexnet.py",
    features=stages(
        WITHOUT_NORM,
        conv={**ONE_TOWER, 1: Conv(64, 11, strides=4), 4: Conv(384, 3, padding=(1, 1))},
        pool=Pool(),
    ),
    classifier=head(*AFTER, drop=DROP),
    initial=initial(
        (Initial("glorot_uniform"),) * 5 + truncated(0.005, 0.005, 0.005),
        constant(0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0),
    ),
    parameters=50_303_912,
    multiply_adds=736_555_776,
    neurons=473_064,
    pixels=PIXELS_SLIM,
)

NOTEBOOK = dataclasses.replace(
    OWT,
    name="notebook",
    title="the TensorFlow benchmark notebook that this package grew from",
    differs="owt's filters with TensorFlow's SAME padding, so 56 x 56 maps; normalization over "
    "9 maps; no dropout.",
    source="the notebook, after tutorials/image/alexnet/alexnet_benchmark.py of TensorFlow",
    features=stages(
        PLAIN,
        conv={**ONE_TOWER, 1: Conv(64, 11, strides=4, padding="same")},
        norm=Norm(9, k=1.0, alpha=0.001 / 9),
        pool=Pool(),
    ),
    classifier=head("fc relu", "fc relu", "fc"),
    initial=initial(truncated(0.1, 0.1, 0.1, 0.1, 0.1, 0.04, 0.001, 0.01), constant(*[0] * 8)),
    multiply_adds=716_767_232,
    neurons=501_288,
)

UNGROUPED = dataclasses.replace(
    PAPER,
    name="ungrouped",
    title="the paper's filters without groups (imgclsmob's AlexNet)",
    differs="No groups, so 62.4 million parameters; no padding in conv1; poolings round up.",
    source="pytorchcv/models/alexnet.py of imgclsmob",
    features=stages(
        PLAIN,
        conv={number: dataclasses.replace(conv, groups=1) for number, conv in CAFFE_TOWERS.items()},
        norm=TRAINED_NORM,
        pool=Pool(ceil=True),
    ),
    classifier=head(*AFTER, drop=DROP),
    initial=initial((Initial("he_uniform"),) * 5 + FAN_IN[5:], constant(*[0] * 5) + FAN_IN[5:]),
    parameters=62_378_344,
    multiply_adds=1_131_457_664,
    neurons=648_808,
    pixels=PIXELS_TORCHVISION,
)

VARIANTS: Mapping[str, Variant] = MappingProxyType(
    {
        variant.name: variant
        for variant in (
            PAPER,
            SOURCE_2012,
            SOURCE_2012_HALF,
            BVLC,
            CAFFENET,
            OWT,
            CUDA_CONVNET2,
            SLIM_V2,
            NOTEBOOK,
            UNGROUPED,
            CIFAR10_18PCT,
            CIFAR10_19PCT,
            CIFAR10_80SEC,
            CIFAR10_11PCT,
            CIFAR10_13PCT,
        )
    }
)
