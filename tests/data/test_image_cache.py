"""The cache of decoded images: in memory, on disk, and on a full disk."""

import errno
import io
import os

import numpy as np
import pytest

from gray_images import LEVELS, all_levels, orders, save_gray
from keras_alexnet import image_folder
from keras_alexnet.data.cache import DiskCache


@pytest.mark.parametrize("kind", ["memory", "disk"])
def test_a_cache_keeps_images_and_not_their_order(folder, tmp_path, kind):
    """Cached epochs have the orders of uncached ones, and need the files no more."""
    expected = orders(image_folder(folder, 8, shuffle=True))
    cache = True if kind == "memory" else tmp_path / "cache"
    dataset = image_folder(folder, 8, shuffle=True, cache=cache)
    first = all_levels(dataset)
    for path in folder.rglob("*.bmp"):
        path.unlink()
    assert [first, *orders(dataset, 2)] == expected


def test_a_cache_on_disk_serves_later_runs_until_a_file_changes(folder, tmp_path):
    """Another run reads the cache; a file that changed since is read again."""
    assert all_levels(image_folder(folder, 8, cache=tmp_path / "cache")) == LEVELS
    path = folder / "cats" / "5.bmp"
    before = path.stat()
    save_gray(path, 50)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert all_levels(image_folder(folder, 8, cache=tmp_path / "cache")) == LEVELS
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 10))
    assert 50 in all_levels(image_folder(folder, 8, cache=tmp_path / "cache"))


def test_a_cache_that_was_cut_short_gives_no_half_image(folder, tmp_path):
    """What a killed run left is completed."""
    assert all_levels(image_folder(folder, 8, cache=tmp_path / "cache")) == LEVELS
    (kept,) = (tmp_path / "cache").iterdir()
    kept.write_bytes(kept.read_bytes()[:500])
    assert all_levels(image_folder(folder, 8, cache=tmp_path / "cache")) == LEVELS


class FullDisk(io.BytesIO):
    """A file on a disk that is full."""

    def write(self, content):
        """Fail as the system does."""
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_ends_the_cache_and_not_the_run(tmp_path, monkeypatch):
    """An image that cannot be kept is not there later, and a warning says why."""
    cache = DiskCache(str(tmp_path / "cache"), [], (8, 8, 3), "")
    monkeypatch.setattr(cache, "_at", lambda number, mode: FullDisk())
    with pytest.warns(UserWarning, match="keeps no more images: No space left"):
        cache[0] = np.zeros((8, 8, 3), "uint8")
    assert cache.get(0) is None


def test_a_cache_needs_a_folder(folder, tmp_path):
    """A file where the cache's folder is meant is said to be in the way."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match=r"file', which cannot be made: File exists"):
        image_folder(folder, 8, cache=str(tmp_path / "file"))
