"""`Settings`: how a file of an exported model is to be written."""

import dataclasses

import numpy as np

PRECISIONS = ("float32", "float16", "int8")
NORMALIZATIONS = ("operator", "chain")


@dataclasses.dataclass(frozen=True, eq=False)
class Settings:
    """How a file is to be written.

    Args:
        precision: `"float32"`; `"float16"` for weights of half the size; `"int8"` for weights and
            products of whole numbers.
        calibration: Images as the graph takes them, from which the ranges of `"int8"` are measured.
        normalization: `"operator"` for the `LRN` operator of formats that have it, `"chain"` for
            plain operators; `None` for the faster one.
    """

    precision: str = "float32"
    calibration: np.ndarray | None = None
    normalization: str | None = None
