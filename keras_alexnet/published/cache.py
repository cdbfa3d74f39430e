"""The folders in which copies of published checkpoints lie.

Whose they are is not looked at: what lies in them is used only if its hash is right.
"""

import contextlib
import os
from collections.abc import Callable, Iterator

from keras_alexnet.errors import UserError
from keras_alexnet.files import keras_home, made_folder
from keras_alexnet.published.hashes import flaw
from keras_alexnet.published.records import Checkpoint

FOLDER = "keras_alexnet"  # in Keras's own


def folders() -> list[str]:
    """Return the folders in which copies are looked for, in order; downloads go to the first.

    The first is `keras_alexnet` in `KERAS_HOME`, or in `~/.keras`. Then come those that the
    environment variable `KERAS_ALEXNET_CHECKPOINTS` lists, separated as in `PATH`: a folder that a
    whole cluster shares, say. Last come `~/.keras/keras_alexnet` and the folder where PyTorch
    keeps what it downloaded.
    """
    shared = os.environ.get("KERAS_ALEXNET_CHECKPOINTS", "").split(os.pathsep)
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join("~", ".cache")
    torch = os.environ.get("TORCH_HOME") or os.path.join(cache, "torch")
    named = [
        os.path.join(keras_home(), FOLDER),
        *filter(None, shared),
        os.path.join("~", ".keras", FOLDER),
        os.path.join(torch, "hub", "checkpoints"),
    ]
    return list(dict.fromkeys(os.path.expanduser(folder) for folder in named))


def look(checkpoint: Checkpoint, places: list[str]) -> tuple[str | None, dict[str, str]]:
    """Return the path of the first right copy, and the wrong ones before it with the reasons."""
    bad: dict[str, str] = {}
    for folder in places:
        path = os.path.join(folder, checkpoint.filename)
        if not os.path.isfile(path):
            continue
        try:
            reason = flaw(path, checkpoint)
        except OSError as error:
            reason = f"it cannot be read ({error.strerror})"
        if not reason:
            return path, bad
        bad[path] = reason
    return None, bad


@contextlib.contextmanager
def writable(folder: str, checkpoint: Checkpoint) -> Iterator[None]:
    """Make a folder, as `made_folder` does, and say what to do if that cannot be.

    Keras would take a temporary folder instead, which others can write to and which does not last.
    """
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(made_folder(folder))
        except UserError as error:
            raise UserError(
                f"{checkpoint.filename!r} is not at hand, and cannot be downloaded to "
                f"{folder!r}, where nothing can be written.",
                "A folder of one's own was expected.",
                "Set KERAS_HOME to one; or download the file elsewhere with: keras-alexnet "
                f"download {checkpoint.name} --output FOLDER, and give its path as `weights`.",
            ) from error
        yield


@contextlib.contextmanager
def one_at_a_time(folder: str, say: Callable[[str], None]) -> Iterator[bool]:
    """Wait until no other process downloads to a folder; give whether that can be known.

    It saves a second download and no more: each process writes a file of its own and renames it.
    Windows and some network file systems cannot lock a folder.
    """
    with contextlib.ExitStack() as stack:
        try:
            import fcntl

            handle = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, handle)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say(f"Another process downloads to {folder!r}; waiting for it.")
                fcntl.flock(handle, fcntl.LOCK_EX)
            os.makedirs(folder, exist_ok=True)  # the other one, if it failed, removed it
            alone = True
        except (ImportError, OSError):
            alone = False
        yield alone
