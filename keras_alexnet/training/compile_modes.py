"""The compile modes of the training step."""

from keras_alexnet.arguments import choice
from keras_alexnet.errors import UserError

__all__ = ["MODES"]

MODES = ("auto", "xla", "plain")


def jit_compile(mode: str) -> bool | str:
    """Return the `jit_compile` argument of `compile` for a mode.

    `"auto"` is Keras's own choice: XLA on JAX and on TensorFlow with a GPU, no compilation on
    PyTorch and on TensorFlow without a GPU. On TensorFlow without a GPU, the layers of this package
    compile their slow parts themselves, and XLA for the whole step takes 1.0 to 1.3 times as long
    (examples/benchmarks/compile_modes.py).

    Args:
        mode: `"auto"`, `"xla"` or `"plain"`.

    Raises:
        UserError: If there is no such mode, or the backend does not have it.
    """
    choice("compile_mode", mode, MODES, "Leave it at 'auto', which is Keras's own choice.")
    import keras  # late, because the command line shows the modes without it

    if mode == "xla" and keras.backend.backend() == "torch":
        raise UserError(
            "Received compile_mode='xla' on the PyTorch backend.",
            "The mode 'xla' needs the TensorFlow or the JAX backend.",
            "Leave it at 'auto'.",
        )
    return "auto" if mode == "auto" else mode == "xla"
