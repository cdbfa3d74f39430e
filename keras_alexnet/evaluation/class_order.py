"""Whether the classes stand in the order that a network has them in, as far as figures show it."""

import numpy as np

from keras_alexnet.data.classes import identifier_and_label
from keras_alexnet.evaluation.figures import Evaluation
from keras_alexnet.published.imagenet import CLASSES

# The classes to which the devkit of 2012 gives the numbers (ILSVRC2012_ID, map_clsloc.txt) 1 to 10
# and 25, 50, ... 600. Networks that were trained with cuda-convnet2 have their outputs in this
# order, the first of them number 1. A sample is enough to tell it from another.
_NUMBERS = (*range(10), *range(24, 600, 25))
_WORDNET = """
    n02119789 n02100735 n02110185 n02096294 n02102040 n02066245 n02509815 n02124075 n02417914
    n02123394 n02098105 n02113186 n02500267 n02489166 n02099601 n02101388 n02490219 n02087394
    n02317335 n04389033 n03444034 n02870880 n07760859 n03494278 n03481172 n01622779 n02007558
    n01443537 n01697457 n01644373 n03544143 n03180011 n03929660 n04275548
"""
DEVKIT = dict(zip(_WORDNET.split(), _NUMBERS, strict=True))
LEAST = 0.25  # the part of the images that another order must get right, for it to be spoken of


def order_note(evaluation: Evaluation) -> str | None:
    """Say that the classes seem to be in another order than the model's outputs, if they do.

    Every class is given the output that its images most often get, and each output to one class.
    Of what would be right so, one image of each class does not count: it has chosen the output.
    The rest must be a quarter of the images, more than twice what is right as it is, and more than
    four standard errors above that and above chance.

    Example:

    >>> import numpy as np
    >>> from keras_alexnet.evaluation import Evaluation
    >>> confusion = np.array([[1, 29, 0], [0, 2, 28], [30, 0, 0]])
    >>> order_note(Evaluation(("ant", "bee", "cat"), 90, 3 / 90, None, confusion))[:66]
    "The classes seem to be in another order than the model's outputs: "
    >>> order_note(Evaluation(("ant", "bee"), 20, 0.9, None, np.array([[9, 1], [1, 9]]))) is None
    True
    """
    confusion, names = evaluation.confusion, evaluation.class_names
    outputs, counts = _matched(confusion), confusion.sum(axis=1)
    rows = np.flatnonzero(counts)
    hits, images = confusion[rows, outputs[rows]], max(int((counts[rows] - 1).sum()), 1)
    right = float(np.maximum(hits - 1, 0).sum() / images)
    expected = max(1 / len(names), evaluation.top1)
    noise = 4 * np.sqrt(expected * (1 - expected) / images)
    if right < max(LEAST, 2 * evaluation.top1, expected + noise):
        return None
    moved = [(names[row], names[outputs[row]]) for row in rows if outputs[row] != row]
    some = ", ".join(f"{name!r} mostly gets the output of {other!r}" for name, other in moved[:3])
    if len(moved) > 3:
        some += ", ..."
    which = "It is the order of the 2012 devkit's ILSVRC2012_ID. "
    return (
        "The classes seem to be in another order than the model's outputs: "
        f"{100 * evaluation.top1:.1f} % are right, and {100 * hits.sum() / counts.sum():.1f} % "
        f"would be if each class had the output that its images mostly get ({some}). "
        f"{which if _is_devkit(outputs, counts, names) else ''}Write the names of the classes, in "
        "the order of the outputs, into a file classes.json beside the model."
    )


def _matched(confusion: np.ndarray) -> np.ndarray:
    """Return the output of each class: the largest counts first, and no output twice.

    Of equal counts the class's own comes first, so that nothing is moved without a reason.
    """
    outputs = np.arange(len(confusion))
    rows, columns = np.nonzero(confusion)
    order = np.lexsort((rows != columns, -confusion[rows, columns]))
    free_rows, free_columns = set(outputs.tolist()), set(outputs.tolist())
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if row in free_rows and column in free_columns:
            outputs[row] = column
            free_rows.remove(row)
            free_columns.remove(column)
    return outputs


def _is_devkit(outputs: np.ndarray, counts: np.ndarray, names: tuple[str, ...]) -> bool:
    """Say whether most classes of which the devkit's number is known have it as their output."""
    numbers = {identifier_and_label(name)[0]: number for number, name in enumerate(names)}
    known = {numbers[key]: output for key, output in DEVKIT.items() if key in numbers}
    agree = [outputs[row] == output for row, output in known.items() if counts[row]]
    return len(names) == CLASSES and len(agree) > 1 and sum(agree) > len(agree) / 2
