"""The paper's network as OpenCV's engine runs it, read from an ONNX file made here."""

import os
import tempfile

import numpy as np

from peers import networks


def side(net: str, job: str, batch: int):
    """Return the first outputs and the forward step."""
    import cv2

    assert job == "forward", "OpenCV does not train"
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "net.onnx")
        _write(net, batch, path)
        engine = cv2.dnn.readNetFromONNX(path)
    images, _ = networks.batch(batch)
    engine.setInput(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
    return engine.forward().copy(), engine.forward


def _write(net, batch, path):
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes, tensors, x = [], [], "image"

    def add(kind, *inputs, **attributes):
        nonlocal x
        name = f"value{len(nodes)}"
        nodes.append(helper.make_node(kind, [x, *inputs], [name], **attributes))
        x = name

    values = networks.weights(net)
    for name, (kernel, bias) in values.items():
        # The 2012 dropout halves what fc7 and fc8 take at test time.
        halved = 0.5 if networks.DROPS[net] == "after" and name in ("fc7", "fc8") else 1
        if name == "fc6":
            kernel = kernel.reshape(6, 6, -1, kernel.shape[-1]).transpose(2, 0, 1, 3)
            kernel = kernel.reshape(-1, kernel.shape[-1])
        kernel = kernel.transpose(3, 2, 0, 1) if kernel.ndim == 4 else kernel * np.float32(halved)
        for part, value in (("w", kernel), ("b", bias)):
            tensors.append(numpy_helper.from_array(np.ascontiguousarray(value), f"{name}_{part}"))
    for number, (_, strides, padding, groups, _) in enumerate(networks.CONVS[net], 1):
        before, after = (3, 4) if padding == "same" else padding
        names = f"conv{number}_w", f"conv{number}_b"
        pads = [before, before, after, after]
        add("Conv", *names, strides=[strides] * 2, pads=pads, group=groups)
        add("Relu")
        if number <= 2 and networks.NORMS[net]:
            radius, k, alpha, beta = networks.NORMS[net]
            size = 2 * radius + 1
            add("LRN", size=size, bias=k, alpha=alpha * size, beta=beta)
        if number in networks.POOLED:
            add("MaxPool", kernel_shape=[3, 3], strides=[2, 2])
    add("Flatten")
    for number in (6, 7, 8):
        add("Gemm", f"fc{number}_w", f"fc{number}_b")
        add("Softmax" if number == 8 else "Relu")
    graph = helper.make_graph(
        nodes,
        net,
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [batch, 3, 224, 224])],
        [helper.make_tensor_value_info(x, TensorProto.FLOAT, [batch, 1000])],
        tensors,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.save(model, path)
