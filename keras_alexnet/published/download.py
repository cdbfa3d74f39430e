"""A published checkpoint as a file on this machine: looked for, and downloaded if need be."""

import contextlib
import os
import sys
from collections.abc import Callable

import keras

from keras_alexnet.errors import UserError
from keras_alexnet.files import WRITING, remove_leftovers, written_whole
from keras_alexnet.progress import Step, progress_bar
from keras_alexnet.published.cache import folders, look, one_at_a_time, writable
from keras_alexnet.published.fetching import Failed, fetch
from keras_alexnet.published.hashes import flaw, identity
from keras_alexnet.published.records import Checkpoint
from keras_alexnet.published.unpacking import take_member

LARGEST = 1 << 29  # bytes, for files of which no size is public; an AlexNet has half of it
WRITING_CHECKPOINT = f"{WRITING}checkpoint-"
MB = 1_000_000


def local_path(checkpoint: Checkpoint) -> str:
    """Return the path of a published checkpoint's file, downloaded if there is no copy yet.

    Copies are looked for in the `folders`, which may be read-only, and their hashes verified. What
    is done is said where Keras says what it does, `keras.config.disable_interactive_logging()`.

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

    Size and hash are verified, of a copy that is there too: one that is wrong is replaced. A file
    appears under its name in full or not at all, also if two processes download it at once. The
    environment variable `KERAS_ALEXNET_OFFLINE=1` forbids downloading.

    Args:
        checkpoint: The record, from `get_checkpoint`.
        folder: Where to look and to save; by default it is looked for in the `folders` and saved
            in the first.
        timeout: Seconds that a server may be silent.
        progress: Whether to say what is done, with a bar on a terminal.

    Returns:
        The path.

    Raises:
        UserError: If no address gives the right file, or it cannot be written, or downloading is
            forbidden. The message says which file, with which hash, and where to put it by hand.
    """
    say: Callable[[str], None] = print if progress else lambda text: None
    places = folders() if folder is None else [folder]
    path, bad = look(checkpoint, places)
    if path is not None:
        return path
    if os.environ.get("KERAS_ALEXNET_OFFLINE", "0") not in ("", "0"):
        wrong = f"{checkpoint.filename!r} is not at hand, and KERAS_ALEXNET_OFFLINE is set."
        sources = f" from {' or '.join(checkpoint.urls)}"
        raise _absent(checkpoint, wrong, places[0], bad, sources)
    for copy, reason in bad.items():
        say(f"The copy {copy!r} is passed over: {reason}.")
    with writable(places[0], checkpoint), one_at_a_time(places[0], say) as alone:
        path, _ = look(checkpoint, places[:1])
        if path is not None:  # another process was faster
            return path
        if alone:
            remove_leftovers(places[0], WRITING_CHECKPOINT)
        target = os.path.join(places[0], checkpoint.filename)
        with written_whole(target, WRITING_CHECKPOINT) as beside:
            failures = _first_right(checkpoint, beside, timeout, say, progress)
            if not os.path.exists(beside):
                wrong = f"{checkpoint.filename!r} could not be downloaded: {'; '.join(failures)}."
                raise _absent(checkpoint, wrong, places[0], bad)
    return target


def _first_right(checkpoint: Checkpoint, path: str, timeout: float, say, progress) -> list[str]:
    """Try the addresses in turn until the right file is at `path`; say why the others failed."""
    failures = []
    for url in checkpoint.urls:
        size = "" if checkpoint.size is None else f" ({checkpoint.size / MB:,.0f} MB)"
        say(f"Downloading {checkpoint.filename}{size} from {url}")
        try:
            shown = progress and sys.stdout.isatty()
            with progress_bar("MB", "MB", shown, scale=MB) as step:
                _from(url, checkpoint, path, timeout, step)
            reason = flaw(path, checkpoint)
        except Failed as error:
            reason = str(error)
        if not reason:
            break
        say(f"That failed: {reason}.")
        failures.append(f"{url} ({reason})")
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)
    return failures


def _from(url: str, checkpoint: Checkpoint, path: str, timeout: float, step: Step) -> None:
    """Download from one address, and unpack what comes as an archive."""
    limit = checkpoint.size or LARGEST
    if checkpoint.member is None:
        fetch(url, path, limit, checkpoint.size, timeout, step)
        return
    archive = f"{path}.zip"
    try:
        fetch(url, archive, LARGEST, None, timeout, step)
        take_member(archive, checkpoint.member, path, limit)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(archive)


def _absent(
    checkpoint: Checkpoint, wrong: str, folder: str, bad: dict[str, str], sources: str = ""
) -> UserError:
    copies = "".join(f" The copy {path!r} is wrong: {reason}." for path, reason in bad.items())
    unpacked = "" if checkpoint.member is None else f", unpack {checkpoint.member}"
    target = os.path.join(folder, checkpoint.filename)
    return UserError(
        wrong + copies,
        f"A file of {identity(checkpoint)} was expected.",
        f"Where there is a network, run: keras-alexnet download {checkpoint.name}. Or get it"
        f"{sources} by other means{unpacked}, and put it at {target!r} or give its path as "
        "`weights`.",
    )
