"""Type aliases of the public signatures: an editor completes their words and shows their names.

A type checker cannot compute the words, so they stand here a second time. `tests/test_types.py`
compares them with the tables and checks that they come from.
"""

import os
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

__all__ = [
    "BadImages",
    "CaffeRegion",
    "ChannelOrder",
    "CheckpointName",
    "CompileMode",
    "DataFormat",
    "DeviceLayout",
    "EvenWindow",
    "ExportFormatName",
    "ExportPrecision",
    "FeaturePooling",
    "Identifier",
    "InferencePrecision",
    "Initialization",
    "Log",
    "Logs",
    "NoiseDialect",
    "NormalizationForm",
    "Padding",
    "PathLike",
    "Pooling",
    "Precision",
    "RecipeName",
    "Reduction",
    "Region",
    "Resizing",
    "Scaling",
    "Schedule",
    "Shape",
    "Sides",
    "Subset",
    "Tensor",
    "VariantName",
    "Velocity",
    "Verbose",
    "Verify",
    "Weights",
    "WeightsName",
]

# Every string is allowed: names have other spellings, and weights are files as well.
VariantName: TypeAlias = (
    Literal[
        "paper",
        "source2012",
        "source2012_half",
        "bvlc",
        "caffenet",
        "owt",
        "cuda_convnet2",
        "slim_v2",
        "notebook",
        "ungrouped",
        "cifar10_18pct",
        "cifar10_19pct",
        "cifar10_80sec",
        "cifar10_11pct",
        "cifar10_13pct",
    ]
    | str
)
CheckpointName: TypeAlias = (
    Literal[
        "owt_torchvision",
        "bvlc_caffe",
        "caffenet_caffe",
        "ungrouped_imgclsmob",
        "owt_torchvision_2017",
        "owt_imgclsmob",
        "owt_imgclsmob_torch",
        "owt_paddle",
        "ungrouped_imgclsmob_torch",
        "bvlc_toronto",
        "bvlc_onnx",
        "caffenet_onnx",
    ]
    | str
)
RecipeName: TypeAlias = (
    Literal[
        "paper",
        "source2012",
        "bvlc",
        "caffenet",
        "owt",
        "owt_origin",
        "cuda_convnet2",
        "cifar10_18pct",
        "cifar10_19pct",
        "cifar10_80sec",
        "cifar10_11pct",
        "cifar10_13pct",
    ]
    | str
)
PathLike: TypeAlias = str | bytes | os.PathLike[str]
WeightsName: TypeAlias = Literal["imagenet"] | CheckpointName
Weights: TypeAlias = WeightsName | PathLike

# No other string is allowed.
BadImages: TypeAlias = Literal["stop", "skip"]
CaffeRegion: TypeAlias = Literal["ACROSS_CHANNELS", "WITHIN_CHANNEL"]
ChannelOrder: TypeAlias = Literal["rgb", "bgr"]
CompileMode: TypeAlias = Literal["auto", "xla", "plain"]
DataFormat: TypeAlias = Literal["channels_last", "channels_first"]
DeviceLayout: TypeAlias = Literal["data_parallel", "one_weird_trick"]
EvenWindow: TypeAlias = Literal["before", "after"]
ExportFormatName: TypeAlias = Literal["onnx", "saved_model", "litert", "openvino", "torch"]
ExportPrecision: TypeAlias = Literal["float32", "float16", "int8"]
FeaturePooling: TypeAlias = Literal["none", "average"]
InferencePrecision: TypeAlias = Literal["float32", "mixed_bfloat16", "mixed_float16", "int8"]
Initialization: TypeAlias = Literal["published", "robust"]
Log: TypeAlias = Literal["tensorboard", "csv", "jsonl"]
NoiseDialect: TypeAlias = Literal["source2012", "lighting"]
NormalizationForm: TypeAlias = Literal["operator", "chain"]
Padding: TypeAlias = Literal["valid", "same"]
Pooling: TypeAlias = Literal["avg", "max"]
Precision: TypeAlias = Literal["float32", "mixed_bfloat16", "mixed_float16"]
Reduction: TypeAlias = Literal["max", "average"]
Region: TypeAlias = Literal["across_channels", "within_channel"]
Resizing: TypeAlias = Literal["shorter_side", "warp"]
Scaling: TypeAlias = Literal["filter", "common"]
Schedule: TypeAlias = Literal["cosine", "constant"]
Subset: TypeAlias = Literal["training", "held_out", "both"]
Velocity: TypeAlias = Literal["with_rate", "without_rate"]
Verbose: TypeAlias = Literal["auto"] | int
Verify: TypeAlias = Literal["warn", "raise", "off"]

# Keras and the backends have no types to write down.
Tensor: TypeAlias = Any  # an array, a tensor of the backend, or a Keras tensor
Identifier: TypeAlias = str | dict[str, Any] | Callable[..., Any]  # as keras.initializers.get takes
Logs: TypeAlias = dict[str, Any] | None  # of a callback
Shape: TypeAlias = Sequence[int | None]
Sides: TypeAlias = int | Sequence[int]  # height and width, one number or a pair
