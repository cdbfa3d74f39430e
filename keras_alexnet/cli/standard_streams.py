"""Standard streams whose failure does not stop a command."""

import contextlib
import os
import sys
from collections.abc import Iterator


class UnbrokenStream:
    """A text stream whose writes do not fail: after the first error, text goes to the null device.

    A reader such as `head` may leave, and a disk may fill up. Neither may end hours of training.
    Characters that the encoding lacks are written as escapes.

    Args:
        stream: A text stream.

    Attributes:
        error: The first error of the stream, or `None`.
    """

    def __init__(self, stream):
        self.error: OSError | None = None
        self._stream = stream
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")

    def write(self, text: str) -> int:
        """Write a text and return its length."""
        self._attempt(self._stream.write, text)
        return len(text)

    def flush(self) -> None:
        """Write out what is buffered."""
        self._attempt(self._stream.flush)

    def __getattr__(self, name):
        """Return what else the stream has."""
        return getattr(self._stream, name)

    def _attempt(self, function, *arguments) -> None:
        try:
            function(*arguments)
        except OSError as error:
            self.error = error
            # The buffer still holds text. Python writes it out when the process ends.
            with open(os.devnull, "w", encoding="utf-8") as nowhere:
                os.dup2(nowhere.fileno(), self._stream.fileno())


@contextlib.contextmanager
def unbroken_streams() -> Iterator[UnbrokenStream]:
    """Let no write to the standard output or error stream fail; give the output stream."""
    output = UnbrokenStream(sys.stdout)
    with (
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(UnbrokenStream(sys.stderr)),
    ):
        try:
            yield output
        finally:
            output.flush()
            sys.stderr.flush()
