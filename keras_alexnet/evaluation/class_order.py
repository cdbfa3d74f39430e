"""`order_note`: a note that the classes seem to be in another order than the outputs."""

import numpy as np

from keras_alexnet.data.classes import identifier_and_label
from keras_alexnet.evaluation.figures import Evaluation
from keras_alexnet.published.imagenet import CLASSES

# The classes with the numbers 1 to 10 and 25, 50, ... 600 in the devkit of 2012 (ILSVRC2012_ID,
# map_clsloc.txt). Networks trained with cuda-convnet2 have their outputs in this order, which
# begins with number 1. This sample distinguishes it from other orders.
_NUMBERS = (*range(10), *range(24, 600, 25))
_WORDNET = """
    n02119789 n02100735 n02110185 n02096294 n02102040 n02066245 n02509815 n02124075 n02417914
    n02123394 n02098105 n02113186 n02500267 n02489166 n02099601 n02101388 n02490219 n02087394
    n02317335 n04389033 n03444034 n02870880 n07760859 n03494278 n03481172 n01622779 n02007558
    n01443537 n01697457 n01644373 n03544143 n03180011 n03929660 n04275548
"""
DEVKIT = dict(zip(_WORDNET.split(), _NUMBERS, strict=True))
LEAST = 0.25  # share of the images that another order must get right


def order_note(evaluation: Evaluation) -> str | None:
    """Return a note that the classes seem to be in another order than the outputs; `None` if not.

    The other order gives every class the output that its images most often get, and each output to
    one class. One image of each class does not count, because it decided on the output. The share
    of the other images that are right in that order must be at least a quarter, more than twice
    `top1`, and more than four standard errors above `top1` and above chance.

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
    devkit = "It is the order of the 2012 devkit's ILSVRC2012_ID. "
    return (
        "The classes seem to be in another order than the model's outputs: "
        f"{100 * evaluation.top1:.1f} % are right, and {100 * hits.sum() / counts.sum():.1f} % "
        f"would be if each class had the output that its images mostly get ({some}). "
        f"{devkit if _is_devkit(outputs, counts, names) else ''}Write the names of the classes, in "
        "the order of the outputs, into a file classes.json beside the model."
    )


def _matched(confusion: np.ndarray) -> np.ndarray:
    """Return an output for each class, by the largest counts first; no output has two classes.

    Among equal counts, the class's own output comes first, so that no class moves for no reason.
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
    """Return whether most classes in `DEVKIT` have the devkit's number as their output."""
    numbers = {identifier_and_label(name)[0]: number for number, name in enumerate(names)}
    known = {numbers[key]: output for key, output in DEVKIT.items() if key in numbers}
    agree = [outputs[row] == output for row, output in known.items() if counts[row]]
    return len(names) == CLASSES and len(agree) > 1 and sum(agree) > len(agree) / 2
