"""What must happen before Keras is imported."""

import os
import sys


def quieten_command_line() -> None:
    """Keep TensorFlow's start-up notices out of the command line's output.

    TensorFlow reads the variable when it is imported. A program that imports this package keeps
    its own setting, and so does a user of the command line who has set one.
    """
    words = " ".join(os.path.basename(word) for word in sys.orig_argv[:3])
    if "-m keras_alexnet" in words or "keras-alexnet" in words:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
