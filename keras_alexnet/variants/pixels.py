"""The preprocessing constants of each family of networks, with their sources."""

import dataclasses

from keras_alexnet.variants.records import Pixels

PIXELS_2012 = Pixels(
    resizing="shorter_side",
    base=256,
    # Channel means of ImageNet's training images over 256 x 256. The authors subtracted the mean
    # image pixel by pixel, which is not published with the figures.
    mean=(127.3049, 119.7154, 104.9126),
    spread=74.3,
    color_noise=0.1,
    noise_dialect="source2012",
    source="paper, sections 2 and 4.1; convdata_jpeg.py; cuda-convnet2, make-data/input_meta",
)
PIXELS_CAFFE = Pixels(
    resizing="warp",  # cv::resize, bilinear, in util/io.cpp; it has no antialiasing
    base=256,
    mean=(122.67891434, 116.66876762, 104.00698793),  # from imagenet_mean.binaryproto
    order="bgr",
    spread=74.3,
    source="Caffe, examples/imagenet/create_imagenet.sh and python/caffe/imagenet",
)
PIXELS_TORCHVISION = Pixels(
    resizing="shorter_side",
    base=256,
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),  # the mean of the images' own deviations, not that of all pixels
    scale=1 / 255,
    spread=1.2,
    source="torchvision, transforms/_presets.py (ImageClassification)",
)
PIXELS_SLIM = Pixels(
    resizing="shorter_side",
    base=256,
    mean=(123.68, 116.78, 103.94),
    spread=74.3,
    source="TF-Slim, preprocessing/vgg_preprocessing.py; none is named for alexnet_v2",
)
PIXELS_CIFAR = Pixels(
    resizing="shorter_side",
    base=32,
    # Channel means of CIFAR-10's 50,000 training images; cuda-convnet subtracts their mean image,
    # which `PixelNormalization.adapt` computes.
    mean=(125.27, 122.93, 113.86),
    spread=63.7,
    mirrors=False,
    source="cuda-convnet, convdata.py (CIFARDataProvider); means measured on the training set",
)
# Crops of 24 x 24, mirrored half the time (CroppedCIFARDataProvider, in the same file).
PIXELS_CIFAR_CROPS = dataclasses.replace(PIXELS_CIFAR, mirrors=True)
