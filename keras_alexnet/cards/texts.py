"""Model cards as text by name, which every file format can hold.

Files come from anywhere: an entry that is not valid counts as missing.
"""

import contextlib
import dataclasses
import json
import math
import typing
import unicodedata
from collections.abc import Callable, Mapping

from keras_alexnet.cards.records import ModelCard, Source, Training
from keras_alexnet.published.lookup import list_checkpoints
from keras_alexnet.variants import get_variant, list_variants
from keras_alexnet.variants.records import Pixels

ORDERS = ("rgb", "bgr")
PIXELS = ("resizing", "base", "scale", "mean", "std", "order")  # the rest is for training
LARGEST_SIDE = 1 << 16
LONGEST = 1 << 12  # characters of a text


def to_texts(card: ModelCard) -> dict[str, str]:
    """Return a card as text by name; `None` is left out.

    Example:

    >>> to_texts(ModelCard(variant="owt", class_names=("cat", "dog")))
    {'variant': 'owt', 'class_names': '["cat", "dog"]'}
    """
    texts: dict[str, str] = {}
    for field in dataclasses.fields(card):
        value = getattr(card, field.name)
        if isinstance(value, str):
            texts[field.name] = value
        elif isinstance(value, Source):
            texts |= {f"source_{name}": text for name, text in vars(value).items()}
        elif isinstance(value, Pixels):
            figures = {name: getattr(value, name) for name in PIXELS}
            texts["pixels"] = json.dumps({"input_size": card.input_size, **figures})
        elif isinstance(value, Training):
            texts["training"] = json.dumps(vars(value))
        elif value is not None and field.name != "input_size":
            texts[field.name] = json.dumps(value)
    if card.pixels is None and card.input_size is not None:
        texts["input_size"] = str(card.input_size)
    return texts


def from_texts(texts: Mapping[str, str]) -> ModelCard:
    """Return the card that text by name holds; entries that are not valid are left out.

    Example:

    >>> card = from_texts({"variant": "owt", "channel_order": "xyz", "class_names": '["a", "b"]'})
    >>> card.variant, card.channel_order, card.class_names
    ('owt', None, ('a', 'b'))
    """
    found: dict[str, typing.Any] = {
        name: value
        for name, read in READERS.items()
        if name in texts and (value := _tried(read, texts[name])) is not None
    }
    if found.get("variant") is not None and "pixels" in texts:
        found |= _tried(lambda text: _pixels(text, found["variant"]), texts["pixels"]) or {}
    names = [field.name for field in dataclasses.fields(Source)]
    source = [_tried(_line, texts.get(f"source_{name}", "")) for name in names]
    if all(source):
        found["source"] = Source(*source)
    return ModelCard(**found)


def _tried(read: Callable, text: str):
    """Return the value that a reader finds in a text, `None` if it is not valid."""
    with contextlib.suppress(ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return read(text)
    return None


def _valid(value, is_valid: bool):
    """Return a value if it is valid, and raise `ValueError` if it is not."""
    if not is_valid:
        raise ValueError
    return value


def _line(text: str) -> str:
    """Return a text of one line."""
    return _valid(text, 0 < len(text) <= LONGEST and text.isprintable())


def _one_of(names: Callable) -> Callable[[str], str]:
    return lambda text: _valid(text, text in names())


def _class_names(text: str) -> tuple[str, ...]:
    return tuple(map(_class_name, _of_type(list, json.loads(text))))


def _class_name(name) -> str:
    """Return the name of a class: a folder's name, without control characters."""
    if not 0 < len(_of_type(str, name)) <= LONGEST:
        raise ValueError
    return _valid(name, all(unicodedata.category(letter) != "Cc" for letter in name))


def _of_type(kind: type, value):
    return _valid(value, type(value) is kind)


def _size(value) -> int:
    return _valid(value, type(value) is int and 0 < value <= LARGEST_SIDE)


def _numbers(values, positive: bool) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in _of_type(list, values))
    numbers = (red, green, blue)
    return _valid(numbers, all(math.isfinite(n) and (n > 0 or not positive) for n in numbers))


def _pixels(text: str, variant: str) -> dict:
    """Return the input size and the pixels of a variant, with the figures in a text."""
    figures = _of_type(dict, json.loads(text))
    scale = float(figures["scale"])
    resizings = {get_variant(name).pixels.resizing for name in list_variants()}
    pixels = dataclasses.replace(
        get_variant(variant).pixels,
        resizing=_valid(figures["resizing"], figures["resizing"] in resizings),
        base=_size(figures["base"]),
        scale=_valid(scale, 0 < scale < math.inf),
        mean=_numbers(figures["mean"], positive=False),
        std=_numbers(figures["std"], positive=True),
        order=_valid(figures["order"], figures["order"] in ORDERS),
    )
    return {"input_size": _size(figures["input_size"]), "pixels": pixels}


def _training(text: str) -> Training:
    training = Training(**_of_type(dict, json.loads(text)))
    for name, kind in typing.get_type_hints(Training).items():
        value = getattr(training, name)
        value = float(value) if kind is float else value
        _valid(value, isinstance(value, kind) and not isinstance(value, bool))
        if isinstance(value, str):
            _line(value)
    return training


READERS: Mapping[str, Callable[[str], typing.Any]] = {
    "variant": _one_of(list_variants),
    "checkpoint": _one_of(list_checkpoints),
    "channel_order": _one_of(lambda: ORDERS),
    "class_names": _class_names,
    "training": _training,
    "input_size": lambda text: _size(int(text)),
    "licence": _line,
    "changes": _line,
    "keras_alexnet_version": _line,
    "keras_version": _line,
}
