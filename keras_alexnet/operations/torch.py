"""PyTorch: an autograd function that keeps its input alone, and sums in place."""

import torch
from keras import ops

from keras_alexnet.operations import plain

SLICE_BYTES = 2_500_000  # one to four images of the 2012 network's normalisations


def window_sum(x, axis: int, before: int, after: int):
    """Sum the neighbours along one axis in place: fewer passes over memory than padded slices.

    Not in an export: PyTorch's tracer drops what is done in place to a part of a tensor.
    """
    if is_exporting():
        return plain.window_sum(x, axis, before, after)
    total = x.clone()
    length = x.shape[axis]
    for shift in range(1, min(after, length - 1) + 1):
        total.narrow(axis, 0, length - shift).add_(x.narrow(axis, shift, length - shift))
    for shift in range(1, min(before, length - 1) + 1):
        total.narrow(axis, shift, length - shift).add_(x.narrow(axis, 0, length - shift))
    return total


def grouped_conv(x, kernel, groups: int, **options):
    """Convolve with PyTorch's own grouped convolution, which is fast (examples/benchmarks)."""
    return ops.conv(x, kernel, **options)


def descend(optimizer, variable, velocity, gradient, rate, momentum, decay, rate_in_velocity):
    """Change variable and velocity in place, slice by slice: new tensors cost ten times as much."""
    with torch.no_grad():
        for w, v, g in _flat_slices(variable.value, velocity.value, gradient):
            v.mul_(momentum)
            if rate_in_velocity:
                _add(_add(v, g, -rate), w, -rate * decay)
                w.add_(v)
            else:
                _add(v.add_(g), w, decay)
                _add(w, v, -rate)


def _add(total, x, factor):
    """Add a multiple of x; a factor that is a tensor stays on its device."""
    if isinstance(factor, torch.Tensor):
        return total.addcmul_(x, factor)
    return total.add_(x, alpha=factor) if factor else total


def _flat_slices(*tensors):
    """Yield slices of tensors of one shape that stay in a CPU's cache, else the tensors."""
    if torch.compiler.is_compiling() or not all(
        tensor.device.type == "cpu" and tensor.is_contiguous() for tensor in tensors
    ):
        return [tensors]
    size = SLICE_BYTES // tensors[0].element_size()
    return zip(*(tensor.view(-1).split(size) for tensor in tensors), strict=True)


def differentiable(operation):
    """Give `operation` its own gradient, which keeps nothing but the input.

    In an export it is the plain formula, which every format can hold.
    """
    return lambda x: operation.forward(x) if is_exporting() else _Recomputed.apply(x, operation)


def is_exporting() -> bool:
    """Return whether a model is traced for TorchScript, ONNX, OpenVINO or `torch.export`."""
    exporting = getattr(torch.compiler, "is_exporting", bool)  # PyTorch has it since 2.7
    return torch.jit.is_tracing() or exporting()


class _Recomputed(torch.autograd.Function):
    """An operation whose backward pass computes anew what the forward pass has computed.

    Both passes go through the batch in slices that stay in the processor's cache. Where a second
    derivative may be asked for, backward is made of differentiable operations on the whole
    input; `jvp` and the generated `vmap` rule serve `torch.func`.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(x, operation):
        return _in_slices(operation.forward, x)

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, ctx.operation = inputs
        ctx.save_for_backward(x)
        ctx.save_for_forward(x)

    @staticmethod
    def backward(ctx, dy):
        if torch.is_grad_enabled():
            return ctx.operation.vjp(*ctx.saved_tensors, dy), None
        return _in_slices(ctx.operation.vjp, *ctx.saved_tensors, dy), None

    @staticmethod
    def jvp(ctx, dx, _):
        return ctx.operation.jvp(*ctx.saved_tensors, dx)[1]


def _in_slices(function, *tensors):
    """Compute a function of the images one by one on a few images at a time.

    Each of its operations is a pass over memory, and each result of some megabytes is memory
    asked of the system anew: on slices of the cache's size it runs four times as fast on a CPU.
    """
    first = tensors[0]
    # The compiler first: with sizes that it leaves open there is no number of bytes to ask for.
    if torch.compiler.is_compiling() or first.device.type != "cpu":
        return function(*tensors)
    size = max(1, SLICE_BYTES // max(1, first[0].nbytes)) if len(first) else 1
    if len(first) <= size:
        return function(*tensors)
    result = torch.empty_like(first)
    slices = zip(*(tensor.split(size) for tensor in tensors), strict=True)
    for part, values in zip(result.split(size), slices, strict=True):
        part.copy_(function(*values))
    return result


def affine(ops, x, scale, shift, dtype: str):
    """Multiply and add in one pass, in the copy that whole numbers need as floats anyway."""
    kind = getattr(torch, dtype)
    y = x.to(kind)
    scale, shift = (_whole_rows(value.to(kind), x) for value in (scale, shift))
    return torch.addcmul(shift, y, scale, out=None if x.is_floating_point() else y)


def _whole_rows(value, images):
    """Repeat what there is for each channel over a row: loops over three numbers are slow."""
    if value.dim() == 0:
        return value
    return value.expand(*value.shape[:-2], *images.shape[-2:]).contiguous()


def crop(ops, images, tops, lefts, mirrors, height: int, width: int):
    """Copy window by window on a CPU, 50 times as fast there as PyTorch's gather of pixels."""
    if images.device.type != "cpu" or torch.compiler.is_compiling():
        return plain.crop(ops, images, tops, lefts, mirrors, height, width)
    windows = images.new_empty((len(images), height, width, images.shape[-1]))
    places = zip(tops.tolist(), lefts.tolist(), mirrors.tolist(), strict=True)
    for image, window, (top, left, mirrored) in zip(images, windows, places, strict=True):
        cut = image[top : top + height, left : left + width]
        window.copy_(cut.flip(1) if mirrored else cut)
    return windows


def new_tensor(variable, values):
    """Hand the array's memory over, where `keras.ops` would copy it."""
    return torch.from_numpy(values).to(variable.value.device, variable.value.dtype)


def assign(variable, tensor):
    """Take the tensor's memory over, unless a GPU or other processes have the variable's."""
    value = variable.value
    if value.device.type == "cpu" and not value.is_shared():
        value.data = tensor
    else:
        variable.assign(tensor)
