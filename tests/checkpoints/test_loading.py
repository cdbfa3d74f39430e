"""`load_checkpoint`: paths, messages, checks of the weights and options."""

import keras
import numpy as np
import pytest

from array_files import save
from keras_alexnet import load_checkpoint
from keras_alexnet.formats.errors import CheckpointError
from made_checkpoints import WAYS
from made_networks import drawn_weights, learned_weights, small_network, weights_of


def test_a_path_never_touches_the_network(no_network, tmp_path, capsys):
    """A file is read where it is, and the report is printed if asked for."""
    network = small_network()
    weights = learned_weights(network)
    path = save(tmp_path / "net.npz", WAYS["keras"](weights))
    loaded = load_checkpoint(network, path, verbose=True)
    assert (loaded.path, loaded.format, loaded.dialect) == (path, "npz", "keras")
    assert loaded.checkpoint is None and loaded.left_out == {} and loaded.kept == {}
    out = capsys.readouterr().out
    assert out == f"{loaded}\n"
    assert out.startswith(f"Loaded 16 variables from {path!r}, whose tensors are named as those of")
    assert "The weights look trained (conv1, conv2," in out


def test_nothing_is_printed_unless_asked_for(tmp_path, capsys, caplog):
    """Where Keras logs instead of printing, so does this."""
    network = small_network()
    path = save(tmp_path / "net.npz", WAYS["keras"](learned_weights(network)))
    with caplog.at_level("INFO", "keras_alexnet"):
        load_checkpoint(network, path)
    assert (capsys.readouterr().out, caplog.text) == ("", "")
    keras.config.disable_interactive_logging()
    try:
        with caplog.at_level("INFO", "keras_alexnet"):
            load_checkpoint(network, path, verbose=True)
    finally:
        keras.config.enable_interactive_logging()
    assert capsys.readouterr().out == ""
    assert "Loaded 16 variables" in caplog.text


def test_verify(tmp_path, capsys):
    """Weights that look untrained are warned of, refused, or taken as they are."""
    network = small_network()
    weights = drawn_weights(network)
    path = save(tmp_path / "net.npz", WAYS["keras"](weights))
    with pytest.warns(UserWarning, match="net.npz.*look untrained: they are distributed like"):
        loaded = load_checkpoint(network, path, verbose=True)
    assert "look untrained" in str(loaded)
    assert "Loaded 16 variables" in (printed := capsys.readouterr().out)
    assert "untrained" not in printed  # the warning has said it
    with pytest.raises(CheckpointError, match=r"look untrained.*trained and in order"):
        load_checkpoint(network, path, verify="raise", verbose=False)
    network = small_network()
    loaded = load_checkpoint(network, path, verify="off", verbose=False)  # no warning
    assert loaded.signs is None
    np.testing.assert_array_equal(weights_of(network)["fc6"][0], weights["fc6"][0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"verify": "no"}, r"verify='no'.*'warn', 'raise', 'off'"),
        ({"channel_order": "RGB"}, r"channel_order='RGB'.*None, 'rgb', 'bgr'"),
    ],
)
def test_options(options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        load_checkpoint(small_network(), tmp_path / "x", **options)


def test_a_file_that_cannot_be_read(tmp_path):
    """The reader's own words come through."""
    path = tmp_path / "net.pth"
    path.write_text("<html>")
    with pytest.raises(CheckpointError, match=r"net\.pth.*web page"):
        load_checkpoint(small_network(), path)
    with pytest.raises(CheckpointError, match="cannot be opened"):
        load_checkpoint(small_network(), tmp_path / "none.pth")
