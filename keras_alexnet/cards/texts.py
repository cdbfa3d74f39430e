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
    with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError):
        return read(text)
    return None


def _line(text: str) -> str:
    """Return a text of one line."""
    if not text or len(text) > LONGEST or not text.isprintable():
        raise ValueError
    return text


def _one_of(names: Callable) -> Callable[[str], str | None]:
    return lambda text: text if text in names() else None


def _class_names(text: str) -> tuple[str, ...]:
    return tuple(_name(name) for name in _checked(json.loads(text), list))


def _name(name) -> str:
    """Return the name of a class: a folder's name, without control characters."""
    if type(name) is not str or not 0 < len(name) <= LONGEST:
        raise ValueError
    if any(unicodedata.category(letter) == "Cc" for letter in name):
        raise ValueError
    return name


def _checked(value, kind: type):
    if type(value) is not kind:
        raise ValueError
    return value


def _size(value) -> int:
    if type(value) is not int or not 0 < value <= LARGEST_SIDE:
        raise ValueError
    return value


def _numbers(values, positive: bool) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in _checked(values, list))
    numbers = (red, green, blue)
    if not all(map(math.isfinite, numbers)) or (positive and min(numbers) <= 0):
        raise ValueError
    return numbers


def _pixels(text: str, variant: str) -> dict:
    """Return the input size and the pixels of a variant, with the figures in a text."""
    figures = _checked(json.loads(text), dict)
    scale = float(figures["scale"])
    resizings = {get_variant(name).pixels.resizing for name in list_variants()}
    if not (0 < scale < math.inf and figures["resizing"] in resizings):
        raise ValueError
    if figures["order"] not in ORDERS:
        raise ValueError
    pixels = dataclasses.replace(
        get_variant(variant).pixels,
        resizing=figures["resizing"],
        base=_size(figures["base"]),
        scale=scale,
        mean=_numbers(figures["mean"], positive=False),
        std=_numbers(figures["std"], positive=True),
        order=figures["order"],
    )
    return {"input_size": _size(figures["input_size"]), "pixels": pixels}


def _training(text: str) -> Training:
    training = Training(**_checked(json.loads(text), dict))
    for name, kind in typing.get_type_hints(Training).items():
        value = getattr(training, name)
        value = float(value) if kind is float else value
        if not isinstance(value, kind) or isinstance(value, bool):
            raise ValueError
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
