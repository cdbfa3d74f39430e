"""Processes that tests start: a test waits for what they print, and none outlives its test."""

import contextlib
import subprocess
import sys
import tempfile
import threading

# Seconds until a process that hangs is killed. A busy machine is no reason: none takes so long.
LIMIT = 900

# A script begins with this to call `pause`, where it then stays until a signal ends it. Meanwhile
# the garbage collector rests: JAX gives it a callback, and an interrupt in there would be lost.
PAUSE = """
import gc, os, select, sys

def pause(text):
    gc.disable()
    print(text, flush=True)
    while not select.select([sys.stdin], [], [], 1)[0]:
        pass
    os._exit(1)  # the test has gone without a signal
"""


class Process:
    """A process, what it prints and how it ends."""

    def __init__(self, popen, errors):
        self._popen = popen
        self._errors = errors

    def wait_for(self, text):
        """Read what the process prints, up to the first line with a text in it."""
        for line in self._popen.stdout:
            if text in line:
                return
        _, _, errors = self.end()
        raise AssertionError(f"The process ended before it printed {text!r}. {errors}")

    def end(self, number=None):
        """Send a signal if one is given; return exit code, the rest of the output, and errors."""
        if number is not None:
            self._popen.send_signal(number)
        rest = self._popen.stdout.read()
        code = self._popen.wait()
        self._errors.seek(0)
        return code, rest, self._errors.read()


@contextlib.contextmanager
def started(*arguments, **options):
    """Start Python with some arguments, and kill the process when the block ends."""
    command = [sys.executable, *arguments]
    # The errors go to a file: the process never waits for a test that reads its output first.
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            **options,
        ) as popen,
    ):
        timer = threading.Timer(LIMIT, popen.kill)
        timer.start()
        try:
            yield Process(popen, errors)
        finally:
            timer.cancel()
            timer.join()
            popen.kill()
