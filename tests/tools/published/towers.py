"""Published networks whose convolutions have two groups."""

from published.rows import Lrn, variant

# The columns of all tables, where gr stands for groups:
#
# layer  op       filters ker st  pad gr output         params         MACs

# Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep Convolutional Neural
# Networks", NIPS 2012, sections 3.3 to 3.5 and 4.2. The paper prints neither padding nor rounding;
# this is the only reading that gives its 60 million parameters and 650,000 neurons (its count for
# the first layer, 253,440, is a slip for 55 * 55 * 96 = 290,400). Section 3.3 multiplies the plain
# sum of squares by alpha.
PAPER = variant(
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
SOURCE2012 = variant(
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
SOURCE2012_HALF = variant(
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
BVLC = variant(
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


# Caffe, models/bvlc_reference_caffenet/train_val.prototxt. Pooling comes before normalization.
CAFFENET = variant(
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
