"""Accuracies and confusions, against counts by hand and a plain NumPy ranking."""

import json

import keras
import numpy as np
import pytest

from keras_alexnet.evaluation import ClassFigures, Evaluation, measure

NAMES = ("ant", "bee", "cat")


def identity(classes, name="identity"):
    """Return a model whose outputs are its inputs: data that is scores."""
    inputs = keras.Input((classes,))
    return keras.Model(inputs, keras.layers.Identity()(inputs), name=name)


def ranked(scores, labels, k):
    """Return the top-k accuracy by sorting; of equal scores the first class comes first."""
    best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return np.mean([label in row for label, row in zip(labels, best, strict=True)])


BY_HAND = np.array([[3, 2, 1], [2, 3, 1], [1, 2, 3], [3, 1, 2], [5, 5, 0]], "float32")
LABELS = np.array([0, 0, 2, 2, 1])


def test_a_case_counted_by_hand():
    """Five images: two right, a tie that goes to the first class, and who was taken for whom."""
    evaluation = measure(identity(3), (BY_HAND, LABELS), NAMES)
    assert evaluation.images == 5
    assert evaluation.classes == 3
    assert evaluation.top1 == pytest.approx(2 / 5)
    assert evaluation.top5 is None
    assert evaluation.confusion.tolist() == [[1, 1, 0], [1, 0, 0], [1, 0, 1]]
    assert evaluation.ten_crop_top1 is evaluation.ten_crop_top5 is None
    assert evaluation.per_class() == [
        ClassFigures("ant", 2, 1, "bee", 1),
        ClassFigures("bee", 1, 0, "ant", 1),
        ClassFigures("cat", 2, 1, "ant", 1),
    ]
    assert [figures.name for figures in evaluation.worst(2)] == ["bee", "ant"]
    assert str(evaluation.worst(1)[0]) == "bee: 0 of 1 right; most often taken for ant, once"


def test_top5_is_that_of_sorting():
    """With many ties among 12 classes, top-1 and top-5 are those of a stable sort."""
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 6, (200, 12)).astype("float32")
    labels = rng.integers(0, 12, 200)
    names = [str(number) for number in range(12)]
    evaluation = measure(identity(12), (scores, labels), names)
    assert evaluation.top1 == pytest.approx(ranked(scores, labels, 1))
    assert evaluation.top5 == pytest.approx(ranked(scores, labels, 5))
    assert evaluation.top1 == pytest.approx(np.trace(evaluation.confusion) / 200)


@pytest.mark.parametrize(("classes", "top5"), [(5, None), (6, 5 / 6)])
def test_top5_is_told_where_it_can_fail(classes, top5):
    """Among five classes every image would be right."""
    names = [str(number) for number in range(classes)]
    scores = np.ones((classes, classes), "float32")
    assert measure(identity(classes), (scores, np.arange(classes)), names).top5 == top5


def test_a_network_that_says_nothing_is_no_better_than_guessing():
    """All scores alike: one class in ten is right, not all."""
    labels = np.arange(100) % 10
    evaluation = measure(identity(10), (np.ones((100, 10), "float32"), labels), list("abcdefghij"))
    assert (evaluation.top1, evaluation.top5) == (0.1, 0.5)


def test_logits_rank_as_probabilities():
    """Softmax changes no figure."""
    rng = np.random.default_rng(1)
    scores, labels = rng.normal(size=(50, 8)).astype("float32"), rng.integers(0, 8, 50)
    inputs = keras.Input((8,))
    softmax = keras.Model(inputs, keras.layers.Softmax()(inputs))
    of_logits = measure(identity(8), (scores, labels), list("abcdefgh"))
    of_probabilities = measure(softmax, (scores, labels), list("abcdefgh"))
    assert of_logits.to_dict() == of_probabilities.to_dict()


class Sequence(keras.utils.PyDataset):
    """The case by hand in batches of two."""

    @property
    def num_batches(self):
        """Batches of two and one of one."""
        return 3

    def __getitem__(self, number):
        part = slice(2 * number, 2 * number + 2)
        return BY_HAND[part], LABELS[part]


def in_every_form():
    """Yield the case by hand in all the forms that data may have."""
    yield BY_HAND, LABELS[:, None]
    yield BY_HAND, LABELS.astype("float32")
    yield Sequence()
    yield [(BY_HAND[:3], LABELS[:3]), (BY_HAND[3:], LABELS[3:], np.ones(2))]
    yield (batch for batch in [(BY_HAND, LABELS)])


def test_every_form_of_data_gives_the_same():
    """Arrays, a PyDataset, batches with weights, and an iterator without a length."""
    expected = measure(identity(3), (BY_HAND, LABELS), NAMES).to_dict()
    for data in in_every_form():
        assert measure(identity(3), data, NAMES, batch_size=2).to_dict() == expected


@pytest.mark.peer("tensorflow")
def test_a_tf_dataset_gives_the_same():
    """Batches of a tf.data.Dataset, on every backend."""
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices((BY_HAND, LABELS)).batch(2)
    expected = measure(identity(3), (BY_HAND, LABELS), NAMES).to_dict()
    assert measure(identity(3), data, NAMES).to_dict() == expected


