"""The networks for CIFAR-10, this package's and the same rows of the table in plain PyTorch."""

import functools

import keras
import numpy as np

from keras_alexnet import AlexNet, get_variant
from peers.networks import LEARNING_RATE, MOMENTUM


def ours(net: str, job: str, batch: int, compiled: bool):
    """Return the first outputs and the training step of this package's network."""
    model = AlexNet(net)
    model.set_weights(weights(model))
    images, labels = batch_of(model, batch)
    outputs = model.predict_on_batch(images)
    optimizer = keras.optimizers.SGD(LEARNING_RATE, MOMENTUM)
    model.compile(optimizer, "sparse_categorical_crossentropy", jit_compile=compiled)
    return outputs, lambda: model.train_on_batch(images, labels)


def torch_side(net: str, job: str, batch: int, compiled: bool, channels_last: bool):
    """Return the same of PyTorch's layers, in one of its memory formats."""
    import torch

    template = AlexNet(net)
    memory = torch.channels_last if channels_last else torch.contiguous_format
    model = network(get_variant(net), template).to(memory_format=memory)
    images, labels = batch_of(template, batch)
    x = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(memory_format=memory)
    labels = torch.from_numpy(labels)
    with torch.no_grad():
        outputs = torch.softmax(model(x), dim=-1).numpy()
    run = torch.compile(model) if compiled else model
    optimizer = torch.optim.SGD(model.parameters(), LEARNING_RATE, MOMENTUM)

    def train():
        optimizer.zero_grad(set_to_none=True)
        loss = torch.nn.functional.cross_entropy(run(x), labels)
        loss.backward()
        optimizer.step()
        loss.item()

    return outputs, train


def weights(model) -> list[np.ndarray]:
    """Return He's normal values, and small biases, for all variables of a model."""
    rng = np.random.default_rng(0)
    found = []
    for variable in model.weights:
        shape = tuple(variable.shape)
        scale = 0.1 if variable.name == "bias" else np.sqrt(2 / np.prod(shape[-4:-1]))
        found.append(rng.standard_normal(shape, dtype="float32") * np.float32(scale))
    return found


def batch_of(model, size: int):
    rng = np.random.default_rng(1)
    images = rng.standard_normal((size, *model.input_shape[1:]), dtype="float32")
    return images, rng.integers(0, model.output_shape[-1], size)


def network(record, template):
    """Return the rows of a variant as PyTorch's modules, with the weights that all sides have."""
    from torch import nn

    values = iter(weights(template))
    modules, maps = [], None
    for name, row in record.rows():
        kind = type(row).__name__
        shape = template.get_layer(name).output.shape
        if kind in ("Conv", "Local", "Dense"):
            if kind == "Dense" and maps is not None:
                modules.append(nn.Flatten())
            module = {"Conv": _conv, "Local": _local, "Dense": _dense}[kind]
            modules.append(module(row, maps, next(values), next(values)))
            if kind == "Dense":
                maps = None
        elif kind == "Pool":
            average = functools.partial(nn.AvgPool2d, count_include_pad=False)
            pool = nn.MaxPool2d if row.reduction == "max" else average
            modules.append(pool(row.size, row.strides, ceil_mode=True))
        elif kind == "Norm":
            modules.append(_norm(row))
        else:
            modules.append(nn.ReLU(inplace=True))
        maps = shape[1:] if len(shape) == 4 else None
    return nn.Sequential(*modules)


def _conv(row, maps, kernel, bias):
    from torch import nn

    module = nn.Conv2d(kernel.shape[2], row.filters, row.kernel, row.strides, row.padding[0])
    return _loaded(module, kernel.transpose(3, 2, 0, 1), bias)


def _dense(row, maps, kernel, bias):
    from torch import nn

    units = kernel.shape[-1]
    if maps is not None:  # rows in the order height, width, channels; here channels come first
        kernel = kernel.reshape(*maps, units).transpose(2, 0, 1, 3).reshape(-1, units)
    return _loaded(nn.Linear(*kernel.shape), kernel.T, bias)


def _loaded(module, kernel, bias):
    import torch

    module.weight.data.copy_(torch.from_numpy(np.ascontiguousarray(kernel)))
    module.bias.data.copy_(torch.from_numpy(bias))
    return module


def _norm(row):
    import torch
    from torch import nn

    if row.region == "across_channels":
        return nn.LocalResponseNorm(row.size, row.alpha * row.size, row.beta, row.k)

    class Within(nn.Module):
        def forward(self, x):
            squares = torch.nn.functional.avg_pool2d(x * x, row.size, 1, row.size // 2)
            return x / (row.k + row.alpha * row.size**2 * squares) ** row.beta

    return Within()


def _local(row, maps, kernel, bias):
    """Return unshared weights as PyTorch users write them: `unfold` and a batched product."""
    import torch
    from torch import nn

    rows, columns, height, width, _, filters = kernel.shape
    kernel = kernel.transpose(0, 1, 4, 2, 3, 5).reshape(rows * columns, -1, filters)

    class Local(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.from_numpy(np.ascontiguousarray(kernel)))
            self.bias = nn.Parameter(torch.from_numpy(bias.reshape(rows * columns, 1, filters)))

        def forward(self, x):
            windows = nn.functional.unfold(x, (height, width), padding=row.padding[0])
            y = torch.baddbmm(self.bias, windows.permute(2, 0, 1), self.weight)
            return y.permute(1, 2, 0).reshape(-1, filters, rows, columns)

    return Local()
