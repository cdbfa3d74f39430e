"""Which compile mode trains faster."""

import keras

from keras_alexnet.errors import UserError, explain

MODES = ("auto", "xla", "plain")


def jit_compile(mode: str = "auto") -> bool | str:
    """Return what `compile(jit_compile=...)` should be given.

    `"auto"` leaves the choice to Keras: XLA on JAX and on a GPU, TensorFlow's own kernels on a
    CPU, none on PyTorch. On a CPU that is also what this package's networks train faster with:
    their normalisation and crops are compiled on their own, and XLA's gradients of poolings and of
    5 x 5 convolutions are slower than TensorFlow's (examples/benchmarks/compile_modes.py).

    Raises:
        UserError: If there is no such mode, or the backend does not have it.
    """
    if mode not in MODES:
        raise UserError(
            explain(
                f"Received compile_mode={mode!r}.",
                f"It must be one of {', '.join(map(repr, MODES))}.",
                "'auto' takes the one that was measured to be faster.",
            )
        )
    if mode == "xla" and keras.backend.backend() == "torch":
        raise UserError(
            explain(
                "Received compile_mode='xla' on the PyTorch backend.",
                "XLA is a mode of TensorFlow and JAX.",
                "Leave it at 'auto'.",
            )
        )
    return "auto" if mode == "auto" else mode == "xla"
