"""How the command line starts: with fast convolutions, and without notices about the machine."""

import contextlib
import os
import platform
import sys
import tempfile


def is_command_line() -> bool:
    """Return whether this process is `keras-alexnet`, or `python -m keras_alexnet`.

    A program that imports this package is left as it is.
    """
    words = " ".join(os.path.basename(word) for word in sys.orig_argv[:3])
    return "-m keras_alexnet" in words or "keras-alexnet" in words


def choose_convolutions() -> None:
    """Have TensorFlow use oneDNN on every x86 processor, unless the user has decided.

    By itself it does so only with instructions such as AVX-512 VNNI; on two cores with AVX2
    alone, training steps take 1.4 to 2 times as long without it (README, Speed). TensorFlow reads
    the variable when it is imported.
    """
    if platform.machine() in ("x86_64", "AMD64"):
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


@contextlib.contextmanager
def notices_held_back():
    """Hold back what the block writes to the error stream, if this is the command line.

    TensorFlow writes start-up notices there, whatever its log level says, and with them a user's
    mistake would not be one line. They are shown after all if the block fails, and kept with
    `TF_CPP_MIN_LOG_LEVEL=0`.
    """
    try:
        wanted = is_command_line() and os.environ.get("TF_CPP_MIN_LOG_LEVEL") != "0"
        errors = os.dup(2) if wanted else None
    except OSError:  # the error stream is closed: there is nothing to keep clean
        errors = None
    if errors is None:
        yield False
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # for the notices of later operations
    with tempfile.TemporaryFile() as notices:
        os.dup2(notices.fileno(), 2)
        try:
            yield True
        except BaseException:
            notices.seek(0)
            os.write(errors, notices.read())
            raise
        finally:
            os.dup2(errors, 2)
            os.close(errors)


def start() -> None:
    """Import Keras; for the command line with oneDNN, and with the backend's notices held back."""
    if is_command_line():
        choose_convolutions()
    with notices_held_back() as held:
        import keras

        if held:  # the last notices come with the first operation
            keras.ops.zeros(1)
