"""How the command line starts: without TensorFlow's notices about the machine."""

import os
import sys
import tempfile


def start_quietly() -> None:
    """Import Keras for the command line with TensorFlow's start-up notices held back.

    TensorFlow writes them to the process's error stream, whatever its log level says, and with
    them a user's mistake would not be one line. They are shown after all if the import fails, and
    kept with `TF_CPP_MIN_LOG_LEVEL=0`. A program that imports this package is left alone.
    """
    words = " ".join(os.path.basename(word) for word in sys.orig_argv[:3])
    from_command_line = "-m keras_alexnet" in words or "keras-alexnet" in words
    if not from_command_line or os.environ.get("TF_CPP_MIN_LOG_LEVEL") == "0":
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # for the notices of later operations
    try:
        errors = os.dup(2)
    except OSError:  # the error stream is closed: there is nothing to keep clean
        return
    with tempfile.TemporaryFile() as notices:
        os.dup2(notices.fileno(), 2)
        try:
            import keras

            keras.ops.zeros(1)  # the last notices come with the first operation
        except BaseException:
            notices.seek(0)
            os.write(errors, notices.read())
            raise
        finally:
            os.dup2(errors, 2)
            os.close(errors)
