"""Published figures of the AlexNet family, as plain data.

Every table below is transcribed from the source named above it, one line per layer in the order
of the network, and nothing here is computed. The package is checked against these figures, so
this module must never import it.

Conventions:

* MACs: one multiply-add of a convolution, local or fully connected layer. Biases are not counted,
  padding zeros are.
* Neurons: outputs of the convolution, local and fully connected layers (Krizhevsky et al. 2012
  count in the same way).
* Parameters include the biases.
* Padding is (before, after), the same for height and width. Where the original code reads missing
  pixels at the bottom and right as zeros (cuda-convnet) or skips them (pools that round up), the
  implied padding is written out.
* Layer names are the public names of the package: ``norm1`` for ``rnorm1a``/``rnorm1b``, ``fc6``
  for ``fat1``, ``prob`` for ``probs`` and so on. ``cnorm2`` is the second, within-map
  normalisation of layer 2 in the 2012 source code.
* torchvision's, TF-slim's and imgclsmob's networks stop at the logits. Their tables still end with
  a ``prob`` row, because the package puts a softmax on top unless it is told not to.
* torchvision's adaptive average pool is the identity at its published input size and is left out.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Lrn:
    """Constants of y = x / (k + alpha * sum of squares over the window) ** beta.

    ``alpha`` is the factor of each single square, as in the paper's formula. ``groups`` is the
    number of channel groups across whose borders the window never reaches.
    """

    n: int
    k: float
    alpha: float
    beta: float
    groups: int = 1


@dataclass(frozen=True)
class Row:
    """One layer of a published table; fields that the layer does not have are None."""

    name: str
    op: str
    filters: int | None
    kernel: int | None
    stride: int | None
    padding: tuple[int, int] | None
    groups: int | None
    output: tuple[int, ...]
    params: int
    macs: int
    lrn: Lrn | None = None
    dropout_rate: float | None = None
    # "inverted" scales while training and is the identity afterwards, "downscale" only masks while
    # training and multiplies by the keep probability afterwards.
    dropout_kind: str | None = None


@dataclass(frozen=True)
class Variant:
    """One published network: its input, its layers and its published totals."""

    name: str
    input_size: int
    classes: int
    parameters: int
    macs: int
    neurons: int
    rows: tuple[Row, ...]

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of one image."""
        return (self.input_size, self.input_size, 3)

    def row(self, name: str) -> Row:
        """Return the row of the layer called `name`."""
        return next(row for row in self.rows if row.name == name)


@dataclass(frozen=True)
class Initial:
    """Initial values of one layer.

    Weight specifications: ``("normal", std)``, ``("truncated", std)`` (cut at two standard
    deviations), ``("glorot_uniform",)``, ``("he_uniform",)`` and ``("fan_in_uniform",)``, which is
    uniform on +-1/sqrt(fan in). The bias is a constant, or "fan_in_uniform" too.
    """

    weight: tuple[str] | tuple[str, float]
    bias: float | str


def _number(text: str) -> int | None:
    return None if text == "-" else int(text.replace(",", ""))


def _row(line: str, lrn: dict[str, Lrn], dropout_kind: str | None) -> Row:
    name, op, filters, kernel, stride, padding, groups, output, params, macs = line.split()
    dropout = op == "dropout"
    if padding == "-":
        pads = None
    else:
        before, after = padding.split(",")
        pads = (int(before), int(after))
    return Row(
        name=name,
        op=op,
        filters=_number(filters),
        kernel=_number(kernel),
        stride=_number(stride),
        padding=pads,
        groups=_number(groups),
        output=tuple(int(size) for size in output.split("x")),
        params=_number(params) or 0,
        macs=_number(macs) or 0,
        lrn=lrn.get(name),
        dropout_rate=0.5 if dropout else None,
        dropout_kind=dropout_kind if dropout else None,
    )


