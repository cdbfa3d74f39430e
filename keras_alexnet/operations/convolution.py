"""Convolution in groups of channels."""

from keras import ops

from keras_alexnet.operations.eigen_convolution import EigenConvolution
from keras_alexnet.operations.exports import is_exporting
from keras_alexnet.operations.operation import Operation


@Operation
def grouped_conv(x, kernel, groups: int, **options):
    """Convolve each group of channels on its own, and concatenate.

    Two half convolutions train 4 to 12 times faster on a CPU than one grouped convolution of
    TensorFlow or JAX (examples/benchmarks/layers.py), and compute the same.
    """
    return _group_by_group(ops.conv, x, kernel, groups, options)


def _group_by_group(conv, x, kernel, groups: int, options: dict):
    if groups == 1:
        return conv(x, kernel, **options)
    axis = -1 if options["data_format"] == "channels_last" else 1
    inputs = ops.split(x, groups, axis=axis)
    kernels = ops.split(kernel, groups, axis=-1)
    parts = [conv(part, half, **options) for part, half in zip(inputs, kernels, strict=True)]
    return ops.concatenate(parts, axis=axis)


@grouped_conv.override("torch")
def _grouped_conv_torch(x, kernel, groups: int, **options):
    """Convolve with PyTorch's own grouped convolution, which is fast (examples/benchmarks)."""
    return biased_conv(x, kernel, None, groups, **options)


@Operation
def biased_conv(x, kernel, bias, groups: int, margin=None, **options):
    """Convolve each group of channels on its own, and add a bias to each filter's map.

    Args:
        x: The images or maps.
        kernel: `(height, width, channels / groups, filters)`.
        bias: A number for each filter, or `None`.
        groups: Number of groups of channels.
        margin: Rows of zeros before and after x, and columns: `((2, 2), (2, 2))`, say, or `None`.
        **options: `strides`, `padding`, `data_format` and `dilation_rate` of `keras.ops.conv`.
    """
    last = options["data_format"] == "channels_last"
    if margin is not None:
        x = ops.pad(x, ((0, 0), *margin, (0, 0)) if last else ((0, 0), (0, 0), *margin))
    y = grouped_conv(x, kernel, groups, **options)
    if bias is None:
        return y
    if last:
        return ops.add(y, ops.reshape(bias, (1, 1, 1, -1)))
    # Keras's `add` on TensorFlow (3.15) takes this for a bias of the columns, if there are as many.
    return y + ops.reshape(bias, (1, -1, 1, 1))


@biased_conv.override("torch")
def _biased_conv_torch(x, kernel, bias, groups: int, margin=None, **options):
    """Convolve and add the bias in one operation, on the memory as it lies.

    Keras copies channels-last maps to channels-first memory and back before it convolves them.
    PyTorch takes them as they are, as a view whose axes are in its own order.
    """
    from torch.nn import functional

    x, kernel = ops.convert_to_tensor(x), ops.convert_to_tensor(kernel)
    bias = bias if bias is None else ops.convert_to_tensor(bias)
    last = options["data_format"] == "channels_last"
    x = x.permute(0, 3, 1, 2) if last else x
    strides, dilation = (_pair(options[name]) for name in ("strides", "dilation_rate"))
    (top, bottom), (left, right) = margin or ((0, 0), (0, 0))
    if options["padding"] == "same":
        sizes = x.shape[2] + top + bottom, x.shape[3] + left + right
        height, width = _same_padding(sizes, kernel.shape[:2], strides, dilation)
        top, bottom = top + height // 2, bottom + height - height // 2
        left, right = left + width // 2, right + width - width // 2
    reach = top, left
    if reach != (bottom, right):
        x, reach = functional.pad(x, (left, right, top, bottom)), (0, 0)
    kernel = _filters_first(kernel) if last else kernel.permute(3, 2, 0, 1)
    y = functional.conv2d(x, kernel, bias, strides, reach, dilation, groups)
    return y.permute(0, 2, 3, 1) if last else y


def _filters_first(kernel):
    """Return a kernel with its axes in PyTorch's order, in memory as channels-last maps want it.

    PyTorch copies it there at each call. As the transposition of a matrix it takes a third of the
    time on a CPU, which is a quarter of a forward pass of one image.
    """
    import torch

    if is_exporting() or torch.compiler.is_compiling():
        return kernel.permute(3, 2, 0, 1)
    height, width, channels, filters = kernel.shape
    matrix = kernel.reshape(-1, filters).t().contiguous()
    return matrix.view(filters, height, width, channels).permute(0, 3, 1, 2)


def _pair(option) -> tuple[int, int]:
    """Return an option of a convolution for height and width."""
    return (option, option) if isinstance(option, int) else tuple(option)


def _same_padding(sizes, kernel, strides, dilation) -> list[int]:
    """Return how many rows and columns `"same"` adds, before and after together."""
    return [
        max(0, (-(-size // step) - 1) * step + (count - 1) * apart + 1 - size)
        for size, count, step, apart in zip(sizes, kernel, strides, dilation, strict=True)
    ]


@grouped_conv.override("jax")
def _grouped_conv_jax(x, kernel, groups: int, **options):
    """Convolve group by group, on a CPU by `EigenConvolution` where that is faster."""
    import jax

    kernel = ops.convert_to_tensor(kernel)
    x = ops.convert_to_tensor(x, dtype=kernel.dtype)
    strides, dilation = (_pair(options[name]) for name in ("strides", "dilation_rate"))
    last = options["data_format"] == "channels_last"
    here = jax.default_backend() == "cpu" and not is_exporting()
    if not here or not last or dilation != (1, 1) or kernel.dtype == "float64":
        return _group_by_group(ops.conv, x, kernel, groups, options)
    total = [0, 0]
    if options["padding"] == "same":
        total = _same_padding(x.shape[1:3], kernel.shape[:2], strides, dilation)
    height, width = ((count // 2, count - count // 2) for count in total)

    def conv(x, kernel, **options):
        ours = EigenConvolution(x.shape, kernel.shape, strides, (height, width))
        return ours(x, kernel) if ours.is_faster else ops.conv(x, kernel, **options)

    return _group_by_group(conv, x, kernel, groups, options)
