"""The folders with copies of published checkpoints.

Anyone may own them: a copy is used only if its hash is right.
"""

import contextlib
import os
from collections.abc import Iterator

from keras_alexnet.errors import UserError
from keras_alexnet.files import keras_home, made_folder
from keras_alexnet.published.hashes import verify_hash
from keras_alexnet.published.records import Checkpoint

FOLDER = "keras_alexnet"  # in Keras's own


def folders() -> list[str]:
    """Return the folders that may have copies, in the order of the search.

    Downloads go to the first.

    The first is `keras_alexnet` in `KERAS_HOME`, or in `~/.keras`. Then come those that the
    environment variable `KERAS_ALEXNET_CHECKPOINTS` lists, separated as in `PATH`: a folder that a
    whole cluster shares, say. Last come `~/.keras/keras_alexnet` and the folder where PyTorch
    keeps its downloads.
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


def find_copy(checkpoint: Checkpoint, in_folders: list[str]) -> tuple[str | None, dict[str, str]]:
    """Return the path of the first right copy, and the wrong ones before it with the reasons."""
    bad: dict[str, str] = {}
    for folder in in_folders:
        path = os.path.join(folder, checkpoint.filename)
        if not os.path.isfile(path):
            continue
        try:
            reason = verify_hash(path, checkpoint)
        except OSError as error:
            reason = f"it cannot be read ({error.strerror})"
        if not reason:
            return path, bad
        bad[path] = reason
    return None, bad


@contextlib.contextmanager
def default_folder(folder: str, checkpoint: Checkpoint) -> Iterator[None]:
    """Make the folder of downloads, as `made_folder` does, with an error that names `KERAS_HOME`.

    Keras would take a temporary folder instead, which others can write to and which does not last.
    """
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(made_folder(folder))
        except UserError as error:
            raise UserError(
                f"{checkpoint.filename!r} is not on this machine, and the download folder "
                f"{folder!r} is not writable.",
                "The download folder must be writable.",
                "Set KERAS_HOME to a folder of your own; or download the file elsewhere with: "
                f"keras-alexnet download {checkpoint.name} --output FOLDER, and give its path as "
                "`weights`.",
            ) from error
        yield
