"""Links that lead nowhere or to themselves, and names that would act on a terminal."""

import io

import numpy as np
import pytest
from PIL import Image

from image_files import class_folders
from keras_alexnet import image_folder
from keras_alexnet.cards.records import ModelCard
from keras_alexnet.cli import main
from keras_alexnet.data.image_check import check_images
from keras_alexnet.data.labelled_files import find_images
from keras_alexnet.errors import escaped
from keras_alexnet.evaluation import Evaluation
from keras_alexnet.evaluation.class_tables import class_table
from keras_alexnet.evaluation.classifying import Classified, Guess
from keras_alexnet.evaluation.folder import classes_of, images_to_measure
from keras_alexnet.training.images import load_images
from keras_alexnet.training.job import Job

ACTS = "\x1b[31m\u202ered\r\n\x07"  # red, right to left, the line again, a new one, a bell
SHOWN = r"\x1b[31m\u202ered\r\n\x07"

pytestmark = pytest.mark.backend_free


@pytest.fixture
def folder(tmp_path):
    """Two classes of three images."""
    return class_folders(tmp_path / "images", 3)


def link_to_itself(path):
    """Make a link that no system call can follow."""
    path.symlink_to(path.name)
    return str(path)


def test_links_in_circles(folder):
    """Among the classes and in one they are no folders; only one that ends as an image is named."""
    link_to_itself(folder / "loop")
    link_to_itself(folder / "cats" / "loop")
    (folder / "cats" / "above").symlink_to(folder)
    (folder / "dogs" / "to_cats").symlink_to(folder / "dogs" / "to_dogs")
    (folder / "dogs" / "to_dogs").symlink_to(folder / "dogs" / "to_cats")
    bad = link_to_itself(folder / "dogs" / "loop.png")
    findings = check_images(str(folder))
    assert [finding.path for finding in findings.bad] == [bad]
    assert "Too many levels of symbolic links" in findings.bad[0].reason
    files = find_images(str(folder / "dogs" / ".."))
    assert files.class_names == ("cats", "dogs")
    assert [files.labels.count(label) for label in (0, 1)] == [3, 4]
    with pytest.warns(UserWarning, match="'loop'"):
        assert image_folder(folder, 8, bad_images="skip").skipped[-1][0] == bad
    images = load_images(Job(directory=str(folder), bad_images="skip"))
    assert [path for path, _ in images.skipped] == [bad]
    with pytest.raises(ValueError, match=r"loop.png' cannot be read: it cannot be opened"):
        load_images(Job(directory=str(folder)))


def test_links_in_circles_where_a_model_is_measured(folder):
    """A broken link is found with the images, and its size is no error."""
    link_to_itself(folder / "loop")
    bad = link_to_itself(folder / "dogs" / "loop.png")

    class Model:
        output_shape = (None, 1000)

    assert classes_of(Model, str(folder))[0] is None
    assert bad in images_to_measure(str(folder), None)[0].paths


def test_shown():
    """What acts on a terminal is escaped as `repr` does it, and text in any script stays."""
    assert escaped(ACTS) == SHOWN == repr(ACTS)[1:-1]
    assert escaped("caf\u00e9 \u732b 'x' \\n") == "caf\u00e9 \u732b 'x' \\n"
    assert escaped("caf\udce9") == r"caf\udce9"


def test_names_of_classes_in_tables():
    """Accuracies, guesses and the model card show them escaped."""
    names = (ACTS, "dog")
    text = str(Evaluation(names, 2, 0, None, np.array([[0, 1], [1, 0]])))
    assert SHOWN in text and f"{SHOWN}, once" in text
    assert not set("\x1b\u202e\r\x07") & set(text)
    card = str(ModelCard("paper", class_names=names))
    assert SHOWN in card and card.isprintable()


def test_names_in_the_table_of_classify():
    """Image and class are escaped."""
    out = class_table([Classified(ACTS, (Guess(ACTS, None, 0.5),), True)])
    assert out.count(SHOWN) == 2
    assert out.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    "arguments", [["check-images", "images"], ["fit", "images"], ["describe", "no" + ACTS], [ACTS]]
)
def test_names_in_what_commands_print(arguments, folder, monkeypatch, capsys):
    """Files, folders and arguments are escaped, on both streams."""
    monkeypatch.chdir(folder.parent)
    (folder / "cats" / f"{ACTS}.png").write_text("no image")
    (folder / "cats" / f"a.{ACTS}").write_text("")
    (folder / ACTS).mkdir()
    try:
        assert main(arguments) in (1, 2)
    except SystemExit as stop:
        assert stop.code == 2
    captured = capsys.readouterr()
    printed = captured.out + captured.err
    assert SHOWN in printed
    assert printed.replace("\n", "").isprintable()
    assert captured.err.count("\n") <= 1


def test_decoders_write_nothing_themselves(tmp_path, capfd):
    """libtiff writes from C, and Pillow warns: of a damaged file a line of the table is left."""
    content = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), "uint8")
    Image.fromarray(noise).save(content, "TIFF", compression="tiff_lzw")
    whole = content.getvalue()
    damaged = bytearray(whole)
    for place in range(200, 6000, 37):
        damaged[place] ^= 0x5A
    (tmp_path / "damaged.tif").write_bytes(damaged)
    (tmp_path / "cut.tif").write_bytes(whole[: len(whole) // 2])
    assert main(["check-images", str(tmp_path)]) == 1
    captured = capfd.readouterr()
    assert captured.err == ""
    assert "Checked 2 images: 2 cannot be read." in captured.out
