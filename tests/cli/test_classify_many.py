"""`keras-alexnet classify` on folders: the table, the CSV file, bad images, interruptions."""

import csv
import io
import json
import os
import signal

import numpy as np
import pytest
from PIL import Image

from colour_networks import colours, save, softmax
from keras_alexnet import UserError, jobs
from keras_alexnet.cli import main
from keras_alexnet.data.image_list import list_images

MODEL = ["--model", "model.keras"]
# In order of name; the best class is that of the largest mean.
PIXELS = {
    "photos/a/1.png": (250, 100, 0),
    "photos/a/inner/2.png": (0, 100, 50),
    "photos/a/inner/3.jpg": (10, 20, 200),
    "photos/b/1.png": (200, 0, 0),
    "photos/c.png": (0, 200, 0),
}


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """A working folder with a folder of five images at several depths, and two other files."""
    monkeypatch.chdir(tmp_path)
    for path, pixels in PIXELS.items():
        os.makedirs(os.path.dirname(path), exist_ok=True)
        Image.new("RGB", (20, 12), pixels).save(path, quality=95)
    (tmp_path / "photos" / "b" / "notes.txt").write_text("no image")
    (tmp_path / "photos" / ".hidden.png").write_text("no image")
    return tmp_path


def rows_of(text):
    """Return the rows of a table, each a dict from columns to texts."""
    return list(csv.DictReader(io.StringIO(text)))


def truncate(path):
    """Cut a file short behind its header, which then can still be read."""
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), "uint8")
    Image.fromarray(pixels).save(path)
    with open(path, "r+b") as file:
        file.truncate(3000)


