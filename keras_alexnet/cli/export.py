"""`keras-alexnet export`: a network as a file of another runtime, run and compared with Keras."""

from typing import get_args

from keras_alexnet.cli.options import add_model, add_overwrite, add_variant
from keras_alexnet.cli.output import print_result
from keras_alexnet.type_aliases import ExportFormatName, ExportPrecision, NormalizationForm


def add(command) -> None:
    """Declare the command and its arguments."""
    export = command(
        "export",
        run,
        "write a network as ONNX, SavedModel, LiteRT, OpenVINO or for PyTorch, run and compare it",
        "keras-alexnet export run/model.keras --output network.onnx --preprocessing",
    )
    add_model(export)
    export.add_argument(
        "--output",
        required=True,
        metavar="PATH",
        help="the file to write, or the folder of a SavedModel",
    )
    export.add_argument(
        "--format",
        choices=get_args(ExportFormatName),
        help="the format (default: the ending of the output names it: .onnx, none for "
        "saved_model, .tflite for litert, .xml for openvino, .pt2 for torch)",
    )
    add_variant(export)
    export.add_argument(
        "--preprocessing",
        action="store_true",
        help="take uint8 RGB photos of any size, and return probabilities",
    )
    _add_numbers(export)
    add_overwrite(export)


def _add_numbers(export) -> None:
    """Declare how the file computes, and on what it is compared."""
    export.add_argument(
        "--precision",
        choices=get_args(ExportPrecision),
        default="float32",
        help="float16: weights of half the size; int8: whole numbers, whose ranges are measured "
        "on --photos",
    )
    export.add_argument(
        "--normalization",
        choices=get_args(NormalizationForm),
        help="the format's own operator of local response normalization, or a chain of plain ones "
        "(default: the faster)",
    )
    export.add_argument(
        "--photos",
        nargs="+",
        metavar="IMAGE",
        help="images and folders for the comparison with Keras, and for int8 (default: images "
        "that the package draws)",
    )


def run(arguments) -> None:
    """Write the file, and say how it compares."""
    from keras_alexnet import jobs

    print_result(arguments, jobs.export)
