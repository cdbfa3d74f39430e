"""How the training step is compiled."""

from keras_alexnet.errors import UserError

MODES = ("auto", "xla", "plain")


def jit_compile(mode: str) -> bool | str:
    """Return what `compile(jit_compile=...)` should be given.

    `"auto"` is Keras's own choice: XLA on JAX and on TensorFlow with a GPU, nothing on PyTorch and
    on TensorFlow without a GPU. There the layers of this package compile their slow parts
    themselves, and XLA for the whole step takes 1.0 to 1.3 times as long
    (examples/benchmarks/compile_modes.py).

    Args:
        mode: `"auto"`, `"xla"` or `"plain"`.

    Raises:
        UserError: If there is no such mode, or the backend does not have it.
    """
    if mode not in MODES:
        raise UserError(
            f"Received compile_mode={mode!r}.",
            f"It must be one of {', '.join(map(repr, MODES))}.",
            "'auto' is Keras's own choice.",
        )
    import keras  # late, because the command line shows the modes without it

    if mode == "xla" and keras.backend.backend() == "torch":
        raise UserError(
            "Received compile_mode='xla' on the PyTorch backend.",
            "XLA is a mode of TensorFlow and JAX.",
            "Leave it at 'auto'.",
        )
    return "auto" if mode == "auto" else mode == "xla"
