"""How the command line starts: without TensorFlow's notices about the machine."""

import contextlib
import os
import sys
import tempfile


@contextlib.contextmanager
def notices_held_back():
    """Hold back what the block writes to the error stream, if this is the command line.

    TensorFlow writes start-up notices there, whatever its log level says, and with them a user's
    mistake would not be one line. They are shown after all if the block fails, and kept with
    `TF_CPP_MIN_LOG_LEVEL=0`. A program that imports this package is left alone.
    """
    words = " ".join(os.path.basename(word) for word in sys.orig_argv[:3])
    from_command_line = "-m keras_alexnet" in words or "keras-alexnet" in words
    try:
        wanted = from_command_line and os.environ.get("TF_CPP_MIN_LOG_LEVEL") != "0"
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


def start_quietly() -> None:
    """Import Keras with its backend's notices held back; the last come with the first operation."""
    with notices_held_back() as held:
        import keras

        if held:
            keras.ops.zeros(1)
