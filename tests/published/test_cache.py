"""Copies of checkpoints that are there already, right ones and wrong ones."""

import os

import pytest

from downloads import DATA, NAME, files, record, refusal
from keras_alexnet.errors import UserError
from keras_alexnet.published.cache import folders
from keras_alexnet.published.download import download, local_path
from local_server import whole


@pytest.mark.backend_free
class TestCopies:
    """Copies that are there, right ones and wrong ones."""

    def test_folders_in_order(self, home, tmp_path, monkeypatch):
        """Keras's folder comes first, then those that are named, then what PyTorch has."""
        monkeypatch.setenv("KERAS_ALEXNET_CHECKPOINTS", os.pathsep.join(["/one", "", "~/two"]))
        ours = str(tmp_path / "home" / ".keras" / "keras_alexnet")
        torch = str(tmp_path / "torch" / "hub" / "checkpoints")
        two = str(tmp_path / "home" / "two")
        assert folders() == [str(home), "/one", two, ours, torch]
        monkeypatch.delenv("KERAS_HOME")
        monkeypatch.delenv("TORCH_HOME")
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        cache = str(tmp_path / "home" / ".cache" / "torch" / "hub" / "checkpoints")
        assert folders() == [ours, "/one", two, cache]

    @pytest.mark.parametrize("place", ["shared", "torch/hub/checkpoints"])
    def test_a_read_only_copy_is_used(self, home, tmp_path, monkeypatch, place):
        """A copy elsewhere is used where it lies; nothing is asked for or written."""
        folder = tmp_path / place
        folder.mkdir(parents=True)
        (folder / NAME).write_bytes(DATA)
        folder.chmod(0o555)
        monkeypatch.setenv("KERAS_ALEXNET_CHECKPOINTS", str(tmp_path / "shared"))
        monkeypatch.setenv("KERAS_ALEXNET_OFFLINE", "1")
        assert local_path(record("http://127.0.0.1:9/a")) == str(folder / NAME)
        assert not home.exists()
        folder.chmod(0o755)

    @pytest.mark.parametrize("wrong", [DATA[:-1], b"", DATA[::-1]])
    def test_a_wrong_copy_is_replaced(self, server, home, wrong, capsys):
        """A half or damaged copy is noticed, said and downloaded again."""
        home.mkdir(parents=True)
        (home / NAME).write_bytes(wrong)
        download(record(server.serve("a", whole(DATA))))
        assert (home / NAME).read_bytes() == DATA
        assert f"Skipping the copy {str(home / NAME)!r}: it" in capsys.readouterr().out

    def test_a_wrong_copy_stays_until_the_right_one_is_there(self, server, home):
        """When the download fails, what was there still is, and the message speaks of it."""
        home.mkdir(parents=True)
        (home / NAME).write_bytes(b"half")
        message = refusal(record(server.url("no")))
        assert f"The copy {str(home / NAME)!r} is wrong: it has 4 bytes, not 700,000." in message
        assert (home / NAME).read_bytes() == b"half"
        assert files(home) == [NAME]

    def test_offline(self, server, home, monkeypatch):
        """Switched off, nothing is asked for, and the message says where to get the file."""
        monkeypatch.setenv("KERAS_ALEXNET_OFFLINE", "1")
        checkpoint = record(server.serve("a", whole(DATA)), server.url("b"))
        message = refusal(checkpoint)
        assert "'net.bin' is not on this machine, and KERAS_ALEXNET_OFFLINE is set." in message
        assert f"get the file from {server.url('a')} or {server.url('b')} by other means" in message
        assert server.asked == []
        monkeypatch.setenv("KERAS_ALEXNET_OFFLINE", "0")
        assert download(checkpoint, progress=False) == str(home / NAME)

    def test_nowhere_to_write(self, server, tmp_path, home, monkeypatch):
        """Where nothing can be written it is said, and no temporary folder taken instead."""
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("KERAS_HOME", str(tmp_path / "file"))
        message = refusal(record(server.serve("a", whole(DATA))))
        assert "'net.bin' is not on this machine, and the download folder" in message
        assert "Set KERAS_HOME to a folder of your own" in message
        assert server.asked == []

    def test_a_folder_of_ones_own_that_cannot_be_made(self, server, home, tmp_path):
        """The remedy is another folder: KERAS_HOME has nothing to do with it."""
        (tmp_path / "file").write_text("")
        with pytest.raises(UserError) as caught:
            download(record(server.serve("a", whole(DATA))), str(tmp_path / "file" / "mine"))
        assert caught.value.received.startswith("Received the output folder")
        assert caught.value.remedy == "Choose another folder."
        assert server.asked == []

    def test_a_folder_of_ones_own(self, server, home, tmp_path):
        """With a folder given, only that one is looked at and written to."""
        checkpoint = record(server.serve("a", whole(DATA)))
        download(checkpoint, progress=False)
        path = download(checkpoint, str(tmp_path / "mine"), progress=False)
        assert path == str(tmp_path / "mine" / NAME)
        assert len(server.asked) == 2
