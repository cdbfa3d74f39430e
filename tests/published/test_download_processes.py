"""Several downloads at once, and ends of all kinds."""

import contextlib
import json
import os
import signal
import threading

import pytest

import keras_alexnet
from downloads import DATA, NAME, files, record
from keras_alexnet.cli import main
from keras_alexnet.published import download as module
from keras_alexnet.published import fetching, lookup
from keras_alexnet.published.download import download
from local_server import stalled, whole
from processes import LIMIT, started

# Downloads, prints when it has so many bytes, and waits for more. Of the package it imports what it
# needs, and not Keras, which takes seconds.
PROCESS = """
import dataclasses, json, sys, types

package = types.ModuleType("keras_alexnet")
package.__path__ = [sys.argv[3]]
sys.modules |= {"keras_alexnet": package, "keras": types.ModuleType("keras")}
from keras_alexnet.published import fetching, table
from keras_alexnet.published.download import download

read, received = fetching._read, 0

def read_and_tell(answer):
    global received
    if received == int(sys.argv[2]):
        print("waits for more", flush=True)
    chunk = read(answer)
    received += len(chunk)
    return chunk

fetching._read = read_and_tell
fields = {key: tuple(value) if isinstance(value, list) else value
          for key, value in json.loads(sys.argv[1]).items()}
print(download(dataclasses.replace(table.OWT_TORCHVISION, **fields), progress=False))
"""


@contextlib.contextmanager
def process(checkpoint, received):
    """Give a process that downloads, has so many bytes and waits for more."""
    fields = ("name", "filename", "urls", "hashes", "size")
    text = json.dumps({field: getattr(checkpoint, field) for field in fields})
    place = os.path.dirname(keras_alexnet.__file__)
    with started("-c", PROCESS, text, str(received), place) as process:
        process.wait_for("waits for more")
        yield process


@contextlib.contextmanager
def waiting(checkpoint, server, patch):
    """Download in a thread; give a list for the result once it waits for another process."""
    waits, texts, result = threading.Event(), [], []

    def say(text):
        texts.append(text)
        if text.startswith("Another process is downloading to"):
            waits.set()

    def work():
        try:
            result.append(download(checkpoint))
        finally:
            waits.set()

    patch.setattr(module, "print", say, raising=False)
    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert waits.wait(LIMIT)
        assert texts[-1].startswith("Another process is downloading to")
        yield result
    finally:
        server.release.set()  # if the block has failed, too: the thread ends with the test
        thread.join()


@pytest.mark.backend_free
class TestProcesses:
    """Several at once, and ends of all kinds."""

    def test_two_at_once_download_once(self, server, home, monkeypatch):
        """The second waits for the first, and takes what that one got."""
        checkpoint = record(server.serve("a", stalled(DATA, 1000)))
        with (
            process(checkpoint, 1000) as other,
            waiting(checkpoint, server, monkeypatch) as result,
        ):
            server.release.set()
            code, out, err = other.end()
        assert (code, out, err) == (0, f"{home / NAME}\n", "")
        assert result == [str(home / NAME)]
        assert files(home) == [NAME]
        assert server.asked == [("/a", None)]

    def test_a_killed_process_hinders_nobody(self, server, home, monkeypatch):
        """Who waits for a process that is killed takes over, and clears away what it left."""
        checkpoint = record(server.serve("a", stalled(DATA, 300_000), whole(DATA)))
        with (
            process(checkpoint, 300_000) as other,
            waiting(checkpoint, server, monkeypatch) as result,
        ):
            code, _, _ = other.end(signal.SIGKILL)
        assert code == -signal.SIGKILL
        assert result == [str(home / NAME)]
        assert files(home) == [NAME]

    def test_ctrl_c_leaves_nothing(self, server, home, monkeypatch, capsys):
        """Interrupted half-way, the command says so in a line and leaves no half file."""
        checkpoint = record(server.serve("a", stalled(DATA, 300_000)))
        monkeypatch.setattr(lookup, "CHECKPOINTS", {"local": checkpoint})
        read, received = fetching._read, []

        def read_or_stop(answer):
            if sum(received) == 300_000:
                assert files(home)
                signal.raise_signal(signal.SIGINT)
            received.append(len(chunk := read(answer)))
            return chunk

        monkeypatch.setattr(fetching, "_read", read_or_stop)
        assert main(["download", "local"]) == 130
        err = capsys.readouterr().err
        assert err.strip() == "keras-alexnet download: interrupted; nothing was saved"
        assert files(home) is None
