"""Names of the networks' layers in other programs, each with the name of the layer here.

Caffe's layers have the same names as here. Another program's name stands for the layer here that
has the same activations: a name for a convolution and the rectification after it stands for the
`relu` here.
"""

from collections.abc import Mapping
from types import MappingProxyType

STAGES = {1: (1, 1), 2: (2, 1), 3: (3, 1), 4: (3, 2), 5: (3, 3)}  # imgclsmob's stage and unit

# torchvision, models/alexnet.py: indices in its two `Sequential`s.
TORCHVISION_FEATURES = (
    *("conv1", "relu1", "pool1", "conv2", "relu2", "pool2"),
    *("conv3", "relu3", "conv4", "relu4", "conv5", "relu5", "pool5"),
)
TORCHVISION_CLASSIFIER = ("drop6", "fc6", "relu6", "drop7", "fc7", "relu7", "fc8")
TORCHVISION = {
    **{f"features.{index}": name for index, name in enumerate(TORCHVISION_FEATURES)},
    **{f"classifier.{index}": name for index, name in enumerate(TORCHVISION_CLASSIFIER)},
    "features": "pool5",
    "avgpool": "pool5",  # for images of 224 pixels, where there is no such layer
    "classifier": "fc8",
}

# imgclsmob, pytorchcv/models/alexnet.py: a unit is a convolution, its rectification and, in the
# first two stages of the network with normalization, the normalization.
IMGCLSMOB = {
    **{f"features.stage{s}.unit{u}.conv": f"conv{n}" for n, (s, u) in STAGES.items()},
    **{f"features.stage{s}.unit{u}.activ": f"relu{n}" for n, (s, u) in STAGES.items()},
    **{f"features.stage{s}.unit{u}": f"relu{n}" for n, (s, u) in STAGES.items()},
    **{f"features.stage{s}.pool{s}": f"pool{n}" for s, n in ((1, 1), (2, 2), (3, 5))},
    **{f"features.stage{s}": f"pool{n}" for s, n in ((1, 1), (2, 2), (3, 5))},
    **{f"output.fc{n - 5}.fc": f"fc{n}" for n in (6, 7)},
    **{f"output.fc{n - 5}.activ": f"relu{n}" for n in (6, 7)},
    "features": "pool5",
    "output.fc3": "fc8",
    "output": "fc8",
}
IMGCLSMOB_NORMALISED = {
    **IMGCLSMOB,
    "features.stage1.unit1": "norm1",
    "features.stage2.unit1": "norm2",
}

# tf_slim/nets/alexnet.py: its end points are the outputs of its layers, all rectified but the last.
SLIM = {
    **{f"alexnet_v2/conv{n}": f"relu{n}" for n in STAGES},
    **{f"alexnet_v2/pool{n}": f"pool{n}" for n in (1, 2, 5)},
    **{f"alexnet_v2/fc{n}": f"relu{n}" for n in (6, 7)},
    "alexnet_v2/fc8": "fc8",
}

# The ONNX model zoo's networks, whose outputs have another name.
ONNX_ZOO = {"prob_1": "prob"}

ALIASES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "bvlc": ONNX_ZOO,
        "caffenet": ONNX_ZOO,
        "owt": {**IMGCLSMOB, **TORCHVISION},
        "slim_v2": SLIM,
        "notebook": {"fat1": "relu6", "fat2": "relu7", "fat3": "prob"},  # softmax inside fat3
        "ungrouped": IMGCLSMOB_NORMALISED,
    }
)
