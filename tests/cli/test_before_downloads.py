"""A mistake in what a user gives is told before a network is downloaded for it."""

import pytest
from PIL import Image

from keras_alexnet.cli import main

pytestmark = pytest.mark.backend_free


@pytest.fixture
def place(tmp_path, monkeypatch, home, known):
    """A working folder with a broken image, a whole one and an empty folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.jpg").write_bytes(b"\x89\x01\x02")
    Image.new("RGB", (8, 8)).save("whole.png")
    (tmp_path / "empty").mkdir()


BROKEN = "The image 'broken.jpg' cannot be read: it is not an image of a known kind."
MISSING = "Received the folder 'none', which does not exist."
EMPTY = "The folder 'empty' holds no class folders with images."
MISTAKES = [
    (["classify", "whole.png", "broken.jpg", "--weights", "local"], BROKEN),
    (["features", "broken.jpg", "--weights", "local", "--layer", "a", "--output", "a.npy"], BROKEN),
    (["evaluate", "local", "none"], MISSING),
    (["evaluate", "local", "empty"], EMPTY),
    (["fit", "none", "--weights", "local"], MISSING),
    (["fit", "empty", "--weights", "local"], EMPTY),
]


@pytest.mark.parametrize(
    ("arguments", "message"), MISTAKES, ids=[" ".join(words[:2]) for words, _ in MISTAKES]
)
def test_a_mistake_is_told_first(place, server, capsys, arguments, message):
    """Nothing is asked of the server."""
    assert main(arguments) == 2
    assert message in capsys.readouterr().err
    assert server.asked == []


def test_a_whole_image_needs_the_network(place, server, capsys):
    """The same command with a whole image asks for the file, which is no checkpoint."""
    assert main(["classify", "whole.png", "--weights", "local"]) == 2
    assert "cannot be read as" in capsys.readouterr().err
    assert len(server.asked) == 1