def test_a_row_for_each_image(photos, capsys):
    """In order, over the ends of batches, with the scores that were computed by hand."""
    save(colours())
    assert main(["classify", "photos", *MODEL, "--csv", "classes.csv", "--batch-size", "2"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Wrote the classes of 5 images to classes.csv.\n")
    assert "Passed over 1 file without the ending of an image that can be read: 'notes.txt'" in out
    text = (photos / "classes.csv").read_text()
    columns = [
        f"{name}{rank}" for rank in (1, 2, 3) for name in ("class", "wordnet", "probability")
    ]
    assert text.splitlines()[0] == ",".join(["file", *columns])
    assert "\r" not in text
    rows = rows_of(text)
    assert [row["file"] for row in rows] == list(PIXELS)
    classes = {"red fish": 0, "green": 1, "n01443537": 2}
    for row, pixels in zip(rows, PIXELS.values(), strict=True):
        expected = softmax(pixels)
        numbers = [classes[row[f"class{rank}"]] for rank in (1, 2, 3)]
        assert numbers == np.argsort(-expected, kind="stable").tolist()
        found = [float(row[f"probability{rank}"]) for rank in (1, 2, 3)]
        np.testing.assert_allclose(found, expected[numbers], rtol=0.02)  # a JPEG is not exact
        identifiers = ("n01440764", "", "n01443537")
        assert [row[f"wordnet{rank}"] for rank in (1, 2, 3)] == [identifiers[n] for n in numbers]


def test_files_and_folders_in_the_order_given(photos):
    """A file may have any ending; an image in no class folder has no class."""
    os.rename("photos/c.png", "photos/c.image")
    found = list_images(["photos/c.image", "photos/b", "photos"])
    assert found.paths == (
        *("photos/c.image", "photos/b/1.png", "photos/a/1.png", "photos/a/inner/2.png"),
        *("photos/a/inner/3.jpg", "photos/b/1.png"),
    )
    assert found.class_names == ("", "", "a", "a", "a", "b")
    assert [os.path.basename(path) for path in found.passed_over] == [
        "notes.txt",
        "notes.txt",
        "c.image",
    ]


@pytest.mark.backend_free
def test_classes_below_train_and_val(tmp_path):
    """The folders of a data set's splits are no classes."""
    for path in ("train/cat", "train/dog", "val/cat"):
        (tmp_path / path).mkdir(parents=True)
        (tmp_path / path / "1.png").write_text("")
    assert list_images(tmp_path).class_names == ("cat", "dog", "cat")


def test_the_standard_output_has_the_table_alone(photos, capsys):
    """With `--csv -`. Logits are scores; classes without identifiers have no column for them."""
    save(colours(activation=None), ["red", "green", "blue"])
    capsys.readouterr()
    assert main(["classify", "photos", "photos/c.png", *MODEL, "--csv", "-", "--top", "1"]) == 0
    captured = capsys.readouterr()
    rows = rows_of(captured.out)
    assert [row["file"] for row in rows] == [*PIXELS, "photos/c.png"]
    assert [row["class1"] for row in rows] == ["red", "green", "blue", "red", "green", "green"]
    assert float(rows[0]["score1"]) == 2.5
    assert list(rows[0]) == ["file", "class1", "score1"]
    assert "assumed" in captured.err
    assert main(["classify", "photos", *MODEL, "--csv", "-", "--json"]) == 2
    assert "Received --json and --csv -." in capsys.readouterr().err


def test_a_table_of_which_nothing_need_be_said(photos, capsys, monkeypatch):
    """No empty line follows it."""
    found = jobs.Classification("colours", (), ())
    monkeypatch.setattr(jobs, "classify", lambda *images, **options: found)
    assert main(["classify", "photos", *MODEL, "--csv", "-"]) == 0
    assert capsys.readouterr() == ("", "")


def test_json_names_the_table(photos, capsys):
    """The classes themselves are in the table alone."""
    save(colours())
    arguments = ["classify", "photos", *MODEL, "--csv", "classes.csv", "--json"]
    assert main(arguments) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["count"], found["csv"], found["images"]) == (5, "classes.csv", [])
    assert len(rows_of((photos / "classes.csv").read_text())) == 5


def test_many_images_have_a_line_each(photos, capsys):
    """Of more than ten images the best class is shown, and where the others are is said."""
    save(colours())
    assert main(["classify", "photos", "photos", "photos", *MODEL]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["image", "class", "WordNet", "probability"]
    assert [line[0] for line in lines[1:16]] == [*PIXELS] * 3
    assert [len(line) for line in lines[1:16]] == [6, 4, 5, 6, 4] * 3  # names of two words, none
    assert lines[16] == []
    assert "--csv classes.csv" in " ".join(lines[17])


def test_rows_are_written_while_images_are_read(photos):
    """So memory does not grow: the first rows are there before the last batch is computed."""
    model, computed, seen = colours(), [], []
    predict = model.predict_on_batch
    model.predict_on_batch = lambda images: computed.append(len(images)) or predict(images)

    class Table(io.StringIO):
        def write(self, text):
            seen.append(len(computed))
            return super().write(text)

    table = Table()
    result = jobs.classify("photos", model=model, csv=table, batch_size=2)
    assert computed == [2, 2, 1]
    assert seen == [1, 1, 1, 2, 2, 3]  # the columns and the first two rows, and so on
    assert (result.images, result.count, result.csv) == ((), 5, None)
    assert repr(result) == "Classification(model_name='colours', count=5)"
    with pytest.raises(UserError, match="which holds no images"):
        result.plot("classes.png")
    assert len(rows_of(table.getvalue())) == 5


@pytest.mark.parametrize("spoil", [lambda path: open(path, "w").close(), truncate])
def test_a_bad_image_stops_and_nothing_is_lost(photos, capsys, spoil):
    """Three sentences; an older table stays as it was."""
    save(colours())
    spoil("photos/b/1.png")
    (photos / "classes.csv").write_text("of before")
    before = sorted(photos.rglob("*"))
    capsys.readouterr()
    arguments = ["classify", "photos", *MODEL, "--csv", "classes.csv", "--batch-size", "2"]
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "The image 'photos/b/1.png' cannot be read: it is " in captured.err
    assert "Every file must be a whole image." in captured.err
    assert "--bad-images skip" in captured.err
    assert captured.err.count("\n") == 1
    assert (photos / "classes.csv").read_text() == "of before"
    assert sorted(photos.rglob("*")) == before


@pytest.mark.parametrize("spoil", [lambda path: open(path, "w").close(), truncate])
def test_a_bad_image_is_left_out_if_asked(photos, capsys, spoil):
    """The others keep their classes, and the bad one is named."""
    save(colours())
    spoil("photos/a/inner/2.png")
    spoil("photos/a/inner/3.jpg")  # a batch of its own, without a good image
    options = ["--csv", "classes.csv", "--batch-size", "1", "--bad-images", "skip"]
    assert main(["classify", "photos", *MODEL, *options]) == 0
    note = "Skipped 2 images that cannot be read: 'photos/a/inner/2.png', 'photos/a/inner/3.jpg'."
    assert note in capsys.readouterr().out
    rows = rows_of((photos / "classes.csv").read_text())
    assert [row["file"] for row in rows] == ["photos/a/1.png", "photos/b/1.png", "photos/c.png"]
    assert [row["class1"] for row in rows] == ["red fish", "red fish", "green"]
    result = jobs.classify("photos", model="model.keras", bad_images="skip")
    assert [path for path, _ in result.skipped] == ["photos/a/inner/2.png", "photos/a/inner/3.jpg"]
    assert [image.path for image in result.images] == [row["file"] for row in rows]
    with pytest.raises(UserError, match="None of the 2 images can be read"):
        jobs.classify("photos/a/inner", model="model.keras", bad_images="skip", csv="none.csv")
    assert not os.path.exists("none.csv")


def test_ctrl_c_leaves_no_half_table(photos, capsys, monkeypatch):
    """Exit code 130, and the folder is as it was."""
    save(colours())
    before = sorted(photos.rglob("*"))
    interrupt = lambda *arguments: signal.raise_signal(signal.SIGINT)  # noqa: E731
    monkeypatch.setattr("keras_alexnet.evaluation.classifying._classified", interrupt)
    assert main(["classify", "photos", *MODEL, "--csv", "classes.csv"]) == 130
    assert "interrupted; nothing was saved" in capsys.readouterr().err
    assert sorted(photos.rglob("*")) == before


@pytest.mark.backend_free
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["photos", "--csv", "photos/c.png"],
            "must end in .csv, so that no other file is replaced",
        ),
        (["photos", "--csv", "no/such.csv"], "the folder"),
        (["photos", "--csv", "a.csv", "--plot", "a.png"], "together with"),
        (["photos", "--bad-images", "ignore"], "Received --bad-images='ignore'"),
        (["empty"], "The folder 'empty' holds no images."),
    ],
)
def test_mistakes_are_known_before_the_network(photos, capsys, arguments, message):
    """One line, and no model is looked for."""
    os.mkdir("empty")
    try:
        code = main(["classify", *arguments, "--model", "nowhere.keras"])
    except SystemExit as stop:
        code = stop.code
    captured = capsys.readouterr()
    assert (code, captured.out, captured.err.count("\n")) == (2, "", 1)
    assert message in captured.err


@pytest.fixture
def folder(tmp_path, monkeypatch, home, known):
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


@pytest.mark.backend_free
@pytest.mark.parametrize(
    ("arguments", "message"), MISTAKES, ids=[" ".join(words[:2]) for words, _ in MISTAKES]
)
def test_a_mistake_is_told_first(folder, server, capsys, arguments, message):
    """A mistake in the images comes before the network: nothing is asked of the server."""
    assert main(arguments) == 2
    assert message in capsys.readouterr().err
    assert server.asked == []


@pytest.mark.backend_free
def test_a_whole_image_needs_the_network(folder, server, capsys):
    """The same command with a whole image asks for the file, which is no checkpoint."""
    assert main(["classify", "whole.png", "--weights", "local"]) == 2
    assert "cannot be read as" in capsys.readouterr().err
    assert len(server.asked) == 1
