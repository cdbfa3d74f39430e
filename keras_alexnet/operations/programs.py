"""Programs that XLA compiles for TensorFlow: which sizes get one, and how many are kept.

XLA compiles a program for each size of the tensors, which takes a tenth of a second and half a
megabyte or more. TensorFlow gives that memory back when the process ends, not earlier.
"""

import functools

FIRST = 16  # sizes of an operation that are compiled for eager calls
MOST = 64  # sizes of all operations together that are compiled for eager calls
KEPT = 64  # functions that are kept for further graphs

_eager_sizes: set[tuple] = set()  # those that are compiled


def is_compiled(operation, x) -> bool:
    """Return whether an operation is to be compiled for tensors like x.

    A graph is compiled if all sizes but the batch's are known: otherwise XLA would compile for
    each new size while it runs. Eager calls know every size, and each photo may have its own: the
    first sizes are compiled, and the others never are, so that a call repeated is the same bits.

    Args:
        operation: Anything hashable that stands for the operation.
        x: A tensor.
    """
    import tensorflow as tf

    if not tf.executing_eagerly():
        return None not in x.shape[1:]
    size = (operation, *x.shape, x.dtype)
    if size in _eager_sizes:
        return True
    of_operation = sum(other[0] == operation for other in _eager_sizes)
    if of_operation >= FIRST or len(_eager_sizes) >= MOST:
        return False
    _eager_sizes.add(size)
    return True


def run(function, fixed: tuple, *tensors):
    """Return `function(*fixed, *tensors)`, computed by a compiled program.

    Args:
        function: A function of hashable values and tensors.
        fixed: The values.
        *tensors: Tensors of known rank.
    """
    import tensorflow as tf

    program = _eager_program if tf.executing_eagerly() else _graph_program
    return program(function, fixed, *((*x.shape, x.dtype) for x in tensors))(*tensors)


def _program(function, fixed, *sizes):
    import tensorflow as tf

    # The partial, not the function in it, is what TensorFlow counts the tracings of. One for each
    # size is traced once, so there is no warning of many.
    return tf.function(functools.partial(function, *fixed), jit_compile=True, autograph=False)


_eager_program = functools.cache(_program)  # `is_compiled` bounds the sizes
_graph_program = functools.lru_cache(maxsize=KEPT)(_program)
