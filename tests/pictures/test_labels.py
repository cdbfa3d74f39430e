"""The texts in pictures: whole, apart from each other, and different where the things are."""

import itertools
import os
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from keras_alexnet import AlexNet, describe
from keras_alexnet.evaluation.classifying import Classified, Guess
from keras_alexnet.pictures import plot_classified, plot_confusion, plot_description, plot_panel

LONG = "a class with a name so long that nobody reads it in one go, and with more words "


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are saved; their files are empty. A test of boxes draws by itself."""
    figures = []

    def keep(self, path, **options):
        figures.append(self)
        open(path, "w").close()

    monkeypatch.setattr(Figure, "savefig", keep)
    return figures


def boxes(figure):
    """Return the visible texts of a figure, each with its box in pixels."""
    FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    without = [axis for axis in figure.axes if not axis.axison]
    hidden = [
        label for axis in without for label in axis.get_xticklabels() + axis.get_yticklabels()
    ]
    return [
        (text.get_text(), text.get_window_extent())
        for text in figure.findobj(Text)
        if text.get_visible() and text.get_text().strip() and text not in hidden
    ]


def check_texts(figure):
    """Check that every text is whole inside the figure, and covers no other."""
    found = boxes(figure)
    assert found
    for text, box in found:
        inside = (box.x0 >= -1, box.y0 >= -1, box.x1 <= figure.bbox.x1 + 1)
        assert all(inside) and box.y1 <= figure.bbox.y1 + 1, text
    for (one, box), (other, second) in itertools.combinations(found, 2):
        width = min(box.x1, second.x1) - max(box.x0, second.x0)
        height = min(box.y1, second.y1) - max(box.y0, second.y0)
        assert width <= 1 or height <= 1, (one, other)


def photos(folder, *names):
    """Write a small image under each of some names, and return the paths."""
    paths = [os.path.join(folder, *name.split("/")) for name in names]
    for path in paths:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        Image.new("RGB", (30, 20)).save(path)
    return paths


def classified(path, count=5, name="", score=None):
    """Return an image's classes: probabilities, or logits that begin at a score."""
    scores = [1 / 2**rank if score is None else score - rank for rank in range(count)]
    guesses = tuple(Guess(f"{name}{rank}", None, value) for rank, value in enumerate(scores))
    return Classified(path, guesses, score is None)


@pytest.mark.medium
@pytest.mark.backend_free
@pytest.mark.parametrize(("classes", "name"), [(1, "x"), (2, "class "), (3, LONG), (30, LONG)])
def test_names_beside_a_confusion_matrix(classes, name, drawn, tmp_path):
    """Rows are true classes and columns predicted ones; long names are cut, and still differ."""
    counts = np.full((classes, classes), 123_456)
    plot_confusion(
        counts, [f"{name}{number}" for number in range(classes)], str(tmp_path / "a.png")
    )
    check_texts(drawn[0])
    axis = drawn[0].axes[0]
    assert (axis.get_ylabel(), axis.get_xlabel()) == ("true class", "predicted class")
    labels = [label.get_text() for label in axis.get_xticklabels()]
    assert labels == [label.get_text() for label in axis.get_yticklabels()]
    assert len(set(labels)) == classes and max(map(len, labels)) <= 32


@pytest.mark.medium
@pytest.mark.backend_free
@pytest.mark.parametrize(("count", "name"), [(1, "x"), (5, LONG), (20, "class ")])
def test_texts_of_classified_images(count, name, drawn, tmp_path):
    """A title is as wide as both halves; twenty classes have room, and one is no wall."""
    file = "a long name of a photo from a camera, with remarks (copy) (2) final.png"
    paths = photos(tmp_path, file, "a.png")
    plot_classified([classified(path, count, name) for path in paths], str(tmp_path / "b.png"))
    check_texts(drawn[0])
    assert drawn[0].axes[0].get_title() == file
    heights = [bar.get_window_extent().height for bar in drawn[0].axes[1].patches]
    assert max(heights) < drawn[0].axes[1].bbox.height / 5


TITLES = [
    (["a/1.png", "b/1.png"], ["a/1.png", "b/1.png"]),
    (["a/1.png", "b/2.png"], ["1.png", "2.png"]),
    (["a/x/1.png", "b/x/1.png", "b/x/2.png"], ["a/x/1.png", "b/x/1.png", "b/x/2.png"]),
    (["a/1.png", "a/../a/1.png"], ["1.png", "1.png"]),
]


@pytest.mark.medium
@pytest.mark.backend_free
@pytest.mark.parametrize(("names", "expected"), TITLES)
def test_titles_tell_files_apart(names, expected, drawn, tmp_path):
    """They have as many folders as it takes; one file that is given twice has one title."""
    results = [classified(path) for path in photos(tmp_path, *names)]
    plot_classified(results, str(tmp_path / "b.png"))
    titles = [axis.get_title() for axis in drawn[0].axes[::2]]
    assert titles == [title.replace("/", os.sep) for title in expected]


