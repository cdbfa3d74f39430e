"""The start of the command line: a late import of Keras, fast settings, quiet streams."""

import contextlib
import gc
import importlib
import ntpath
import os
import platform
import re
import sys
import tempfile

__all__ = ["import_package", "keep_memory"]

# The names of pip's launchers, which have an ending on Windows, and the name of the module.
PROGRAMS = ("keras-alexnet", "keras-alexnet.exe", "keras-alexnet-script.py", "-m keras_alexnet")
# Python's options of one letter share a dash, as in -Im; these four take a value.
OPTIONS = re.compile("-([^cmWX]*)([cmWX]?)(.*)", re.DOTALL)

# Arguments of glibc's mallopt (malloc.h): M_MMAP_MAX, M_TRIM_THRESHOLD, M_ARENA_MAX. Without the
# last, JAX's steps are handed as many new pages as before.
KEEPING = {-4: 0, -1: 2**31 - 1, -8: 1}


def is_command_line() -> bool:
    """Return whether this process is `keras-alexnet`, or `python -m keras_alexnet`.

    A program that imports this package is not, whatever its arguments are.
    """
    started, *words = sys.orig_argv or [""]
    return any(ntpath.basename(program) in PROGRAMS for program in (started, _program(words)))


def _program(words: list[str]) -> str:
    """Return the script that Python was started with, or `-m ` and the module."""
    rest = iter(words)
    for word in rest:
        if word == "--check-hash-based-pycs":
            next(rest, "")
            continue
        found = None if word == "-" else OPTIONS.fullmatch(word)
        if found is None:
            return word
        letter = found[2]
        value = found[3] or (next(rest, "") if letter else "")
        if letter in ("c", "m"):
            return f"-{letter} {value}"
    return ""


def choose_convolutions() -> None:
    """Make TensorFlow use oneDNN on every x86 processor, unless the user has set the variable.

    By default TensorFlow uses it only with instructions such as AVX-512 VNNI; on two cores with
    AVX2 alone, training steps take 1.4 to 2 times as long without it (docs/speed.md). TensorFlow
    reads the variable when it is imported.
    """
    if platform.machine() in ("x86_64", "AMD64"):
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


memory_is_kept = False  # whether `keep_memory` has done it; a benchmark reports that


def keep_memory() -> None:
    """Have glibc keep what is freed, in a command that trains or times steps on JAX or PyTorch.

    By default large blocks are given back to the system, which fills their pages with zeros when it
    hands them out again. JAX and PyTorch free the activations of every step. When the pages stay, a
    training step takes about a tenth less time, and up to a third more memory (docs/speed.md);
    TensorFlow gains nothing. Where the user has set options of glibc, or the C library is another,
    nothing is done; nor in a program that calls the command line.
    """
    import ctypes  # here, since a list or a mistake needs none of this

    import keras

    if not is_command_line() or keras.backend.backend() == "tensorflow":
        return
    variables = [os.environ.get("GLIBC_TUNABLES", ""), *os.environ]
    if any(text.startswith("MALLOC_") or "glibc.malloc." in text for text in variables):
        return
    global memory_is_kept
    with contextlib.suppress(OSError, AttributeError, TypeError):  # another C library
        mallopt = ctypes.CDLL(None).mallopt
        memory_is_kept = all([mallopt(option, value) for option, value in KEEPING.items()])


def open_standard_streams() -> None:
    """Open the null device as each standard stream that is closed, as after `keras-alexnet >&-`.

    Otherwise the next file that the process opens gets the number of that stream, and everything
    that a library prints goes into that file.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest free number
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


@contextlib.contextmanager
def notices_held_back():
    """Hold back what the block writes to the error stream, if this is the command line.

    TensorFlow writes start-up notices there at any log level, and with them the message about a
    user's mistake would not be one line. If the block fails, they are shown, and after Ctrl-C they
    are not. With `TF_CPP_MIN_LOG_LEVEL=0` nothing is held back.
    """
    try:
        wanted = is_command_line() and os.environ.get("TF_CPP_MIN_LOG_LEVEL") != "0"
        errors = os.dup(2) if wanted else None
    except OSError:  # the error stream is closed
        errors = None
    if errors is None:
        yield False
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # for the notices of later operations
    with tempfile.TemporaryFile() as notices:
        os.dup2(notices.fileno(), 2)
        try:
            yield True
        except Exception:
            notices.seek(0)
            os.write(errors, notices.read())
            raise
        finally:
            os.dup2(errors, 2)
            os.close(errors)


_is_postponed = False  # whether `keras_alexnet` was imported without its modules that need Keras


def start() -> bool:
    """Import Keras and return True; the first call in the command line only returns False.

    The second call in the command line imports it with fast settings and holds back notices.
    """
    global _is_postponed
    _is_postponed = is_command_line() and not _is_postponed
    if is_command_line():
        open_standard_streams()
        choose_convolutions()
    if _is_postponed:
        return False
    with notices_held_back() as held:
        import keras

        if held:  # the last notices come with the first operation
            keras.ops.zeros(1)
    return True


def import_package() -> None:
    """Import Keras and the rest of the package, which the command line imports late."""
    if _is_postponed:
        with _imported_objects_stay():
            importlib.reload(sys.modules["keras_alexnet"])


@contextlib.contextmanager
def _imported_objects_stay():
    """Let the garbage collector pass over all objects that the block makes.

    An import makes half a million objects that are no garbage. To search them again and again,
    during the import, the command and at the end, takes a quarter of the time of a short command.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        if enabled:
            gc.enable()
