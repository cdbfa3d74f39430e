"""TensorFlow: one XLA kernel for the forward and one for the backward pass."""

import functools

import keras
import numpy as np
import tensorflow as tf

from keras_alexnet.operations import plain, programs
from keras_alexnet.operations.framework_ops import operations


def differentiable(operation):
    """Compile `operation` and give it its own gradient, which keeps nothing but the input.

    Without XLA every step of the formula is a pass over memory of its own; as a compiled
    function inside an otherwise uncompiled graph the operation is about twice as fast. The
    gradient is made of differentiable operations, so second derivatives work. Operations that
    differ in their numbers alone share the compiled functions.

    In an export it is the plain formula: a graph may run, or be converted to another format, where
    there is no XLA.
    """
    structure = operation.structure

    @tf.custom_gradient
    def apply(x):
        compiled = programs.is_compiled(structure, x)

        def run(function, *tensors):
            if not compiled:
                return function(operation, *tensors)
            dtype = tf.float64 if x.dtype == tf.float64 else tf.float32
            numbers = [tf.constant(number, dtype) for number in operation.numbers]
            return programs.run(_filled, (function, structure, len(tensors)), *tensors, *numbers)

        def gradient(dy):
            return run(type(operation).vjp, x, dy)

        # Without the stop an eager tape looks into `forward` as well and keeps all inside it.
        return run(type(operation).forward, tf.stop_gradient(x)), gradient

    return lambda x: operation.forward(x) if is_exporting() else apply(x)


def _filled(function, structure, count: int, *tensors):
    """Call an operation's function with `count` tensors; the numbers come after them."""
    return function(structure.filled(*tensors[count:]), *tensors[:count])


def is_exporting() -> bool:
    """Return whether an export is tracing; eagerly nothing is traced."""
    return not tf.executing_eagerly() and plain.is_exporting()


SMALL_MAPS = 40_000  # between pool1 of the networks for CIFAR-10 and pool5 of those for ImageNet


def slow_max_pool(values: int) -> bool:
    """Return whether only CPUs are visible, and the maps are large enough for slices to be as fast.

    On small maps TensorFlow's own kernel takes a fifth of the time; in a whole step of `paper` the
    two are alike. XLA cannot use that kernel, and its own takes three times as long as slices:
    in graphs they remain for large maps, since it is not known here whether XLA will compile the
    graph.
    """
    if tf.executing_eagerly():
        return False
    return values > SMALL_MAPS and not tf.config.list_physical_devices("GPU")


def dropout(x, rate: float, seed_generator):
    """Draw with Philox: what XLA takes by itself needs thirty times as long on a CPU."""
    seed = tf.cast(seed_generator.next(), "int32")
    return tf.nn.experimental.stateless_dropout(x, rate, seed=seed, rng_alg="philox")


def descend(optimizer, variable, velocity, gradient, rate, momentum, decay, rate_in_velocity):
    """Change variable and velocity in one pass over memory; without XLA the formula takes five."""
    kernels = tf.raw_ops.ResourceApplyKerasMomentum, tf.raw_ops.ResourceApplyMomentum
    apply = kernels[0] if rate_in_velocity else kernels[1]
    if isinstance(variable, keras.Variable):
        variable = variable.value
    apply(
        var=variable.handle,
        accum=velocity.value.handle,
        lr=tf.cast(rate, variable.dtype),
        grad=plain.decayed(gradient, variable, decay),
        momentum=tf.cast(momentum, variable.dtype),
        use_locking=False,
        use_nesterov=False,
    )


def _compiled(function, images, *tensors, **static):
    """Call a function of operations and images, compiled in a graph that knows the images' size.

    Eagerly each batch may have a size of its own; of exports `differentiable` says more.
    """
    call = functools.partial(function, operations("tensorflow"))
    if tf.executing_eagerly() or None in images.shape[1:] or is_exporting():
        return call(images, *tensors, **static)
    return programs.run(_with, (function, tuple(static.items())), images, *tensors)


def _with(function, static, *tensors):
    return function(operations("tensorflow"), *tensors, **dict(static))


def affine(ops, x, scale, shift, dtype: str):
    """Compute in one pass over memory instead of three."""
    return _compiled(plain.affine, x, scale, shift, dtype=dtype)


def crop(ops, images, tops, lefts, mirrors, height: int, width: int):
    """Gather with XLA, which is three times as fast on a CPU as TensorFlow's own kernel."""
    return _compiled(plain.crop, images, tops, lefts, mirrors, height=height, width=width)


def checked(images, rows: int, columns: int, channels: int | None, sentences):
    """Raise an `InvalidArgumentError` with the sentences for images of other sizes.

    XLA leaves assertions out. As it compiles, it refuses the shape of a corner of the first image.
    """
    sizes = tf.shape(images)[1:]
    fits = tf.reduce_all(sizes[:2] >= (rows, columns))
    if channels is not None:
        fits &= sizes[2] == channels
    said = ["Received images of rows, columns and channels", sizes, *sentences]
    with tf.control_dependencies([tf.debugging.Assert(fits, said)]):
        corner = tf.ensure_shape(images[:1, :rows, :columns], (None, rows, columns, channels))
    with tf.control_dependencies([corner]):
        return tf.identity(images)


def declared(images, shape):
    """Give images the static shape that they have, where TensorFlow did not infer it."""
    return tf.ensure_shape(images, shape)


def resize(ops, images, rows: int, columns: int, antialias: bool):
    """Resize with XLA, which has no kernel for TensorFlow's own way, and is three times as fast.

    Not eagerly, where each photo may have a size of its own to be compiled for.
    """
    if tf.executing_eagerly():
        return tf.image.resize(images, (rows, columns), antialias=antialias)
    return _compiled(_weighted_sums, images, rows=rows, columns=columns, antialias=antialias)


def _weighted_sums(ops, images, rows: int, columns: int, antialias: bool):
    for axis, size in ((1, rows), (2, columns)):
        taps, weights = _triangles(images.shape[axis], size, antialias)
        weights = weights.reshape(*weights.shape, *[1] * (3 - axis))
        images = ops.sum(ops.take(images, taps, axis=axis) * weights, axis=axis + 1)
    return images


def _triangles(source: int, target: int, antialias: bool):
    """Return the old pixels that each new one along an axis is made of, and their weights.

    With antialiasing as Pillow makes them: a triangle around the new pixel's place, as wide as two
    old or two new pixels, whichever is more. Without it is as wide as two old ones. Both arrays
    have the shape `(target, taps)`.
    """
    reach = max(source / target, 1) if antialias else 1
    centre = (np.arange(target) + 0.5)[:, None] * source / target
    first = np.maximum(np.floor(centre - reach + 0.5), 0)
    last = np.minimum(np.floor(centre + reach + 0.5), source)
    taps = first + np.arange((last - first).max())
    weights = np.maximum(0, 1 - np.abs(taps + 0.5 - centre) / reach) * (taps < last)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.minimum(taps, source - 1).astype("int32"), weights.astype("float32")


def new_tensor(variable, values):
    """Hand the memory of `plain.new_values` over, which `keras.ops` would copy twice.

    TensorFlow computes with tensors that begin at a multiple of 64 bytes, and ends the process
    where one does not.
    """
    if values.dtype.kind != "f" or values.ctypes.data % 64:
        return plain.new_tensor(variable, values)
    with tf.device(variable.value.device):
        tensor = tf.identity(tf.experimental.dlpack.from_dlpack(values.__dlpack__()))
        return tf.cast(tensor, variable.dtype)
