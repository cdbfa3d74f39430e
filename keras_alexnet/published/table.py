"""The published checkpoints as data. `records` explains the fields.

Hashes are those that the publishers or public package recipes state. Accuracies of the same file
differ by up to a point between programs, because they resize differently: each has its transform.
"""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType

from keras_alexnet.published.records import Accuracy, Checkpoint, Sample
from keras_alexnet.variants.pixels import PIXELS_CAFFE, PIXELS_TORCHVISION

BY_SHORTER_SIDE = (
    "RGB, shorter side 256 (bilinear with antialiasing), central 224 x 224, 0 to 1, less the mean, "
    "divided by the deviation"
)
BY_SHORTER_SIDE_227 = "RGB, shorter side 256 (bicubic), central 227 x 227, 0 to 255, less the mean"
BY_WARP = "BGR, warped to 256 x 256, central 227 x 227, 0 to 255, less the mean"

OWT_TORCHVISION = Checkpoint(
    name="owt_torchvision",
    title="torchvision's AlexNet, IMAGENET1K_V1",
    variant="owt",
    filename="alexnet-owt-7be5be79.pth",
    urls=("https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",),
    hashes=("sha256:7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",),
    size=244_408_911,
    formats=("torch_zip",),
    dialect="torchvision",
    licence="BSD-3-Clause",
    pixels=PIXELS_TORCHVISION,
    accuracies=(
        Accuracy(0.56522, 0.79066, BY_SHORTER_SIDE, "torchvision, AlexNet_Weights"),
        Accuracy(0.5492, 0.7803, BY_SHORTER_SIDE, "MXNet's Gluon model zoo, which converted it"),
    ),
    source="torchvision, models/alexnet.py",
    # As PyTorch prints the tensor, with five digits.
    samples=(
        Sample("conv1", 0, 0, 0, 0, (0.11864, 0.094069, 0.095435), 1e-5),
        Sample("conv1", 0, 0, 0, 8, (0.055822, 0.021575, 0.049963), 1e-5),
    ),
)
OWT_TORCHVISION_2017 = dataclasses.replace(
    OWT_TORCHVISION,
    name="owt_torchvision_2017",
    title="torchvision's AlexNet, the file of before 2021",
    filename="alexnet-owt-4df8aa71.pth",
    urls=("https://download.pytorch.org/models/alexnet-owt-4df8aa71.pth",),
    hashes=("sha256-prefix:4df8aa71",),
    size=244_418_560,
    formats=("torch_tar",),
    source="torchvision before 0.10, models/alexnet.py; pytorch/vision#2068, #3767",
    remark="The same weights as owt_torchvision in PyTorch's first format, which PyTorch itself "
    "has refused to load by default since 2.6. Only the first eight digits of its hash are public.",
)

BVLC_CAFFE = Checkpoint(
    name="bvlc_caffe",
    title="Caffe's BVLC AlexNet",
    variant="bvlc",
    filename="bvlc_alexnet.caffemodel",
    urls=(
        "http://dl.caffe.berkeleyvision.org/bvlc_alexnet.caffemodel",
        "https://nvidia.box.com/shared/static/5j264j7mky11q8emy4q14w3r8hl5v6zh.caffemodel",
    ),
    hashes=(
        "sha256:4bff209a9837298157915ef50a4831a59636a6ca1a6b8ebacd990c3a5f3053e0",
        "sha1:9116a64c0fbe4459d18f4bb6b56d647b63920377",
        "md5:29eb495b11613825c1900382f5286963",
    ),
    size=243_862_414,
    formats=("caffe",),
    dialect="caffe",
    licence="unrestricted use (models/bvlc_alexnet/readme.md; older copies: non-commercial)",
    pixels=PIXELS_CAFFE,
    accuracies=(
        Accuracy(0.571, 0.802, BY_WARP, "Caffe, models/bvlc_alexnet/readme.md"),
        Accuracy(0.56598, 0.79812, BY_WARP, "OpenVINO's Open Model Zoo"),
        Accuracy(
            0.574,
            0.804,
            BY_SHORTER_SIDE_227,
            "MatConvNet, pretrained.md (imagenet-caffe-alex)",
        ),
    ),
    source="Caffe, models/bvlc_alexnet (sha1); Open Model Zoo (sha256, size)",
)
CAFFENET_CAFFE = dataclasses.replace(
    BVLC_CAFFE,
    name="caffenet_caffe",
    title="CaffeNet, Caffe's reference network",
    variant="caffenet",
    filename="bvlc_reference_caffenet.caffemodel",
    urls=("http://dl.caffe.berkeleyvision.org/bvlc_reference_caffenet.caffemodel",),
    hashes=(
        "sha256:472d4a06035497b180636d8a82667129960371375bd10fcb6df5c6c7631f25e0",
        "sha1:4c8d77deb20ea792f84eb5e6d0a11ca0a8660a46",
        "md5:af678f0bd3cdd2437e35679d88665170",
    ),
    size=243_862_418,
    licence="unrestricted use (models/bvlc_reference_caffenet/readme.md; older copies: "
    "non-commercial)",
    accuracies=(
        Accuracy(0.574, 0.804, BY_WARP, "Caffe, models/bvlc_reference_caffenet/readme.md"),
        Accuracy(0.56714, 0.79916, BY_WARP, "OpenVINO's Open Model Zoo"),
        Accuracy(
            0.574,
            0.803,
            BY_SHORTER_SIDE_227,
            "MatConvNet, pretrained.md (imagenet-caffe-ref)",
        ),
    ),
    source="Caffe, models/bvlc_reference_caffenet (sha1); Homebrew's and Nixpkgs' recipes of "
    "Caffe (sha256); Open Model Zoo (size)",
)

