"""Published networks for ImageNet without groups."""

from published.rows import Lrn, variant

# The columns of all tables, where gr stands for groups:
#
# layer  op       filters ker st  pad gr output         params         MACs

# torchvision/models/alexnet.py, after Krizhevsky, "One weird trick for parallelizing convolutional
# neural networks", arXiv:1404.5997. conv1 declares padding 2 on every side; the last row and column
# of zeros are never read, hence (2, 1). Dropout stands before fc6 and before fc7.
OWT = variant(
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
CUDA_CONVNET2 = variant(
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
SLIM_V2 = variant(
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
NOTEBOOK = variant(
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
UNGROUPED = variant(
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
