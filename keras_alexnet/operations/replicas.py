"""The copies of a model in the scope of a TensorFlow strategy, each on a device of its own."""

from keras_alexnet.operations.operation import Operation
from keras_alexnet.type_aliases import Tensor


@Operation
def replicas() -> int:
    """Return the number of copies that compute a step together.

    >>> replicas()
    1
    """
    return 1


@replicas.override("tensorflow")
def _replicas_tensorflow() -> int:
    """Return those of the strategy in whose scope this is called."""
    import tensorflow as tf

    return tf.distribute.get_strategy().num_replicas_in_sync


@Operation
def replica_mean(value: Tensor) -> Tensor:
    """Return the mean of a number over all copies, inside a step of one of them.

    >>> replica_mean(2.0)
    2.0
    """
    return value


@replica_mean.override("tensorflow")
def _replica_mean_tensorflow(value: Tensor) -> Tensor:
    """Ask the other copies, unless there are none."""
    import tensorflow as tf

    step = tf.distribute.get_replica_context()
    if step is None or step.num_replicas_in_sync == 1:
        return value
    return step.all_reduce(tf.distribute.ReduceOp.MEAN, value)