def test_ten_crops_are_measured_on_the_same_batches():
    """The second model sees the images in the same pass; the confusion is the first one's."""
    inputs = keras.Input((3,))
    turned = keras.Model(inputs, keras.ops.flip(inputs, axis=1))
    once = (batch for batch in [(BY_HAND, LABELS)])
    evaluation = measure(identity(3), once, NAMES, ten_crop_model=turned, crops=9)
    assert evaluation.crops == 9
    assert evaluation.top1 == pytest.approx(2 / 5)
    assert evaluation.ten_crop_top1 == pytest.approx(ranked(BY_HAND[:, ::-1], LABELS, 1))
    assert evaluation.ten_crop_top5 is None
    assert evaluation.confusion.trace() == 2


def test_images_are_taken_as_they_are():
    """uint8 images of 0 to 255 reach the model as such numbers."""
    inputs = keras.Input((4, 4, 3))
    outputs = keras.ops.mean(inputs, axis=(1, 2))  # the three channels are the three scores
    images = np.zeros((3, 4, 4, 3), "uint8")
    images[[0, 1, 2], :, :, [2, 0, 1]] = 255
    evaluation = measure(keras.Model(inputs, outputs), (images, [2, 0, 1]), NAMES)
    assert evaluation.top1 == 1


@pytest.mark.backend_free
def test_the_table():
    """`print` shows both ways of cropping side by side and the worst classes."""
    confusion = np.diag([90, 50, 0, 0, 0, 10])
    confusion[1, 0], confusion[1, 3] = 30, 20
    text = str(Evaluation(tuple("abcdef"), 200, 0.75, 0.985, confusion, 0.8, 1.0))
    assert text == (
        "200 images of 6 classes; guessing gives 16.67 %\n\n"
        "accuracy     top-1     top-5  top-1 error  top-5 error\n"
        "one crop   75.00 %   98.50 %      25.00 %       1.50 %\n"
        "ten crops  80.00 %  100.00 %      20.00 %       0.00 %\n\n"
        "worst classes  recognised  images  most often taken for\n"
        "b                 50.00 %     100  a, 30 times\n"
        "a                100.00 %      90\n"
        "f                100.00 %      10"
    )
    nine = Evaluation(tuple("ab"), 1, 1.0, None, np.eye(2), 1.0, None, crops=9)
    assert "\nnine crops  100.00 %" in str(nine)
    assert "worst" not in Evaluation(tuple("ab"), 1, 1.0, None, np.eye(2)).summary(worst=0)


def test_brackets_in_names_are_shown():
    """What looks like rich's markup is a name like any other."""
    assert "[red]" in str(measure(identity(2), (np.eye(2), [0, 1]), ["[red]", "blue"]))


def test_json():
    """`to_dict` holds plain numbers, also of a class without images."""
    evaluation = measure(identity(3), (BY_HAND[:2], LABELS[:2]), NAMES, identity(3))
    figures = json.loads(json.dumps(evaluation.to_dict()))
    assert figures == {
        "class_names": ["ant", "bee", "cat"],
        "images": 2,
        "top1": 0.5,
        "top5": None,
        "confusion": [[1, 1, 0], [0, 0, 0], [0, 0, 0]],
        "ten_crop_top1": 0.5,
        "ten_crop_top5": None,
        "crops": 10,
        "top1_error": 0.5,
        "top5_error": None,
        "ten_crop_top1_error": 0.5,
        "ten_crop_top5_error": None,
        "per_class": [
            {"name": "ant", "images": 2, "correct": 1, "taken_for": "bee", "times": 1}
            | {"recall": 0.5}
        ],
    }


def test_a_bar_on_a_terminal_only(capsys, monkeypatch):
    """A terminal sees a bar that ends; a log sees nothing."""
    for data in [(BY_HAND, LABELS), ((BY_HAND, LABELS) for _ in range(2))]:
        measure(identity(3), (BY_HAND, LABELS), NAMES)
        assert capsys.readouterr().out == ""
        with monkeypatch.context() as terminal:
            terminal.setattr("sys.stdout.isatty", lambda: True)
            measure(identity(3), data, NAMES, batch_size=3)
        out = capsys.readouterr().out
        assert "2/" in out
        assert out.endswith("\n")


NOT_A_NUMBER = BY_HAND.copy()
NOT_A_NUMBER[1, 2] = np.nan

MISTAKES = [
    ((NOT_A_NUMBER, LABELS), r"'identity' gave NaN, not a number, for 1 of 5.*smaller learning"),
    ((BY_HAND[:, :2], LABELS), r"outputs of shape \(5, 2\) for 5 images of 3.*names of all"),
    ((BY_HAND, LABELS + 1), r"labels of shape \(5,\).*\[1, 1, 3\]\. .*integer from 0 to 2"),
    ((BY_HAND, LABELS - 0.5), "integer from 0 to 2"),
    ((BY_HAND, np.eye(3)[LABELS]), r"labels of shape \(5, 3\).*labels\.argmax"),
    ((BY_HAND, np.array(list("aabbc"))), "integer from 0 to 2"),
    (iter([]), r"data without images.*must be made again"),
]


@pytest.mark.parametrize(("data", "message"), MISTAKES)
def test_mistakes_are_said(data, message):
    """What cannot be measured is an error in three parts, never an accuracy."""
    classes = data[0].shape[1] if isinstance(data, tuple) else 3
    with pytest.raises(ValueError, match=message):
        measure(identity(classes), data, NAMES)