IMGCLSMOB = "https://github.com/osmr/imgclsmob/releases/download"
UNGROUPED_IMGCLSMOB = Checkpoint(
    name="ungrouped_imgclsmob",
    title="imgclsmob's AlexNet, for TensorFlow: the most accurate one published",
    variant="ungrouped",
    filename="alexnet-1609-8ae4618e.tf2.h5",
    urls=(f"{IMGCLSMOB}/v0.0.481/alexnet-1609-8ae4618e.tf2.h5.zip",),
    member="alexnet-1609-8ae4618e.tf2.h5",
    hashes=("sha1:8ae4618efdb64d4b2b74fc4346ff917b3d51e3b2",),
    size=None,
    formats=("hdf5",),
    dialect="imgclsmob_tf2",
    licence="MIT",
    pixels=PIXELS_TORCHVISION,
    accuracies=(
        Accuracy(0.6194, 0.8391, BY_SHORTER_SIDE, "imgclsmob, tensorflow2/README.md"),
        Accuracy(0.6193, 0.8390, BY_SHORTER_SIDE, "imgclsmob, gluon/README.md (same weights)"),
    ),
    source="imgclsmob, tensorflow2/tf2cv/models/model_store.py",
    remark="Its own TensorFlow code normalizes over 11 maps with alpha 1e-4; the network was "
    "trained, and is built here, with 5 maps and 2e-5.",
)
UNGROUPED_IMGCLSMOB_TORCH = dataclasses.replace(
    UNGROUPED_IMGCLSMOB,
    name="ungrouped_imgclsmob_torch",
    title="imgclsmob's AlexNet, for PyTorch",
    filename="alexnet-1664-2768cdb3.pth",
    urls=(f"{IMGCLSMOB}/v0.0.481/alexnet-1664-2768cdb3.pth.zip",),
    member="alexnet-1664-2768cdb3.pth",
    hashes=("sha1:2768cdb312d584e33e93f31b0c569589bb289749",),
    formats=("torch_zip", "torch_legacy"),
    dialect="imgclsmob_torch",
    accuracies=(Accuracy(0.6150, 0.8336, BY_SHORTER_SIDE, "imgclsmob, pytorch/README.md"),),
    source="imgclsmob, pytorch/pytorchcv/models/model_store.py",
    remark="",
)
OWT_IMGCLSMOB = dataclasses.replace(
    UNGROUPED_IMGCLSMOB,
    name="owt_imgclsmob",
    title="imgclsmob's AlexNet-b, for TensorFlow: the most accurate of torchvision's network",
    variant="owt",
    filename="alexnetb-1706-df9cb6fd.tf2.h5",
    urls=(f"{IMGCLSMOB}/v0.0.485/alexnetb-1706-df9cb6fd.tf2.h5.zip",),
    member="alexnetb-1706-df9cb6fd.tf2.h5",
    hashes=("sha1:df9cb6fd363e35b987a652a7ba706b6118eefff3",),
    accuracies=(
        Accuracy(0.6072, 0.8294, BY_SHORTER_SIDE, "imgclsmob, tensorflow2/README.md"),
        Accuracy(0.6070, 0.8295, BY_SHORTER_SIDE, "imgclsmob, gluon/README.md (same weights)"),
    ),
    remark="Its poolings round up, which changes nothing for images of 224 x 224.",
)
OWT_IMGCLSMOB_TORCH = dataclasses.replace(
    UNGROUPED_IMGCLSMOB_TORCH,
    name="owt_imgclsmob_torch",
    title="imgclsmob's AlexNet-b, for PyTorch",
    variant="owt",
    filename="alexnetb-1747-ac887bf7.pth",
    urls=(f"{IMGCLSMOB}/v0.0.485/alexnetb-1747-ac887bf7.pth.zip",),
    member="alexnetb-1747-ac887bf7.pth",
    hashes=("sha1:ac887bf7eada4179857d243584ac30b4d74a6493",),
    accuracies=(Accuracy(0.6026, 0.8253, BY_SHORTER_SIDE, "imgclsmob, pytorch/README.md"),),
    remark="Its poolings round up, which changes nothing for images of 224 x 224.",
)