def _variant(
    name: str,
    input_size: int,
    classes: int,
    parameters: int,
    macs: int,
    neurons: int,
    table: str,
    lrn: dict[str, Lrn] | None = None,
    dropout_kind: str | None = None,
) -> Variant:
    lines = table.strip().splitlines()
    rows = tuple(_row(line, lrn or {}, dropout_kind) for line in lines)
    return Variant(name, input_size, classes, parameters, macs, neurons, rows)


# The columns of all tables, where gr stands for groups:
#
# layer  op       filters ker st  pad gr output         params         MACs

# Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep Convolutional Neural
# Networks", NIPS 2012, sections 3.3 to 3.5 and 4.2. The paper prints neither padding nor rounding;
# this is the only reading that gives its 60 million parameters and 650,000 neurons (its count for
# the first layer, 253,440, is a slip for 55 * 55 * 96 = 290,400). Section 3.3 multiplies the plain
# sum of squares by alpha.
_PAPER = _variant(
    "paper",
    input_size=224,
    classes=1000,
    parameters=60_965_224,
    macs=724_406_816,
    neurons=659_272,
    table="""
conv1  conv          96  11  4  0,3 1  55x55x96       34,944  105,415,200
relu1  relu           -   -  -  -   -  55x55x96            -            -
norm1  lrn            -   -  -  -   -  55x55x96            -            -
pool1  maxpool        -   3  2  0,0 -  27x27x96            -            -
conv2  conv         256   5  1  2,2 2  27x27x256     307,456  223,948,800
relu2  relu           -   -  -  -   -  27x27x256           -            -
norm2  lrn            -   -  -  -   -  27x27x256           -            -
pool2  maxpool        -   3  2  0,0 -  13x13x256           -            -
conv3  conv         384   3  1  1,1 1  13x13x384     885,120  149,520,384
relu3  relu           -   -  -  -   -  13x13x384           -            -
conv4  conv         384   3  1  1,1 2  13x13x384     663,936  112,140,288
relu4  relu           -   -  -  -   -  13x13x384           -            -
conv5  conv         256   3  1  1,1 2  13x13x256     442,624   74,760,192
relu5  relu           -   -  -  -   -  13x13x256           -            -
pool5  maxpool        -   3  2  0,0 -  6x6x256             -            -
fc6    fc          4096   -  -  -   -  4096       37,752,832   37,748,736
relu6  relu           -   -  -  -   -  4096                -            -
drop6  dropout        -   -  -  -   -  4096                -            -
fc7    fc          4096   -  -  -   -  4096       16,781,312   16,777,216
relu7  relu           -   -  -  -   -  4096                -            -
drop7  dropout        -   -  -  -   -  4096                -            -
fc8    fc          1000   -  -  -   -  1000        4,097,000    4,096,000
prob   softmax        -   -  -  -   -  1000                -            -
""",
    lrn={"norm1": Lrn(5, 2.0, 1e-4, 0.75), "norm2": Lrn(5, 2.0, 1e-4, 0.75)},
    dropout_kind="downscale",
)

