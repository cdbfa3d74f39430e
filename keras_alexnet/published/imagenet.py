"""The thousand classes of ILSVRC 2012 in the order of published weights.

They are sorted by their WordNet identifiers. `imagenet_classes.tsv` has a line for each class:
identifier, tab, name. Identifiers and names are those of the class index that `keras.applications`
downloads: a test writes the list as that file, and compares its size and its MD5,
c2c37ea517e94d9795004a39431a14cb, with those that Keras's source states.
"""

import functools
import importlib.resources
import json
import os

from keras_alexnet.files import keras_home

CLASSES = 1000


@functools.cache
def imagenet_classes() -> tuple[tuple[str, str], ...]:
    """Return the (WordNet identifier, name) pairs in the order of the classes.

    Example:

    >>> imagenet_classes()[0], imagenet_classes()[999]
    (('n01440764', 'tench'), ('n15075141', 'toilet_tissue'))
    """
    file = importlib.resources.files("keras_alexnet.published") / "imagenet_classes.tsv"
    lines = file.read_text(encoding="utf-8").splitlines()
    pairs = (line.split("\t") for line in lines)
    return tuple((identifier, name) for identifier, name in pairs)


def imagenet_class_names() -> tuple[str, ...]:
    """Return the names of the classes as `image_folder` and `evaluate` match them with folders.

    Example:

    >>> imagenet_class_names()[0]
    'n01440764_tench'
    """
    return tuple(f"{identifier}_{name}" for identifier, name in imagenet_classes())


def difference_from_keras() -> str:
    """Return how Keras's class index differs from this list.

    The text is empty if they are equal, or if Keras has not downloaded its class index.
    """
    path = os.path.join(keras_home(), "models", "imagenet_class_index.json")
    if not os.path.exists(path):
        return ""
    try:
        with open(path, encoding="utf-8") as file:
            theirs = json.load(file)
        pairs = [tuple(theirs[str(number)]) for number in range(CLASSES)]
    except (OSError, ValueError, KeyError, TypeError):
        return f"{path!r} is not a class index of {CLASSES} classes"
    different = [number for number, pair in enumerate(imagenet_classes()) if pairs[number] != pair]
    if not different:
        return ""
    first, more = different[0], len(different) - 1
    others = f", and {more} more" if more else ""
    ours = "_".join(imagenet_classes()[first])
    return f"{path!r} has {ascii(pairs[first])[:100]} for class {first}, which is {ours}{others}"
