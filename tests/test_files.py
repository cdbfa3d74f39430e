"""Files are written in full or not at all."""

import errno

import pytest

from keras_alexnet.files import check_writable, written_whole

pytestmark = pytest.mark.backend_free


def test_success_replaces(tmp_path):
    """What was written replaces what stood there, and nothing else is left."""
    path = tmp_path / "a.txt"
    path.write_text("old")
    with written_whole(str(path)) as beside, open(beside, "w") as file:
        file.write("new")
    assert path.read_text() == "new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]


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
