"""The standard streams of a command: closed, without a reader, on a full disk."""

import contextlib
import os
import subprocess
import sys

import pytest

import processes
from keras_alexnet.cli import main
from keras_alexnet.cli.standard_streams import UnbrokenStream


@contextlib.contextmanager
def without_reader():
    """Give the writing end of a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        yield stream


@pytest.mark.backend_free
def test_a_stream_without_a_reader_takes_everything():
    """The first error is kept; what follows goes nowhere and raises nothing, also at the end."""
    with without_reader() as stream:
        unbroken = UnbrokenStream(stream)
        for _ in range(2):
            assert unbroken.write("text\n") == 5
            unbroken.flush()
        assert isinstance(unbroken.error, BrokenPipeError)
        assert not unbroken.isatty()


@pytest.mark.backend_free
def test_characters_that_a_stream_lacks_are_escaped(tmp_path):
    """A class in another alphabet is printed, and a file name that is no text."""
    with open(tmp_path / "out", "w", encoding="ascii") as stream:
        UnbrokenStream(stream).write("M\u00f6we \udce9")
    assert (tmp_path / "out").read_text() == r"M\xf6we \udce9"


@pytest.mark.backend_free
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
@pytest.mark.parametrize(("arguments", "code"), [(["list"], 0), (["describe", "nosuch"], 2)])
def test_a_reader_that_left_changes_no_exit_code(stream, arguments, code, monkeypatch):
    """Nor does it end a command: `fit | head` trains to the end."""
    with without_reader() as broken:
        monkeypatch.setattr(sys, stream, broken)
        assert main(arguments) == code


@pytest.mark.backend_free
def test_a_full_disk_is_a_mistake(monkeypatch, capfd):
    """A script that keeps the output must not take an empty file for a result."""
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert main(["list", "--json"]) == 2
    said = "keras-alexnet list: the output was lost: No space left on device\n"
    assert capfd.readouterr().err == said


# Commands that end at once: the streams are the same for all.
PROGRAM = """
import os, sys
sys.orig_argv[1:] = ["-m", "keras_alexnet"]
for number in map(int, sys.argv[1]):
    os.close(number)
sys.stdout = sys.stdout if "1" not in sys.argv[1] else None  # as Python starts without them
sys.stderr = sys.stderr if "2" not in sys.argv[1] else None
from keras_alexnet import startup
if "keras" in sys.modules:  # in a copy: this is what the import of the package begins with
    assert not startup.start()
from keras_alexnet.cli import main
for arguments in map(str.split, sys.argv[3:]):
    code = main(arguments)
    assert code == (0 if arguments[0] == "list" else 2), arguments
with open(sys.argv[2], "w") as file:  # it must not get the number of a stream that was closed
    file.write(str(file.fileno() > 2))
"""


@pytest.mark.backend_free
def test_closed_streams(tmp_path):
    """Commands end as usual, and no file takes the place of a stream that is closed."""
    commands = ("list", "list --json")  # without Keras, whose import takes 5 s
    done = subprocess.run([sys.executable, "-c", PROGRAM, "012", tmp_path / "file", *commands])
    assert done.returncode == 0
    assert (tmp_path / "file").read_text() == "True"


def test_closed_streams_of_commands_that_need_keras(tmp_path):
    """The same in the copy of a process that has imported it."""
    commands = ("list", "describe nosuch", "fit nosuch")
    code, *_ = processes.run("-c", PROGRAM, "012", tmp_path / "file", *commands)
    assert code == 0
    assert (tmp_path / "file").read_text() == "True"
