"""Which compile mode trains faster."""

import keras

from keras_alexnet.errors import UserError, explain

MODES = ("auto", "xla", "plain")
# Parameters from which XLA trains faster on a CPU: there it is the optimizer's passes over memory
# that it saves. It gains 1.2 to 1.5 times on 60 million and loses a tenth on 90 thousand.
MANY_PARAMETERS = 10_000_000


def jit_compile(mode: str, parameters: int) -> bool | str:
    """Return what `compile(jit_compile=...)` should be given.

    `"auto"` leaves the choice to Keras, which is XLA on JAX and on GPUs and nothing on PyTorch, but
    for TensorFlow without a GPU: there Keras compiles nothing, and XLA is the faster mode for the
    large networks (examples/benchmarks/compile_modes.py).

    Args:
        mode: `"auto"`, `"xla"` or `"plain"`.
        parameters: How many parameters the model has.

    Raises:
        UserError: If there is no such mode, or the backend does not have it.
    """
    backend = keras.backend.backend()
    if mode not in MODES:
        raise UserError(
            explain(
                f"Received compile_mode={mode!r}.",
                f"It must be one of {', '.join(map(repr, MODES))}.",
                "'auto' takes the one that was measured to be faster.",
            )
        )
    if mode == "xla" and backend == "torch":
        raise UserError(
            explain(
                "Received compile_mode='xla' on the PyTorch backend.",
                "XLA is a mode of TensorFlow and JAX.",
                "Leave it at 'auto'.",
            )
        )
    if mode != "auto":
        return mode == "xla"
    if backend == "tensorflow":
        import tensorflow as tf

        if not tf.config.list_physical_devices("GPU"):
            return parameters >= MANY_PARAMETERS
    return "auto"
