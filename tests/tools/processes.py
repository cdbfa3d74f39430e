"""Processes that tests start: a test waits for what they print, and none outlives its test."""

import contextlib
import gc
import multiprocessing
import os
import pathlib
import runpy
import signal
import subprocess
import sys
import tempfile
import threading

import tensor_guard

# Seconds until a process that hangs is killed, with all that it has started: these hold its output
# open. A busy machine is no reason: none takes so long.
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


def eight_devices():
    """Return the variables of a process in which JAX has eight virtual devices."""
    flags = os.environ.get("XLA_FLAGS", "")
    return {"XLA_FLAGS": f"{flags} --xla_force_host_platform_device_count=8"}


class Process:
    """A process, what it prints and how it ends."""

    def __init__(self, started, output, errors):
        self._started = started
        self._output = output
        self._errors = errors

    def wait_for(self, text):
        """Read what the process prints, up to the first line with a text in it; return that."""
        for line in self._output:
            if text in line:
                return line
        _, _, errors = self.end()
        raise AssertionError(f"The process ended before it printed {text!r}. {errors}")

    def end(self, number=None):
        """Send a signal if one is given; return exit code, the rest of the output, and errors."""
        if number is not None:
            os.kill(self._started.pid, number)
        rest = self._output.read()
        code = _exit_code(self._started)
        self._errors.seek(0)
        return code, rest, self._errors.read()


def _exit_code(started):
    """Wait for a process, and return its exit code, or -N if signal N has ended it."""
    if isinstance(started, subprocess.Popen):
        return started.wait()
    started.join()
    return started.exitcode


@contextlib.contextmanager
def _killed_at_the_end(started):
    """Kill a process when the block ends, or when it takes too long."""
    timer = threading.Timer(LIMIT, _kill, [started])
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        _kill(started)


def _kill(started):
    """Kill a process, and all that it has started: it leads their group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(started.pid, signal.SIGKILL)
    started.kill()  # a copy that does not lead a group yet


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
            start_new_session=True,
            **options,
        ) as popen,
        _killed_at_the_end(popen),
    ):
        yield Process(popen, popen.stdout, errors)


@contextlib.contextmanager
def copied(*arguments, folder=None, environment=None):
    """Do the same in the copy of a process that has imported the package and done nothing else.

    An import takes 4 s of processor time, and 6 s on PyTorch. Whatever is decided by the import is
    decided already, by the backend of the tests and not as in the command line: a test of the start
    needs `started`.

    Args:
        arguments: `"-c"` and code, `"-m"` and a module, or the path of a script; and what
            follows in `sys.argv`.
        folder: The working folder; none: that of the test.
        environment: Variables that the process has besides those of the test.
    """
    assert not tensor_guard.forbids(), "A test marked `backend_free` must start its processes anew."
    copies = multiprocessing.get_context("forkserver")
    copies.set_forkserver_preload(["keras_alexnet.cli", "tensorflow"])
    reading, output = copies.Pipe(duplex=False)
    stdin, alive = copies.Pipe(duplex=False)
    with tempfile.NamedTemporaryFile("w+") as errors, reading, alive:
        process = copies.Process(
            target=_become,
            args=(
                [str(argument) for argument in arguments],
                str(folder or os.getcwd()),
                {**os.environ, **(environment or {})},
                (stdin, output, errors.name),
            ),
        )
        process.start()
        stdin.close()
        output.close()
        with _killed_at_the_end(process), open(reading.fileno(), closefd=False) as printed:
            yield Process(process, printed, errors)
        process.join()
        process.close()


def run(*arguments, folder=None, environment=None):
    """Run Python in a copy, see `copied`; return its exit code, output and errors."""
    with copied(*arguments, folder=folder, environment=environment) as process:
        return process.end()


def _become(arguments, folder, environment, streams):
    """Be `python arguments` from now on, in a process of its own."""
    gc.freeze()  # what was imported stays: half a million objects without garbage
    os.setsid()
    stdin, output, errors = streams
    os.dup2(stdin.fileno(), 0)
    os.dup2(output.fileno(), 1)
    os.dup2(os.open(errors, os.O_WRONLY | os.O_APPEND), 2)
    stdin.close()
    output.close()
    # Those of the process that was copied are closed, or write elsewhere.
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.orig_argv[:] = [sys.executable, *arguments]
    tests = str(pathlib.Path(__file__).parent.parent)
    sys.path[:] = [entry for entry in sys.path if not entry.startswith(tests)]
    match arguments:
        case "-c", code, *rest:
            sys.argv[:] = ["-c", *rest]
            sys.path.insert(0, "")
            exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})
        case "-m", module, *rest:
            sys.argv[:] = [module, *rest]
            sys.path.insert(0, folder)
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        case path, *_:
            sys.argv[:] = arguments
            sys.path.insert(0, str(pathlib.Path(path).parent))
            runpy.run_path(path, run_name="__main__")
