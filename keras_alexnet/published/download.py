"""The file of a published checkpoint on this machine: finds a copy, or downloads one."""

import contextlib
import os
from collections.abc import Callable

import keras

from keras_alexnet.errors import UserError
from keras_alexnet.files import WRITING, locked_folder, made_folder, remove_leftovers, written_whole
from keras_alexnet.progress import Update, has_display, progress_bar
from keras_alexnet.published.cache import default_folder, find_copy, folders
from keras_alexnet.published.fetching import DownloadError, fetch
from keras_alexnet.published.hashes import size_and_hash, verify_hash
from keras_alexnet.published.records import Checkpoint
from keras_alexnet.published.unpacking import extract_member

LARGEST = 1 << 29  # bytes, for files without a published size; an AlexNet has half of it
WRITING_CHECKPOINT = f"{WRITING}checkpoint-"
MB = 1_000_000


def local_path(checkpoint: Checkpoint) -> str:
    """Return the path of a published checkpoint's file, downloaded if there is no copy yet.

    It searches the `folders`, which may be read-only, and verifies the hashes of copies. It prints
    its progress unless `keras.config.disable_interactive_logging()` was called.

    Raises:
        UserError: As `download` does.
    """
    return download(checkpoint, progress=keras.config.is_interactive_logging_enabled())


def download(
    checkpoint: Checkpoint,
    folder: str | None = None,
    *,
    timeout: float = 30.0,
    progress: bool = True,
) -> str:
    """Return the path of a published checkpoint's file, downloaded if there is no copy yet.

    It verifies size and hash, also of a copy that exists, and replaces a wrong one. A file appears
    under its name in full or not at all, also if two processes download it at once. The environment
    variable `KERAS_ALEXNET_OFFLINE=1` forbids downloading.

    Args:
        checkpoint: The record, from `get_checkpoint`.
        folder: The folder to search and to save in; by default all `folders` are searched, and the
            first gets the file.
        timeout: Seconds that a server may be silent.
        progress: Whether to print progress, with a bar where one can be seen.

    Raises:
        UserError: If no address gives the right file, or it cannot be written, or downloading is
            forbidden. The message names the file, its hash, and the path to put it by hand.
    """
    say: Callable[[str], None] = print if progress else lambda text: None
    searched = folders() if folder is None else [folder]
    path, bad = find_copy(checkpoint, searched)
    if path is not None:
        return path
    if os.environ.get("KERAS_ALEXNET_OFFLINE", "0") not in ("", "0"):
        received = (
            f"{checkpoint.filename!r} is not on this machine, and KERAS_ALEXNET_OFFLINE is set."
        )
        addresses = f" from {' or '.join(checkpoint.urls)}"
        raise _not_available(checkpoint, received, searched[0], bad, addresses)
    for copy, reason in bad.items():
        say(f"Skipping the copy {copy!r}: {reason}.")
    waiting = f"Another process is downloading to {searched[0]!r}. Waiting for it."
    made = made_folder(folder) if folder else default_folder(searched[0], checkpoint)
    with (
        made,
        # The lock only saves a second download: each process writes a file of its own.
        locked_folder(searched[0], lambda: say(waiting)) as locked,
    ):
        path, _ = find_copy(checkpoint, searched[:1])
        if path is not None:  # another process was faster
            return path
        if locked:
            remove_leftovers(searched[0], WRITING_CHECKPOINT)
        target = os.path.join(searched[0], checkpoint.filename)
        with written_whole(target, WRITING_CHECKPOINT) as beside:
            failures = _download_first_right(checkpoint, beside, timeout, say, progress)
            if not os.path.exists(beside):
                tried = "; ".join(failures)
                received = f"{checkpoint.filename!r} could not be downloaded: {tried}."
                raise _not_available(checkpoint, received, searched[0], bad)
    return target


def _download_first_right(
    checkpoint: Checkpoint, path: str, timeout: float, say, progress
) -> list[str]:
    """Try the addresses in turn until the right file is at `path`; return why the others failed."""
    failures = []
    for url in checkpoint.urls:
        say(f"Downloading {checkpoint.filename} ({checkpoint.size_text()}) from {url}")
        try:
            shown = progress and has_display()
            with progress_bar("MB", "MB", shown, scale=MB) as update:
                _download_from(url, checkpoint, path, timeout, update)
            reason = verify_hash(path, checkpoint)
        except DownloadError as error:
            reason = str(error)
        if not reason:
            break
        say(f"The download failed: {reason}.")
        failures.append(f"{url} ({reason})")
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)
    return failures


def _download_from(
    url: str, checkpoint: Checkpoint, path: str, timeout: float, update: Update
) -> None:
    """Download from one address, and extract the file if it comes in an archive."""
    limit = checkpoint.size or LARGEST
    if checkpoint.member is None:
        fetch(url, path, limit, checkpoint.size, timeout, update)
        return
    archive = f"{path}.zip"
    try:
        fetch(url, archive, LARGEST, None, timeout, update)
        extract_member(archive, checkpoint.member, path, limit)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(archive)


def _not_available(
    checkpoint: Checkpoint, received: str, folder: str, bad: dict[str, str], addresses: str = ""
) -> UserError:
    copies = "".join(f" The copy {path!r} is wrong: {reason}." for path, reason in bad.items())
    unpacked = "" if checkpoint.member is None else f", unpack {checkpoint.member}"
    target = os.path.join(folder, checkpoint.filename)
    return UserError(
        received + copies,
        f"The file must have {size_and_hash(checkpoint)}.",
        f"Run on a machine with a network: keras-alexnet download {checkpoint.name}. Or get the "
        f"file{addresses} by other means{unpacked}, and put it at {target!r} or give its path as "
        "`weights`.",
    )
