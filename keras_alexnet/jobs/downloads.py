"""`download`: published weights, fetched and verified."""

from __future__ import annotations

import dataclasses
import os

from keras_alexnet.arguments import file_path
from keras_alexnet.progress import verbosity
from keras_alexnet.published import download as downloading
from keras_alexnet.published.cache import find_copy, folders
from keras_alexnet.published.hashes import size_and_hash
from keras_alexnet.published.lookup import get_checkpoint
from keras_alexnet.type_aliases import CheckpointName, PathLike, Verbose


@dataclasses.dataclass(frozen=True)
class Download:
    """A published checkpoint as a file on this machine.

    Args:
        name: Name of the checkpoint.
        path: The file.
        downloaded: Whether it was downloaded now; `False` if a right copy was there.
        verified: The size and the hash that the file was compared with, in words.
    """

    name: str
    path: str
    downloaded: bool
    verified: str


def download(
    name: CheckpointName,
    folder: PathLike | None = None,
    *,
    timeout: float = 30.0,
    verbose: Verbose = "auto",
) -> Download:
    """Return a published checkpoint as a verified file, downloaded if there is no right copy.

    `AlexNet(weights=name)` does the same by itself; this is for a machine with a network, before
    the work on one without. The environment variable `KERAS_ALEXNET_OFFLINE=1` forbids downloading.

    Args:
        name: A name that `list_checkpoints()` gives, or another that `get_checkpoint` takes.
        folder: Where to look and to save; `None` for the folders where `AlexNet` finds it.
        timeout: Seconds that a server may be silent.
        verbose: 0 for silence; else it prints what it does, with a progress bar on a terminal or in
            a notebook.

    Returns:
        A `Download` with the name, the path, whether it was downloaded now, and what was verified.

    Raises:
        UserError: (a `ValueError`) for an unknown name, or if no address gives the right file, or
            it cannot be written, or downloading is forbidden.

    Example:

    >>> import os
    >>> os.environ["KERAS_ALEXNET_OFFLINE"] = "1"
    >>> try:
    ...     download("owt_torchvision", folder="nowhere")
    ... except ValueError as error:
    ...     print(error.received)
    ... finally:
    ...     del os.environ["KERAS_ALEXNET_OFFLINE"]
    'alexnet-owt-7be5be79.pth' is not on this machine, and KERAS_ALEXNET_OFFLINE is set.
    """
    checkpoint = get_checkpoint(name)
    shown = verbosity(verbose) > 0
    if folder is not None:
        folder = file_path("folder", folder)
    there, _ = find_copy(checkpoint, folders() if folder is None else [folder])
    path = there or downloading.download(checkpoint, folder, timeout=timeout, progress=shown)
    return Download(checkpoint.name, path, there is None, size_and_hash(checkpoint))


def local_copy(name: CheckpointName) -> str | None:
    """Return the path of a published checkpoint's file on this machine, `None` if there is none.

    The file is not verified, and nothing is downloaded.

    Args:
        name: A name that `list_checkpoints()` gives, or another that `get_checkpoint` takes.

    Raises:
        UserError: (a `ValueError`) for an unknown name.

    Example:

    >>> path = local_copy("owt_torchvision")
    >>> path is None or path.endswith("alexnet-owt-7be5be79.pth")
    True
    """
    checkpoint = get_checkpoint(name)
    paths = (os.path.join(folder, checkpoint.filename) for folder in folders())
    return next((path for path in paths if os.path.isfile(path)), None)