# The code released for the 2012 network, layers-145.cfg. Both towers stand in one table: tower a is
# the first half of the channels. The convolution reads three missing pixels at the bottom and right
# as zeros, and `scale` is divided by the number of squares, 1e-4 / 5 across maps and 1e-3 / 25
# within one.
_SOURCE2012 = _variant(
    "source2012",
    input_size=224,
    classes=1000,
    parameters=60_965_224,
    macs=724_406_816,
    neurons=659_272,
    table="""
conv1  conv          96  11  4  0,3 1  55x55x96       34,944  105,415,200
norm1  lrn            -   -  -  -   -  55x55x96            -            -
pool1  maxpool        -   3  2  0,0 -  27x27x96            -            -
relu1  relu           -   -  -  -   -  27x27x96            -            -
conv2  conv         256   5  1  2,2 2  27x27x256     307,456  223,948,800
relu2  relu           -   -  -  -   -  27x27x256           -            -
norm2  lrn            -   -  -  -   -  27x27x256           -            -
cnorm2 lrn_within     -   -  -  -   -  27x27x256           -            -
pool2  maxpool        -   3  2  0,0 -  13x13x256           -            -
conv3  conv         384   3  1  1,1 1  13x13x384     885,120  149,520,384
relu3  relu           -   -  -  -   -  13x13x384           -            -
conv4  conv         384   3  1  1,1 2  13x13x384     663,936  112,140,288
relu4  relu           -   -  -  -   -  13x13x384           -            -
conv5  conv         256   3  1  1,1 2  13x13x256     442,624   74,760,192
pool5  maxpool        -   3  2  0,0 -  6x6x256             -            -
relu5  relu           -   -  -  -   -  6x6x256             -            -
fc6    fc          4096   -  -  -   -  4096       37,752,832   37,748,736
relu6  relu           -   -  -  -   -  4096                -            -
drop6  dropout        -   -  -  -   -  4096                -            -
fc7    fc          4096   -  -  -   -  4096       16,781,312   16,777,216
relu7  relu           -   -  -  -   -  4096                -            -
drop7  dropout        -   -  -  -   -  4096                -            -
fc8    fc          1000   -  -  -   -  1000        4,097,000    4,096,000
prob   softmax        -   -  -  -   -  1000                -            -
""",
    lrn={
        "norm1": Lrn(5, 2.0, 2e-5, 0.75, groups=2),
        "norm2": Lrn(5, 2.0, 2e-5, 0.75, groups=2),
        "cnorm2": Lrn(5, 1.0, 4e-5, 0.75),
    },
    dropout_kind="downscale",
)

# The one-tower comparison network of the same code, layers-145-half.cfg: the layers of 145 with 48,
# 128, 192, 192 and 256 filters and no groups. Only its filter numbers and its total of parameters
# are published; the rows follow from them.
_SOURCE2012_HALF = _variant(
    "source2012_half",
    input_size=224,
    classes=1000,
    parameters=59_798_312,
    macs=391_514_384,
    neurons=355_864,
    table="""
conv1  conv          48  11  4  0,3 1  55x55x48       17,472   52,707,600
norm1  lrn            -   -  -  -   -  55x55x48            -            -
pool1  maxpool        -   3  2  0,0 -  27x27x48            -            -
relu1  relu           -   -  -  -   -  27x27x48            -            -
conv2  conv         128   5  1  2,2 1  27x27x128     153,728  111,974,400
relu2  relu           -   -  -  -   -  27x27x128           -            -
norm2  lrn            -   -  -  -   -  27x27x128           -            -
cnorm2 lrn_within     -   -  -  -   -  27x27x128           -            -
pool2  maxpool        -   3  2  0,0 -  13x13x128           -            -
conv3  conv         192   3  1  1,1 1  13x13x192     221,376   37,380,096
relu3  relu           -   -  -  -   -  13x13x192           -            -
conv4  conv         192   3  1  1,1 1  13x13x192     331,968   56,070,144
relu4  relu           -   -  -  -   -  13x13x192           -            -
conv5  conv         256   3  1  1,1 1  13x13x256     442,624   74,760,192
pool5  maxpool        -   3  2  0,0 -  6x6x256             -            -
relu5  relu           -   -  -  -   -  6x6x256             -            -
fc6    fc          4096   -  -  -   -  4096       37,752,832   37,748,736
relu6  relu           -   -  -  -   -  4096                -            -
drop6  dropout        -   -  -  -   -  4096                -            -
fc7    fc          4096   -  -  -   -  4096       16,781,312   16,777,216
relu7  relu           -   -  -  -   -  4096                -            -
drop7  dropout        -   -  -  -   -  4096                -            -
fc8    fc          1000   -  -  -   -  1000        4,097,000    4,096,000
prob   softmax        -   -  -  -   -  1000                -            -
""",
    lrn={
        "norm1": Lrn(5, 2.0, 2e-5, 0.75),
        "norm2": Lrn(5, 2.0, 2e-5, 0.75),
        "cnorm2": Lrn(5, 1.0, 4e-5, 0.75),
    },
    dropout_kind="downscale",
)

