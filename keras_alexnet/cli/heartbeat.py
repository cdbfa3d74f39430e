"""Progress lines of commands that show no progress bar."""

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator

from keras_alexnet.progress import position

SECONDS = 30.0
VARIABLE = "KERAS_ALEXNET_PROGRESS_SECONDS"


@contextlib.contextmanager
def say_progress(command: str) -> Iterator[None]:
    """Print the progress of a command to the error stream every 30 seconds, until the block ends.

    The environment variable `KERAS_ALEXNET_PROGRESS_SECONDS` sets another interval; 0 is off.

    Args:
        command: Name of the command.
    """
    seconds = _interval()
    if not seconds:
        yield
        return
    start, ended = time.monotonic(), threading.Event()

    def say() -> None:
        while not ended.wait(seconds):
            passed = f"{time.monotonic() - start:.0f} s so far"
            where = position() or "at work"
            print(f"keras-alexnet {command}: {where}, {passed}", file=sys.stderr, flush=True)

    thread = threading.Thread(target=say, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _interval() -> float:
    with contextlib.suppress(ValueError):
        seconds = float(os.environ.get(VARIABLE, SECONDS))
        if 0 <= seconds <= threading.TIMEOUT_MAX:
            return seconds
    return SECONDS
