"""What a dense layer takes, laid out so that its product is fast."""

import math

from keras import backend

from keras_alexnet.operations.exports import is_exporting
from keras_alexnet.operations.operation import Operation

PLACES = 49  # of the largest maps that are flattened: pool5 of the networks for ImageNet has 36


@Operation
def before_dense(x):
    """Return x, which a dense layer takes next."""
    return x


@before_dense.override("jax")
def _before_dense_jax(x):
    """Return x, in memory such that XLA computes the next dense layer by Eigen on a CPU.

    XLA (jaxlib 0.10.2) takes YNNPACK, which needs twice as long, unless the features lie before the
    images; and for 5 to 8 images it compiles dense layers in a row and the softmax behind them into
    one loop, which takes eight to ten times as long. The barrier keeps XLA from turning x back.
    """
    import jax

    standard = backend.standardize_dtype(x.dtype)
    other = standard != "float32" or jax.default_backend() != "cpu" or is_exporting()
    if other or x.ndim < 2 or math.prod(x.shape[1:-1]) > PLACES:
        return x
    features = jax.lax.optimization_barrier(x.reshape(len(x), math.prod(x.shape[1:])).T)
    return features.T.reshape(x.shape)
