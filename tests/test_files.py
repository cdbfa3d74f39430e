"""Files are written in full or not at all."""

import errno
import os
import stat
import sys
import threading

import pytest

from keras_alexnet.errors import UserError
from keras_alexnet.files import (
    check_writable,
    locked_folder,
    made_folder,
    name_list,
    read_json,
    write_json,
    written_folder,
    written_whole,
)

pytestmark = pytest.mark.backend_free


def test_success_replaces(tmp_path):
    """What was written replaces what stood there, and nothing else is left."""
    path = tmp_path / "a.txt"
    path.write_text("old")
    with written_whole(str(path)) as beside, open(beside, "w") as file:
        file.write("new")
    assert path.read_text() == "new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]


def test_files_of_two_parts(tmp_path):
    """The second part has the name that the block gave it."""
    with written_whole(str(tmp_path / "a.xml")) as beside:
        for path in (beside, beside.replace(".xml", ".bin")):
            with open(path, "w") as file:
                file.write(path[-3:])
    assert {e.name: e.read_text() for e in tmp_path.iterdir()} == {"a.xml": "xml", "a.bin": "bin"}


def test_a_folder_is_there_whole_or_not_at_all(tmp_path):
    """A new one replaces an older one, of which nothing is left; a failure leaves that one."""
    path = tmp_path / "net"

    def write(name, fail=False):
        with written_folder(str(path)) as beside:
            os.makedirs(os.path.join(beside, "inner"))
            with open(os.path.join(beside, "inner", name), "w") as file:
                file.write(name)
            if fail:
                raise OSError(errno.ENOSPC, "No space left on device")

    for name in ("first", "second"):
        write(name)
        assert [entry.name for entry in (path / "inner").iterdir()] == [name]
    with pytest.raises(UserError, match="No space left"):
        write("third", fail=True)
    assert [entry.name for entry in (path / "inner").iterdir()] == ["second"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["net"]


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_failure_keeps_the_old_file(tmp_path, error):
    """A failure half-way, or Ctrl-C, leaves the old file whole and no half file."""
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(error), written_whole(str(path)) as beside, open(beside, "w") as file:
        file.write("half")
        raise error
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]


def test_full_disk_is_said(tmp_path):
    """A full disk is reported in words, and the old file stands."""
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(ValueError, match=r"No space left.*Nothing was changed"):  # noqa: SIM117
        with written_whole(str(path)):
            raise OSError(errno.ENOSPC, "No space left on device")
    assert path.read_text() == "old"


@pytest.mark.parametrize(
    ("name", "message"), [("no/a.txt", "does not exist"), ("folder", "which is a folder")]
)
def test_places_that_cannot_be_written(tmp_path, name, message):
    """A missing folder, and a folder in the file's place, are said before any work is done."""
    (tmp_path / "folder").mkdir()
    with pytest.raises(ValueError, match=f"{message}.*Choose another"):
        check_writable(str(tmp_path / name))


def test_a_file_is_on_the_disk_before_its_name_and_the_name_before_the_end(tmp_path, monkeypatch):
    """A loss of power leaves the old file or the new one, and never an empty one."""
    steps = []
    fsync, replace = os.fsync, os.replace

    def flush(handle):
        steps.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        fsync(handle)

    def rename(*paths):
        steps.append("name")
        replace(*paths)

    monkeypatch.setattr(os, "fsync", flush)
    monkeypatch.setattr(os, "replace", rename)
    with written_whole(str(tmp_path / "a.txt")) as beside, open(beside, "w") as file:
        file.write("all")
    assert steps == ["file", "name", "folder"]


def test_a_disk_that_fails_at_the_last_is_said(tmp_path, monkeypatch):
    """Some systems find no room for a file only when it goes to the disk."""

    def refuse(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(ValueError, match=r"No space left.*Nothing was changed"):
        write_json(str(path), {})
    assert path.read_text() == "old"


@pytest.mark.parametrize("function", ["mkdir", "replace"])
def test_a_system_that_refuses_is_said(function, tmp_path, monkeypatch):
    """Some let no one write in a folder that they call writable, such as /proc."""

    def refuse(*arguments, **options):
        raise PermissionError(errno.EACCES, "Permission denied")

    path = tmp_path / "a.txt"
    path.write_text("old")
    monkeypatch.setattr(os, function, refuse)
    with pytest.raises(UserError, match=r"Permission denied.*folder must be writable.*changed"):
        write_json(str(path), {})
    assert [each.name for each in tmp_path.iterdir()] == ["a.txt"]
    assert path.read_text() == "old"


@pytest.mark.parametrize("content", [b"", b"\xff", b"[" * 100_000, b"{}", b"[1]"])
def test_a_file_that_holds_something_else_is_said(content, tmp_path):
    """Of JSON that is none, and of another value, in the sentences that are given."""
    path = tmp_path / "names.json"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"names\.json' cannot be read: .*\. It must\. Do so\."):
        read_json(str(path), name_list, "It must.", "Do so.")
    write_json(str(path), ["a", "caf\udce9"])
    assert read_json(str(path), name_list, "", "") == ["a", "caf\udce9"]


def test_one_at_a_time_has_a_folder(tmp_path):
    """The second waits, says so once, and finds the folder again that the first removed."""
    folder, said, reached = tmp_path / "folder", [], threading.Event()
    folder.mkdir()

    def second():
        with locked_folder(str(folder), lambda: (said.append("waiting"), reached.set())) as locked:
            said.append((locked, folder.is_dir()))

    thread = threading.Thread(target=second)
    with locked_folder(str(folder)) as locked:
        assert locked
        thread.start()
        assert reached.wait(60)
        assert said == ["waiting"]
        folder.rmdir()
    thread.join()
    assert said == ["waiting", (True, True)]


def test_without_locks_the_block_runs_all_the_same(tmp_path, monkeypatch):
    """As on Windows, and for a folder that cannot be opened."""
    with locked_folder(str(tmp_path / "none")) as locked:
        assert not locked
    monkeypatch.setitem(sys.modules, "fcntl", None)
    with locked_folder(str(tmp_path)) as locked:
        assert not locked
    with pytest.raises(OSError, match="of the block"), locked_folder(str(tmp_path)):
        raise OSError("of the block")


def test_an_output_folder_that_is_not_writable_is_named(tmp_path, monkeypatch):
    """The error names the folder, not a file in it, and keeps what the folder holds."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "model.keras").write_text("weights")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(UserError) as caught, made_folder(str(folder)):
        raise AssertionError("the block must not run")
    received = f"Received the output folder {str(folder)!r}, which is not writable."
    assert caught.value.received == received
    assert caught.value.expected == "The folder must be writable."
    assert os.listdir(folder) == ["model.keras"]


def test_what_a_failed_block_made_is_removed(tmp_path):
    """All levels that were made, and no folder that was there before or holds something."""
    for folder, left in (
        ("new/er/est", []),
        ("old/new", ["old"]),
        ("old", ["old"]),
        ("used/new", ["old", "used", "used/new", "used/new/file"]),
    ):
        if folder == "old/new":
            (tmp_path / "old").mkdir()
        with pytest.raises(KeyError), made_folder(str(tmp_path / folder)):
            if folder == "used/new":
                (tmp_path / folder / "file").touch()
            raise KeyError
        assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == left