# Caffe, models/bvlc_alexnet/train_val.prototxt. `alpha` is divided by the window size, 1e-4 / 5.
_BVLC = _variant(
    "bvlc",
    input_size=227,
    classes=1000,
    parameters=60_965_224,
    macs=724_406_816,
    neurons=659_272,
    table="""
conv1  conv          96  11  4  0,0 1  55x55x96       34,944  105,415,200
relu1  relu           -   -  -  -   -  55x55x96            -            -
norm1  lrn            -   -  -  -   -  55x55x96            -            -
pool1  maxpool        -   3  2  0,0 -  27x27x96            -            -
conv2  conv         256   5  1  2,2 2  27x27x256     307,456  223,948,800
relu2  relu           -   -  -  -   -  27x27x256           -            -
norm2  lrn            -   -  -  -   -  27x27x256           -            -
pool2  maxpool        -   3  2  0,0 -  13x13x256           -            -
conv3  conv         384   3  1  1,1 1  13x13x384     885,120  149,520,384
relu3  relu           -   -  -  -   -  13x13x384           -            -
conv4  conv         384   3  1  1,1 2  13x13x384     663,936  112,140,288
relu4  relu           -   -  -  -   -  13x13x384           -            -
conv5  conv         256   3  1  1,1 2  13x13x256     442,624   74,760,192
relu5  relu           -   -  -  -   -  13x13x256           -            -
pool5  maxpool        -   3  2  0,0 -  6x6x256             -            -
fc6    fc          4096   -  -  -   -  4096       37,752,832   37,748,736
relu6  relu           -   -  -  -   -  4096                -            -
drop6  dropout        -   -  -  -   -  4096                -            -
fc7    fc          4096   -  -  -   -  4096       16,781,312   16,777,216
relu7  relu           -   -  -  -   -  4096                -            -
drop7  dropout        -   -  -  -   -  4096                -            -
fc8    fc          1000   -  -  -   -  1000        4,097,000    4,096,000
prob   softmax        -   -  -  -   -  1000                -            -
""",
    lrn={"norm1": Lrn(5, 1.0, 2e-5, 0.75), "norm2": Lrn(5, 1.0, 2e-5, 0.75)},
    dropout_kind="inverted",
)

# Caffe, models/bvlc_reference_caffenet/train_val.prototxt. Pooling comes before normalisation.
_CAFFENET = _variant(
    "caffenet",
    input_size=227,
    classes=1000,
    parameters=60_965_224,
    macs=724_406_816,
    neurons=659_272,
    table="""
conv1  conv          96  11  4  0,0 1  55x55x96       34,944  105,415,200
relu1  relu           -   -  -  -   -  55x55x96            -            -
pool1  maxpool        -   3  2  0,0 -  27x27x96            -            -
norm1  lrn            -   -  -  -   -  27x27x96            -            -
conv2  conv         256   5  1  2,2 2  27x27x256     307,456  223,948,800
relu2  relu           -   -  -  -   -  27x27x256           -            -
pool2  maxpool        -   3  2  0,0 -  13x13x256           -            -
norm2  lrn            -   -  -  -   -  13x13x256           -            -
conv3  conv         384   3  1  1,1 1  13x13x384     885,120  149,520,384
relu3  relu           -   -  -  -   -  13x13x384           -            -
conv4  conv         384   3  1  1,1 2  13x13x384     663,936  112,140,288
relu4  relu           -   -  -  -   -  13x13x384           -            -
conv5  conv         256   3  1  1,1 2  13x13x256     442,624   74,760,192
relu5  relu           -   -  -  -   -  13x13x256           -            -
pool5  maxpool        -   3  2  0,0 -  6x6x256             -            -
fc6    fc          4096   -  -  -   -  4096       37,752,832   37,748,736
relu6  relu           -   -  -  -   -  4096                -            -
drop6  dropout        -   -  -  -   -  4096                -            -
fc7    fc          4096   -  -  -   -  4096       16,781,312   16,777,216
relu7  relu           -   -  -  -   -  4096                -            -
drop7  dropout        -   -  -  -   -  4096                -            -
fc8    fc          1000   -  -  -   -  1000        4,097,000    4,096,000
prob   softmax        -   -  -  -   -  1000                -            -
""",
    lrn={"norm1": Lrn(5, 1.0, 2e-5, 0.75), "norm2": Lrn(5, 1.0, 2e-5, 0.75)},
    dropout_kind="inverted",
)

