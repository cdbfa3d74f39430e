"""A server, a folder and records for the tests of downloads."""

import dataclasses
import hashlib
import random

import pytest

from keras_alexnet.published import fetching, lookup, table
from keras_alexnet.published.download import download
from local_server import running, whole

DATA = random.Random(0).randbytes(700_000)


NAME = "net.bin"


@pytest.fixture
def server():
    """A server of this machine."""
    with running() as server:
        yield server


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Where downloads go; nothing outside of the test's own folder is looked at."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("KERAS_ALEXNET_CHECKPOINTS", raising=False)
    monkeypatch.delenv("KERAS_ALEXNET_OFFLINE", raising=False)
    monkeypatch.setattr(fetching, "PAUSE", 0.0)
    return tmp_path / "keras" / "keras_alexnet"


def digest(algorithm, data=DATA):
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


def record(*urls, **fields):
    """Return the record of a file that is DATA."""
    known = {"hashes": (digest("sha256"),), "size": len(DATA), "name": "local", "filename": NAME}
    return dataclasses.replace(table.OWT_TORCHVISION, urls=urls, **{**known, **fields})


def files(folder):
    """Return the names of everything in a folder, hidden files and all."""
    return sorted(path.name for path in folder.rglob("*")) if folder.exists() else None


def refusal(checkpoint, **options):
    """Return the message of a download that must fail."""
    with pytest.raises(ValueError) as caught:
        download(checkpoint, progress=False, **options)
    return str(caught.value)


@pytest.fixture
def known(server, home, monkeypatch):
    """The table with one row, of a file that the server has."""
    row = record(server.serve("a", whole(DATA)))
    monkeypatch.setattr(lookup, "CHECKPOINTS", {"local": row})
    return row
