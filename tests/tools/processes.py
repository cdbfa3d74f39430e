"""Processes that tests start: a test waits for what they print, and none outlives its test."""

import contextlib
import multiprocessing
import os
import pathlib
import runpy
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


def run_script(path, *arguments, folder):
    """Run a Python script in a process and in a folder; return its exit code and what it printed.

    The process is fresh but for its imports: it is the copy of one that has imported the package,
    which takes 6 s of processor time on PyTorch, and done nothing else.
    """
    copies = multiprocessing.get_context("forkserver")
    copies.set_forkserver_preload(["keras_alexnet", "tensorflow"])
    with tempfile.TemporaryDirectory() as made:
        printed = pathlib.Path(made) / "printed.txt"
        process = copies.Process(target=_become, args=(path, arguments, folder, printed))
        process.start()
        process.join(LIMIT)
        process.kill()
        process.join()
        return process.exitcode, printed.read_text(encoding="utf-8")


def _become(path, arguments, folder, printed):
    """Be `python path arguments` from now on, in a process of its own."""
    output = os.open(printed, os.O_WRONLY | os.O_CREAT)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.chdir(folder)
    tests = str(pathlib.Path(__file__).parent.parent)
    sys.path[:] = [str(path.parent), *(entry for entry in sys.path if not entry.startswith(tests))]
    sys.argv[:] = [str(path), *arguments]
    runpy.run_path(str(path), run_name="__main__")
