"""The rows of cuda-convnet's networks for CIFAR-10: figures and their sources."""

import dataclasses

from keras_alexnet.variants.layout import constant, initial, normal, numbered, stages
from keras_alexnet.variants.pixels import PIXELS_CIFAR, PIXELS_CIFAR_CROPS
from keras_alexnet.variants.records import Conv, Dense, Local, Norm, Pool, Relu, Variant

CIFAR_CONVS = numbered(*[Conv(filters, 5, padding=(2, 2)) for filters in (32, 32, 64)])
CIFAR_POOLS = numbered(Pool(ceil=True), *[Pool("average", ceil=True)] * 2)
CIFAR10_18PCT = Variant(
    name="cifar10_18pct",
    title="CIFAR-10, 18 % test error, with normalization",
    differs="Three convolutions; normalization within each map after the first two poolings.",
    source="layers-18pct.cfg of cuda-convnet",
    features=stages(
        ("conv pool relu norm", "conv relu pool norm", "conv relu pool"),
        conv=CIFAR_CONVS,
        norm=Norm(3, k=1.0, alpha=5e-5 / 9, region="within_channel"),
        pool=CIFAR_POOLS,
    ),
    classifier=(("fc10", Dense(None)),),
    initial=initial(
        normal(1e-4, 0.01, 0.01, 0.01), constant(*[0] * 4), ("conv1", "conv2", "conv3", "fc10")
    ),
    parameters=89_578,
    multiply_adds=12_298_240,
    neurons=45_066,
    input_size=32,
    classes=10,
    pixels=PIXELS_CIFAR,
)

CIFAR10_19PCT = dataclasses.replace(
    CIFAR10_18PCT,
    name="cifar10_19pct",
    title="CIFAR-10, 19 % test error",
    differs="cifar10_18pct without normalization.",
    source="layers-19pct.cfg of cuda-convnet",
    features=stages(("conv relu pool",) * 3, conv=CIFAR_CONVS, pool=CIFAR_POOLS),
)

CIFAR10_80SEC = dataclasses.replace(
    CIFAR10_19PCT,
    name="cifar10_80sec",
    title="CIFAR-10, 26 % test error in 80 seconds of 2011",
    differs="cifar10_19pct with a hidden layer of 64 units before the classifier.",
    source="layers-80sec.cfg of cuda-convnet",
    classifier=(("fc64", Dense(64)), ("relu4", Relu()), ("fc10", Dense(None))),
    initial=initial(
        normal(1e-4, 0.01, 0.01, 0.1, 0.1),
        constant(*[0] * 5),
        ("conv1", "conv2", "conv3", "fc64", "fc10"),
    ),
    parameters=145_578,
    multiply_adds=12_354_176,
    neurons=45_130,
)

CIFAR_LOCAL_CONVS = numbered(Conv(64, 5, padding=(2, 2)), Conv(64, 5, padding=(2, 2)))
CIFAR10_11PCT = dataclasses.replace(
    CIFAR10_18PCT,
    name="cifar10_11pct",
    title="CIFAR-10, 11 % test error, with unshared weights and normalization",
    differs="Crops of 24 x 24; two convolutions, normalized over 9 maps, then two layers with "
    "kernels of their own at every position.",
    source="layers-conv-local-11pct.cfg of cuda-convnet",
    features=stages(
        ("conv relu pool norm", "conv relu norm pool"),
        conv=CIFAR_LOCAL_CONVS,
        norm=Norm(9, k=1.0, alpha=0.001 / 9),
        pool=Pool(ceil=True),
    ),
    classifier=(
        *stages(("local relu",), first=3, local=Local(64, 3, padding=(1, 1))),
        *stages(("local relu",), first=4, local=Local(32, 3, padding=(1, 1))),
        ("fc10", Dense(None)),
    ),
    initial=initial(
        normal(1e-4, 0.01, 0.04, 0.04, 0.01),
        constant(*[0] * 5),
        ("conv1", "conv2", "local3", "local4", "fc10"),
    ),
    parameters=2_112_970,
    multiply_adds=19_512_576,
    neurons=49_546,
    input_size=24,
    pixels=PIXELS_CIFAR_CROPS,
)

CIFAR10_13PCT = dataclasses.replace(
    CIFAR10_11PCT,
    name="cifar10_13pct",
    title="CIFAR-10, 13 % test error, with unshared weights",
    differs="cifar10_11pct without normalization and with half the filters in local3.",
    source="layers-conv-local-13pct.cfg of cuda-convnet",
    features=stages(("conv relu pool",) * 2, conv=CIFAR_LOCAL_CONVS, pool=Pool(ceil=True)),
    classifier=(
        *stages(("local relu",) * 2, first=3, local=Local(32, 3, padding=(1, 1))),
        ("fc10", Dense(None)),
    ),
    parameters=1_116_490,
    multiply_adds=18_517_248,
    neurons=48_394,
)