# torchvision/models/alexnet.py, after Krizhevsky, "One weird trick for parallelizing convolutional
# neural networks", arXiv:1404.5997. conv1 declares padding 2 on every side; the last row and column
# of zeros are never read, hence (2, 1). Dropout stands before fc6 and before fc7.
_OWT = _variant(
    "owt",
    input_size=224,
    classes=1000,
    parameters=61_100_840,
    macs=714_188_480,
    neurons=494_184,
    table="""
conv1  conv          64  11  4  2,1 1  55x55x64       23,296   70,276,800
relu1  relu           -   -  -  -   -  55x55x64            -            -
pool1  maxpool        -   3  2  0,0 -  27x27x64            -            -
conv2  conv         192   5  1  2,2 1  27x27x192     307,392  223,948,800
relu2  relu           -   -  -  -   -  27x27x192           -            -
pool2  maxpool        -   3  2  0,0 -  13x13x192           -            -
conv3  conv         384   3  1  1,1 1  13x13x384     663,936  112,140,288
relu3  relu           -   -  -  -   -  13x13x384           -            -
conv4  conv         256   3  1  1,1 1  13x13x256     884,992  149,520,384
relu4  relu           -   -  -  -   -  13x13x256           -            -
conv5  conv         256   3  1  1,1 1  13x13x256     590,080   99,680,256
relu5  relu           -   -  -  -   -  13x13x256           -            -
pool5  maxpool        -   3  2  0,0 -  6x6x256             -            -
drop6  dropout        -   -  -  -   -  6x6x256             -            -
fc6    fc          4096   -  -  -   -  4096       37,752,832   37,748,736
relu6  relu           -   -  -  -   -  4096                -            -
drop7  dropout        -   -  -  -   -  4096                -            -
fc7    fc          4096   -  -  -   -  4096       16,781,312   16,777,216
relu7  relu           -   -  -  -   -  4096                -            -
fc8    fc          1000   -  -  -   -  1000        4,097,000    4,096,000
prob   softmax        -   -  -  -   -  1000                -            -
""",
    dropout_kind="inverted",
)

# cuda-convnet2, layers-imagenet-1gpu.cfg, with the three implicit zeros of layers-145.cfg. Its
# `dropout2` layers multiply by 0.5 at test time.
_CUDA_CONVNET2 = _variant(
    "cuda_convnet2",
    input_size=224,
    classes=1000,
    parameters=61_100_840,
    macs=714_188_480,
    neurons=494_184,
    table="""
conv1  conv          64  11  4  0,3 1  55x55x64       23,296   70,276,800
norm1  lrn            -   -  -  -   -  55x55x64            -            -
pool1  maxpool        -   3  2  0,0 -  27x27x64            -            -
relu1  relu           -   -  -  -   -  27x27x64            -            -
conv2  conv         192   5  1  2,2 1  27x27x192     307,392  223,948,800
relu2  relu           -   -  -  -   -  27x27x192           -            -
norm2  lrn            -   -  -  -   -  27x27x192           -            -
pool2  maxpool        -   3  2  0,0 -  13x13x192           -            -
conv3  conv         384   3  1  1,1 1  13x13x384     663,936  112,140,288
relu3  relu           -   -  -  -   -  13x13x384           -            -
conv4  conv         256   3  1  1,1 1  13x13x256     884,992  149,520,384
relu4  relu           -   -  -  -   -  13x13x256           -            -
conv5  conv         256   3  1  1,1 1  13x13x256     590,080   99,680,256
pool5  maxpool        -   3  2  0,0 -  6x6x256             -            -
relu5  relu           -   -  -  -   -  6x6x256             -            -
fc6    fc          4096   -  -  -   -  4096       37,752,832   37,748,736
relu6  relu           -   -  -  -   -  4096                -            -
drop6  dropout        -   -  -  -   -  4096                -            -
fc7    fc          4096   -  -  -   -  4096       16,781,312   16,777,216
relu7  relu           -   -  -  -   -  4096                -            -
drop7  dropout        -   -  -  -   -  4096                -            -
fc8    fc          1000   -  -  -   -  1000        4,097,000    4,096,000
prob   softmax        -   -  -  -   -  1000                -            -
""",
    lrn={"norm1": Lrn(5, 2.0, 2e-5, 0.75), "norm2": Lrn(5, 2.0, 2e-5, 0.75)},
    dropout_kind="downscale",
)

