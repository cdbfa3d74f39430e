"""`quantize_onnx`: an ONNX file whose convolutions and dense layers compute in int8.

The file has the pairs of operators QuantizeLinear and DequantizeLinear around each of them, which
ONNX Runtime and OpenVINO replace by products of whole numbers.
"""

import contextlib
import logging
from collections.abc import Collection, Iterator

import numpy as np

OPERATORS = ("Conv", "Gemm", "MatMul")
BATCH = 16  # calibration images in memory at once, with all that the network computes from them


def quantize_onnx(
    model: bytes | str, path: str, images: np.ndarray, exact: Collection[str] = ()
) -> None:
    """Write an ONNX model in int8, with a scale for each output channel of the weights.

    Args:
        model: The model as bytes, or its path.
        path: The file to write.
        images: Images as the model takes them. The smallest and the largest values that the network
            computes from them become the ranges of its activations.
        exact: The layers, by the starts of the names of their nodes, that remain float32.
    """
    import onnx
    from onnxruntime import quantization

    loaded = onnx.load(model) if isinstance(model, str) else onnx.load_from_string(model)
    batches = _batches(loaded.graph.input[0].name, images)

    class Reader(quantization.CalibrationDataReader):
        def get_next(self):
            return next(batches, None)

    with _silent():
        quantization.quantize_static(
            loaded,
            path,
            Reader(),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=[*OPERATORS],
            per_channel=True,
            nodes_to_exclude=[x.name for x in loaded.graph.node if x.name.split("/")[0] in exact],
        )


def _batches(name: str, images: np.ndarray) -> Iterator[dict[str, np.ndarray]]:
    for first in range(0, len(images), BATCH):
        yield {name: images[first : first + BATCH]}


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Keep the advice of ONNX Runtime's quantizer from the user: nothing of it is to be done.

    It speaks through Python's root logger, and gives that a handler if it has none.
    """
    handler, before = logging.NullHandler(), logging.root.manager.disable
    logging.root.addHandler(handler)
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
        logging.root.removeHandler(handler)
