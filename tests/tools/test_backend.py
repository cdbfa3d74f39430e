"""JAX's cache of compiled programs, shared by the processes that run tests."""

import os
import pathlib

import pytest

from backend import _share_programs

pytestmark = pytest.mark.backend_free


def test_an_entry_appears_whole(tmp_path, monkeypatch):
    """Another process never finds a part of one, and finds all of them."""
    found = []

    class Cache:
        path = pathlib.Path(tmp_path)

        def put(self, key, value):
            with open(self.path / key, "wb") as file:
                file.write(value[:2])
                file.flush()
                found.append((tmp_path / key).exists())
                file.write(value[2:])

    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path))
    _share_programs(Cache)
    Cache().put("one", b"program")
    Cache().put("one", b"program")
    assert found == [False, True]
    assert os.listdir(tmp_path) == ["one"]
    assert (tmp_path / "one").read_bytes() == b"program"
    assert os.path.dirname(os.environ["JAX_COMPILATION_CACHE_DIR"]) == str(tmp_path)
