"""Published networks for CIFAR-10."""

from published.rows import Lrn, variant

# The columns of all tables, where gr stands for groups:
#
# layer  op       filters ker st  pad gr output         params         MACs

# cuda-convnet, layers-18pct.cfg. Pools round up, and an average is taken over the pixels inside the
# image. `scale` is divided by the number of squares, 5e-5 / 9.
CIFAR10_18PCT = variant(
    "cifar10_18pct",
    input_size=32,
    classes=10,
    parameters=89_578,
    macs=12_298_240,
    neurons=45_066,
    table="""
conv1  conv          32   5  1  2,2 1  32x32x32        2,432    2,457,600
pool1  maxpool        -   3  2  0,1 -  16x16x32            -            -
relu1  relu           -   -  -  -   -  16x16x32            -            -
norm1  lrn_within     -   -  -  -   -  16x16x32            -            -
conv2  conv          32   5  1  2,2 1  16x16x32       25,632    6,553,600
relu2  relu           -   -  -  -   -  16x16x32            -            -
pool2  avgpool        -   3  2  0,1 -  8x8x32              -            -
norm2  lrn_within     -   -  -  -   -  8x8x32              -            -
conv3  conv          64   5  1  2,2 1  8x8x64         51,264    3,276,800
relu3  relu           -   -  -  -   -  8x8x64              -            -
pool3  avgpool        -   3  2  0,1 -  4x4x64              -            -
fc10   fc            10   -  -  -   -  10             10,250       10,240
prob   softmax        -   -  -  -   -  10                  -            -
""",
    lrn={"norm1": Lrn(3, 1.0, 5e-5 / 9, 0.75), "norm2": Lrn(3, 1.0, 5e-5 / 9, 0.75)},
)


# cuda-convnet, layers-19pct.cfg.
CIFAR10_19PCT = variant(
    "cifar10_19pct",
    input_size=32,
    classes=10,
    parameters=89_578,
    macs=12_298_240,
    neurons=45_066,
    table="""
conv1  conv          32   5  1  2,2 1  32x32x32        2,432    2,457,600
relu1  relu           -   -  -  -   -  32x32x32            -            -
pool1  maxpool        -   3  2  0,1 -  16x16x32            -            -
conv2  conv          32   5  1  2,2 1  16x16x32       25,632    6,553,600
relu2  relu           -   -  -  -   -  16x16x32            -            -
pool2  avgpool        -   3  2  0,1 -  8x8x32              -            -
conv3  conv          64   5  1  2,2 1  8x8x64         51,264    3,276,800
relu3  relu           -   -  -  -   -  8x8x64              -            -
pool3  avgpool        -   3  2  0,1 -  4x4x64              -            -
fc10   fc            10   -  -  -   -  10             10,250       10,240
prob   softmax        -   -  -  -   -  10                  -            -
""",
)


# cuda-convnet, layers-80sec.cfg.
CIFAR10_80SEC = variant(
    "cifar10_80sec",
    input_size=32,
    classes=10,
    parameters=145_578,
    macs=12_354_176,
    neurons=45_130,
    table="""
conv1  conv          32   5  1  2,2 1  32x32x32        2,432    2,457,600
relu1  relu           -   -  -  -   -  32x32x32            -            -
pool1  maxpool        -   3  2  0,1 -  16x16x32            -            -
conv2  conv          32   5  1  2,2 1  16x16x32       25,632    6,553,600
relu2  relu           -   -  -  -   -  16x16x32            -            -
pool2  avgpool        -   3  2  0,1 -  8x8x32              -            -
conv3  conv          64   5  1  2,2 1  8x8x64         51,264    3,276,800
relu3  relu           -   -  -  -   -  8x8x64              -            -
pool3  avgpool        -   3  2  0,1 -  4x4x64              -            -
fc64   fc            64   -  -  -   -  64             65,600       65,536
relu4  relu           -   -  -  -   -  64                  -            -
fc10   fc            10   -  -  -   -  10                650          640
prob   softmax        -   -  -  -   -  10                  -            -
""",
)


# cuda-convnet, layers-conv-local-11pct.cfg, on 24x24 crops. `local` is a convolution whose weights
# are not shared between positions.
CIFAR10_11PCT = variant(
    "cifar10_11pct",
    input_size=24,
    classes=10,
    parameters=2_112_970,
    macs=19_512_576,
    neurons=49_546,
    table="""
conv1  conv          64   5  1  2,2 1  24x24x64        4,864    2,764,800
relu1  relu           -   -  -  -   -  24x24x64            -            -
pool1  maxpool        -   3  2  0,1 -  12x12x64            -            -
norm1  lrn            -   -  -  -   -  12x12x64            -            -
conv2  conv          64   5  1  2,2 1  12x12x64      102,464   14,745,600
relu2  relu           -   -  -  -   -  12x12x64            -            -
norm2  lrn            -   -  -  -   -  12x12x64            -            -
pool2  maxpool        -   3  2  0,1 -  6x6x64              -            -
local3 local         64   3  1  1,1 1  6x6x64      1,329,408    1,327,104
relu3  relu           -   -  -  -   -  6x6x64              -            -
local4 local         32   3  1  1,1 1  6x6x32        664,704      663,552
relu4  relu           -   -  -  -   -  6x6x32              -            -
fc10   fc            10   -  -  -   -  10             11,530       11,520
prob   softmax        -   -  -  -   -  10                  -            -
""",
    lrn={"norm1": Lrn(9, 1.0, 0.001 / 9, 0.75), "norm2": Lrn(9, 1.0, 0.001 / 9, 0.75)},
)


# cuda-convnet, layers-conv-local-13pct.cfg, on 24x24 crops.
CIFAR10_13PCT = variant(
    "cifar10_13pct",
    input_size=24,
    classes=10,
    parameters=1_116_490,
    macs=18_517_248,
    neurons=48_394,
    table="""
conv1  conv          64   5  1  2,2 1  24x24x64        4,864    2,764,800
relu1  relu           -   -  -  -   -  24x24x64            -            -
pool1  maxpool        -   3  2  0,1 -  12x12x64            -            -
conv2  conv          64   5  1  2,2 1  12x12x64      102,464   14,745,600
relu2  relu           -   -  -  -   -  12x12x64            -            -
pool2  maxpool        -   3  2  0,1 -  6x6x64              -            -
local3 local         32   3  1  1,1 1  6x6x32        664,704      663,552
relu3  relu           -   -  -  -   -  6x6x32              -            -
local4 local         32   3  1  1,1 1  6x6x32        332,928      331,776
relu4  relu           -   -  -  -   -  6x6x32              -            -
fc10   fc            10   -  -  -   -  10             11,530       11,520
prob   softmax        -   -  -  -   -  10                  -            -
""",
)