@pytest.mark.medium
@pytest.mark.backend_free
@pytest.mark.parametrize("count", [1, 3, 8])
def test_texts_of_a_panel(count, drawn, tmp_path):
    """The title of a single photo is whole as well."""
    results = [classified(path, 1 if count == 1 else 5, LONG) for path in photos(tmp_path, "a.png")]
    plot_panel(results * count, [(LONG, None)] * count, str(tmp_path / "b.png"))
    check_texts(drawn[0])
    said = drawn[0].get_suptitle().replace("\n", " ")
    best = "The best class" if count == 1 else "The best 5 classes"
    assert said == f"{best} of each image; orange: the right one"


@pytest.mark.medium
@pytest.mark.backend_free
@pytest.mark.parametrize("score", [-3.0, 9.0])
def test_a_better_class_has_a_longer_bar(score, drawn, tmp_path):
    """Also if the scores are logits, and all below 0."""
    results = [classified(*photos(tmp_path, "a.png"), score=score)]
    plot_classified(results, str(tmp_path / "b.png"))
    plot_panel(results, [("2", None)], str(tmp_path / "c.png"))
    assert len(drawn) == 2
    for figure in drawn:
        lengths = [bar.get_width() for bar in figure.axes[1].patches]
        assert lengths == sorted(lengths, reverse=True) and len(set(lengths)) == 5
        assert min(lengths) > 0


@pytest.mark.backend_free
def test_letters_that_no_font_has_are_told_apart(drawn, tmp_path):
    """Each would be the same box. Fonts that are not Latin are used where they are installed."""
    plot_confusion(np.eye(3), ["кот", "\U00012000", "\U00012001"], str(tmp_path / "a.png"))
    labels = [label.get_text() for label in drawn[0].axes[0].get_yticklabels()]
    assert labels[0] == "кот" and len(set(labels)) == 3


def description(**changes):
    """Return a description of a network whose layers have long names."""
    layer = SimpleNamespace(name=LONG, parameters=12_345_678, neurons=1000, multiply_adds=10**9)
    totals = {"parameters": 37_037_034, "neurons": 3000, "multiply_adds": 3 * 10**9}
    whole = {"name": LONG * 2, "input_shape": (8, 8, 3), "layers": [layer] * 3, **totals}
    return SimpleNamespace(**{**whole, **changes})


@pytest.mark.medium
@pytest.mark.backend_free
@pytest.mark.parametrize("layers", [1, 3])
def test_texts_of_a_description(layers, drawn, tmp_path):
    """Long names, and shares up to the whole."""
    whole = description()
    plot_description(description(layers=whole.layers[:layers]), str(tmp_path / "a.png"))
    check_texts(drawn[0])
    shown = [label.get_text() for axis in drawn[0].axes for label in axis.get_xticklabels()]
    assert shown and all(int(text.removesuffix(" %")) <= 100 for text in shown)


@pytest.mark.medium
def test_a_model_of_images_of_any_size(drawn, tmp_path):
    """The picture says so, and shows no neurons where their number depends on the size."""
    model = AlexNet("cifar10_18pct", include_top=False, input_shape=(None, None, 3))
    describe(model).plot(str(tmp_path / "a.png"))
    check_texts(drawn[0])
    assert drawn[0].get_suptitle() == "alexnet_cifar10_18pct, images of any size"
    parameters, *others = drawn[0].axes
    assert [text.get_text() for text in parameters.texts] == ["2,432", "25,632", "51,264"]
    for axis, measure in zip(others, ("neurons", "multiply-adds"), strict=True):
        assert axis.get_title() == f"{measure}\n(depends on image size)"
        assert {text.get_text() for text in axis.texts} == {"?"}


@pytest.mark.backend_free
@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ((224, 224, 3), "images of 224 x 224 x 3"),
        ((3, None, None), "images of any size"),
        ((224, None, 3), "images of 224 x ? x 3"),
        ((10,), "inputs of 10"),
    ],
)
def test_the_input_of_a_description(shape, said, drawn, tmp_path):
    """Only three axes are an image."""
    plot_description(description(name="net", input_shape=shape), str(tmp_path / "a.svg"))
    assert drawn[0].get_suptitle() == f"net, {said}"


@pytest.mark.backend_free
def test_a_picture_of_nothing_is_refused(tmp_path):
    """Models whose layers have no parameters; no images."""
    path = str(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"the model 'net', whose layers.*Describe a model"):
        plot_description(description(name="net", layers=[]), path)
    with pytest.raises(ValueError, match=r"Received 0 images.*1 to 40 images"):
        plot_classified([], path)