# TF-slim, nets/alexnet.py, alexnet_v2. conv1 is VALID, so its last pixel is never read; fc6 to fc8
# are written there as 5x5 and 1x1 convolutions.
_SLIM_V2 = _variant(
    "slim_v2",
    input_size=224,
    classes=1000,
    parameters=50_303_912,
    macs=736_555_776,
    neurons=473_064,
    table="""
conv1  conv          64  11  4  0,0 1  54x54x64       23,296   67,744,512
relu1  relu           -   -  -  -   -  54x54x64            -            -
pool1  maxpool        -   3  2  0,0 -  26x26x64            -            -
conv2  conv         192   5  1  2,2 1  26x26x192     307,392  207,667,200
relu2  relu           -   -  -  -   -  26x26x192           -            -
pool2  maxpool        -   3  2  0,0 -  12x12x192           -            -
conv3  conv         384   3  1  1,1 1  12x12x384     663,936   95,551,488
relu3  relu           -   -  -  -   -  12x12x384           -            -
conv4  conv         384   3  1  1,1 1  12x12x384   1,327,488  191,102,976
relu4  relu           -   -  -  -   -  12x12x384           -            -
conv5  conv         256   3  1  1,1 1  12x12x256     884,992  127,401,984
relu5  relu           -   -  -  -   -  12x12x256           -            -
pool5  maxpool        -   3  2  0,0 -  5x5x256             -            -
fc6    fc          4096   -  -  -   -  4096       26,218,496   26,214,400
relu6  relu           -   -  -  -   -  4096                -            -
drop6  dropout        -   -  -  -   -  4096                -            -
fc7    fc          4096   -  -  -   -  4096       16,781,312   16,777,216
relu7  relu           -   -  -  -   -  4096                -            -
drop7  dropout        -   -  -  -   -  4096                -            -
fc8    fc          1000   -  -  -   -  1000        4,097,000    4,096,000
prob   softmax        -   -  -  -   -  1000                -            -
""",
    dropout_kind="inverted",
)

# The benchmark notebook that this project started from, after TensorFlow's
# tutorials/image/alexnet/alexnet_benchmark.py: SAME convolutions, VALID pools, no dropout and
# tf.nn.lrn with a radius of 4.
_NOTEBOOK = _variant(
    "notebook",
    input_size=224,
    classes=1000,
    parameters=61_100_840,
    macs=716_767_232,
    neurons=501_288,
    table="""
conv1  conv          64  11  4  3,4 1  56x56x64       23,296   72,855,552
relu1  relu           -   -  -  -   -  56x56x64            -            -
norm1  lrn            -   -  -  -   -  56x56x64            -            -
pool1  maxpool        -   3  2  0,0 -  27x27x64            -            -
conv2  conv         192   5  1  2,2 1  27x27x192     307,392  223,948,800
relu2  relu           -   -  -  -   -  27x27x192           -            -
norm2  lrn            -   -  -  -   -  27x27x192           -            -
pool2  maxpool        -   3  2  0,0 -  13x13x192           -            -
conv3  conv         384   3  1  1,1 1  13x13x384     663,936  112,140,288
relu3  relu           -   -  -  -   -  13x13x384           -            -
conv4  conv         256   3  1  1,1 1  13x13x256     884,992  149,520,384
relu4  relu           -   -  -  -   -  13x13x256           -            -
conv5  conv         256   3  1  1,1 1  13x13x256     590,080   99,680,256
relu5  relu           -   -  -  -   -  13x13x256           -            -
pool5  maxpool        -   3  2  0,0 -  6x6x256             -            -
fc6    fc          4096   -  -  -   -  4096       37,752,832   37,748,736
relu6  relu           -   -  -  -   -  4096                -            -
fc7    fc          4096   -  -  -   -  4096       16,781,312   16,777,216
relu7  relu           -   -  -  -   -  4096                -            -
fc8    fc          1000   -  -  -   -  1000        4,097,000    4,096,000
prob   softmax        -   -  -  -   -  1000                -            -
""",
    lrn={"norm1": Lrn(9, 1.0, 0.001 / 9, 0.75), "norm2": Lrn(9, 1.0, 0.001 / 9, 0.75)},
)

