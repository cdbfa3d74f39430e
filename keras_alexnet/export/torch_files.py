"""PyTorch's export format, `.pt2`: a program and its weights, which `torch.export.load` reads.

Such a file runs without Keras and without this package.
"""

import contextlib
import io
from collections.abc import Callable, Mapping

import numpy as np

from keras_alexnet.errors import UserError
from keras_alexnet.export.operators import Graph
from keras_alexnet.export.settings import Settings
from keras_alexnet.export.torch_module import torch_module

SIDE = 300  # of the example images, where any size is taken
SWITCH = "backed_size_oblivious"


def write(graph: Graph, texts: Mapping[str, str], path: str, settings: Settings) -> None:
    """Write a graph as a program of `torch.export`, for batches of any size.

    Args:
        graph: The graph.
        texts: What `torch.export.load(path, extra_files=...)` returns beside the program, by name.
        path: The file.
        settings: The precision is `"float32"` or `"float16"`; the rest is not used.

    Raises:
        UserError: (a `ValueError`) for the precision `"int8"`.
    """
    if settings.precision == "int8":
        raise UserError(
            "Received the precision 'int8' for the format 'torch'.",
            "The precision must be 'float32' or 'float16' in this format.",
            "Choose the format 'onnx', 'openvino' or 'litert' for int8.",
        )
    import torch

    _check_version(torch)
    module = torch_module(graph, half=settings.precision == "float16")
    # PyTorch would make a program for one image alone if the example were one.
    sizes = [2, *(SIDE if size is None else size for size in graph.input.shape[1:])]
    images = torch.zeros(sizes, dtype=getattr(torch, graph.input.dtype))
    free = torch.export.Dim.AUTO
    axes = {axis: free for axis, size in enumerate(graph.input.shape) if size is None}
    with torch.no_grad(), _maps_of_one_place(graph):
        program = torch.export.export(module, (images,), dynamic_shapes=(axes,))
    # PyTorch ends the process if the disk is too full for its own writer.
    content = io.BytesIO()
    torch.export.save(program, content, extra_files=dict(texts))
    with open(path, "wb") as file:
        file.write(content.getbuffer())


def _check_version(torch) -> None:
    if not hasattr(torch.export.Dim, "AUTO"):  # new in PyTorch 2.6
        raise UserError(
            f"Received the format 'torch' with PyTorch {torch.__version__}.",
            "PyTorch must be 2.6 or newer to write a program for images of any size.",
            "Run pip install -U torch, or choose the format 'onnx'.",
        )


def _maps_of_one_place(graph: Graph):
    """Return a context in which a network that becomes maps is written for one place as well.

    By itself PyTorch assumes that every size that is not known is two or more, that of the outputs
    too, and the program would refuse the smallest images. The switch is new in PyTorch 2.7, and has
    no public name.
    """
    from torch.fx.experimental import _config

    maps = any(None in value.shape[1:] for value in graph.outputs)
    if not maps or not hasattr(_config, SWITCH):
        return contextlib.nullcontext()
    return _config.patch(**{SWITCH: True})


def load(path: str) -> Callable[[np.ndarray], list[np.ndarray]]:
    """Return a function from a batch to the outputs of the program in a file."""
    import torch

    module = torch.export.load(path).module()

    def run(images: np.ndarray) -> list[np.ndarray]:
        with torch.no_grad():
            outputs = module(torch.from_numpy(np.ascontiguousarray(images)))
        return [output.numpy() for output in outputs]

    return run