BVLC_TORONTO = dataclasses.replace(
    BVLC_CAFFE,
    name="bvlc_toronto",
    title="BVLC AlexNet as a NumPy file, of the University of Toronto",
    filename="bvlc_alexnet.npy",
    urls=("https://www.cs.toronto.edu/~guerzhoy/tf_alexnet/bvlc_alexnet.npy",),
    # One public note states it, of the file as it was in 2025; the author states none.
    hashes=("sha256:1294ef51496c52f2e4879ee3b5e1da22c35d61f3240937491b4469403d5428cc",),
    size=None,
    formats=("npy",),
    dialect="toronto",
    licence="not stated; the weights are those of bvlc_caffe",
    accuracies=BVLC_CAFFE.accuracies[:1],
    source="www.cs.toronto.edu/~guerzhoy/tf_alexnet",
    remark="The weights of bvlc_caffe, converted with caffe-tensorflow.",
)

ONNX_ZOO = "https://github.com/onnx/models/raw/main/validated/vision/classification"
ONNX_TRANSFORM = "not stated, for inputs of 224 x 224"
BVLC_ONNX = dataclasses.replace(
    BVLC_CAFFE,
    name="bvlc_onnx",
    title="BVLC AlexNet of the ONNX model zoo, opset 12",
    filename="bvlcalexnet-12.onnx",
    urls=(
        f"{ONNX_ZOO}/alexnet/model/bvlcalexnet-12.onnx",
        "https://huggingface.co/onnxmodelzoo/bvlcalexnet-12/resolve/main/bvlcalexnet-12.onnx",
    ),
    hashes=("sha256:6b0da9510f27f234ee96a85dc3809dd210150fdefad87f6850f9788513216945",),
    size=243_863_787,
    formats=("onnx",),
    dialect="onnx_zoo",
    licence="BSD-3-Clause (the zoo's README; the Hugging Face copy of it says Apache-2.0)",
    accuracies=(
        Accuracy(0.5480, 0.7823, ONNX_TRANSFORM, "ONNX model zoo, alexnet/README.md"),
        *BVLC_CAFFE.accuracies[:1],
    ),
    source="onnx/models, validated/vision/classification/alexnet",
    remark="Its own graph takes 224 x 224 and pads before fc6; the weights belong to 227 x 227.",
)
CAFFENET_ONNX = dataclasses.replace(
    BVLC_ONNX,
    name="caffenet_onnx",
    title="CaffeNet of the ONNX model zoo, opset 12",
    variant="caffenet",
    filename="caffenet-12.onnx",
    urls=(
        f"{ONNX_ZOO}/caffenet/model/caffenet-12.onnx",
        "https://huggingface.co/onnxmodelzoo/caffenet-12/resolve/main/caffenet-12.onnx",
    ),
    hashes=("sha256:ea563e5c47d1f58e1717cf1a2d8bf288b8adc07af0ad228b622096cd243aeecb",),
    size=243_863_798,
    accuracies=(
        Accuracy(0.5627, 0.7952, ONNX_TRANSFORM, "ONNX model zoo, caffenet/README.md"),
        *CAFFENET_CAFFE.accuracies[:1],
    ),
    source="onnx/models, validated/vision/classification/caffenet",
)

OWT_PADDLE = dataclasses.replace(
    OWT_TORCHVISION,
    name="owt_paddle",
    title="PaddlePaddle's AlexNet",
    filename="AlexNet_pretrained.pdparams",
    urls=("https://paddle-imagenet-models-name.bj.bcebos.com/dygraph/AlexNet_pretrained.pdparams",),
    hashes=("md5:7f0f9f737132e02732d75a1459d98a43",),
    size=None,
    formats=("pickle",),
    dialect="paddle",
    licence="Apache-2.0",
    accuracies=(Accuracy(0.567, 0.792, BY_SHORTER_SIDE, "PaddleClas, model zoo"),),
    source="Paddle, python/paddle/vision/models/alexnet.py",
    samples=(),
    remark="Trained with dropout that halves at test time: fc6 and fc7 are halved on loading.",
)

# The first of each variant is what "imagenet" means for it.
CHECKPOINTS: Mapping[str, Checkpoint] = MappingProxyType(
    {
        checkpoint.name: checkpoint
        for checkpoint in (
            OWT_TORCHVISION,
            BVLC_CAFFE,
            CAFFENET_CAFFE,
            UNGROUPED_IMGCLSMOB,
            OWT_TORCHVISION_2017,
            OWT_IMGCLSMOB,
            OWT_IMGCLSMOB_TORCH,
            OWT_PADDLE,
            UNGROUPED_IMGCLSMOB_TORCH,
            BVLC_TORONTO,
            BVLC_ONNX,
            CAFFENET_ONNX,
        )
    }
)