# imgclsmob, pytorchcv/models/alexnet.py, version "a". The pools round up, which reaches one pixel
# past the end of the 54 pixels of conv1.
_UNGROUPED = _variant(
    "ungrouped",
    input_size=224,
    classes=1000,
    parameters=62_378_344,
    macs=1_131_457_664,
    neurons=648_808,
    table="""
conv1  conv          96  11  4  0,0 1  54x54x96       34,944  101,616,768
relu1  relu           -   -  -  -   -  54x54x96            -            -
norm1  lrn            -   -  -  -   -  54x54x96            -            -
pool1  maxpool        -   3  2  0,1 -  27x27x96            -            -
conv2  conv         256   5  1  2,2 1  27x27x256     614,656  447,897,600
relu2  relu           -   -  -  -   -  27x27x256           -            -
norm2  lrn            -   -  -  -   -  27x27x256           -            -
pool2  maxpool        -   3  2  0,0 -  13x13x256           -            -
conv3  conv         384   3  1  1,1 1  13x13x384     885,120  149,520,384
relu3  relu           -   -  -  -   -  13x13x384           -            -
conv4  conv         384   3  1  1,1 1  13x13x384   1,327,488  224,280,576
relu4  relu           -   -  -  -   -  13x13x384           -            -
conv5  conv         256   3  1  1,1 1  13x13x256     884,992  149,520,384
relu5  relu           -   -  -  -   -  13x13x256           -            -
pool5  maxpool        -   3  2  0,0 -  6x6x256             -            -
fc6    fc          4096   -  -  -   -  4096       37,752,832   37,748,736
relu6  relu           -   -  -  -   -  4096                -            -
drop6  dropout        -   -  -  -   -  4096                -            -
fc7    fc          4096   -  -  -   -  4096       16,781,312   16,777,216
relu7  relu           -   -  -  -   -  4096                -            -
drop7  dropout        -   -  -  -   -  4096                -            -
fc8    fc          1000   -  -  -   -  1000        4,097,000    4,096,000
prob   softmax        -   -  -  -   -  1000                -            -
""",
    lrn={"norm1": Lrn(5, 2.0, 2e-5, 0.75), "norm2": Lrn(5, 2.0, 2e-5, 0.75)},
    dropout_kind="inverted",
)

# cuda-convnet, layers-18pct.cfg. Pools round up, and an average is taken over the pixels inside the
# image. `scale` is divided by the number of squares, 5e-5 / 9.
_CIFAR10_18PCT = _variant(
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
_CIFAR10_19PCT = _variant(
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
_CIFAR10_80SEC = _variant(
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
_CIFAR10_11PCT = _variant(
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
_CIFAR10_13PCT = _variant(
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

PUBLISHED: dict[str, Variant] = {
    variant.name: variant
    for variant in (
        _PAPER,
        _SOURCE2012,
        _SOURCE2012_HALF,
        _BVLC,
        _CAFFENET,
        _OWT,
        _CUDA_CONVNET2,
        _SLIM_V2,
        _NOTEBOOK,
        _UNGROUPED,
        _CIFAR10_18PCT,
        _CIFAR10_19PCT,
        _CIFAR10_80SEC,
        _CIFAR10_11PCT,
        _CIFAR10_13PCT,
    )
}


def _initial(names: str, weights: list[tuple], biases: list[float | str]) -> dict[str, Initial]:
    return {
        name: Initial(weight, bias)
        for name, weight, bias in zip(names.split(), weights, biases, strict=True)
    }


def _normal(*stds: float) -> list[tuple[str, float]]:
    return [("normal", std) for std in stds]


def _truncated(*stds: float) -> list[tuple[str, float]]:
    return [("truncated", std) for std in stds]


_EIGHT = "conv1 conv2 conv3 conv4 conv5 fc6 fc7 fc8"

# The original code draws from an untruncated normal distribution (`nr.randn`). The paper, section
# 5, has one standard deviation for all layers; layers-145.cfg has 0.03 for conv3 to conv5.
_INITIAL_SOURCE2012 = _initial(
    _EIGHT,
    _normal(0.01, 0.01, 0.03, 0.03, 0.03, 0.01, 0.01, 0.01),
    [0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0],
)

_INITIAL_CIFAR10_18PCT = _initial(
    "conv1 conv2 conv3 fc10", _normal(1e-4, 0.01, 0.01, 0.01), [0.0] * 4
)

_INITIAL_CIFAR10_13PCT = _initial(
    "conv1 conv2 local3 local4 fc10", _normal(1e-4, 0.01, 0.04, 0.04, 0.01), [0.0] * 5
)

# Initial values of every layer with weights, from the sources of the tables above.
INITIAL: dict[str, dict[str, Initial]] = {
    "paper": _initial(_EIGHT, _normal(*[0.01] * 8), [0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0]),
    "source2012": _INITIAL_SOURCE2012,
    "source2012_half": _INITIAL_SOURCE2012,
    "bvlc": _initial(
        _EIGHT,
        _normal(0.01, 0.01, 0.01, 0.01, 0.01, 0.005, 0.005, 0.01),
        [0.0, 0.1, 0.0, 0.1, 0.1, 0.1, 0.1, 0.0],
    ),
    "caffenet": _initial(
        _EIGHT,
        _normal(0.01, 0.01, 0.01, 0.01, 0.01, 0.005, 0.005, 0.01),
        [0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0],
    ),
    # PyTorch's defaults for Conv2d and Linear.
    "owt": _initial(_EIGHT, [("fan_in_uniform",)] * 8, ["fan_in_uniform"] * 8),
    "cuda_convnet2": _initial(
        _EIGHT,
        _normal(0.01, 0.01, 0.03, 0.03, 0.03, 0.01, 0.01, 0.01),
        [0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, -7.0],
    ),
    # slim.conv2d draws its weights by Xavier; alexnet_v2 truncates a normal distribution for fc6 to
    # fc8, and its argument scope sets all biases but the last to 0.1.
    "slim_v2": _initial(
        _EIGHT,
        [("glorot_uniform",)] * 5 + _truncated(0.005, 0.005, 0.005),
        [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.0],
    ),
    "notebook": _initial(_EIGHT, _truncated(0.1, 0.1, 0.1, 0.1, 0.1, 0.04, 0.001, 0.01), [0.0] * 8),
    # `_init_params` there treats the convolutions alone; Linear keeps PyTorch's default.
    "ungrouped": _initial(
        _EIGHT,
        [("he_uniform",)] * 5 + [("fan_in_uniform",)] * 3,
        [0.0] * 5 + ["fan_in_uniform"] * 3,
    ),
    "cifar10_18pct": _INITIAL_CIFAR10_18PCT,
    "cifar10_19pct": _INITIAL_CIFAR10_18PCT,
    "cifar10_80sec": _initial(
        "conv1 conv2 conv3 fc64 fc10", _normal(1e-4, 0.01, 0.01, 0.1, 0.1), [0.0] * 5
    ),
    "cifar10_11pct": _INITIAL_CIFAR10_13PCT,
    "cifar10_13pct": _INITIAL_CIFAR10_13PCT,
}
