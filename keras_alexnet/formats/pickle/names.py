"""Names of Python's own in pickles: dictionaries, and names that only an attack uses."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from keras_alexnet.formats.pickle.values import Function, invalid_pickle

# The package imports nothing that a pickle names, so its safety does not depend on these lists. But
# a file with one of these names was made to do harm where it is unpickled, and the user must know.
HARMFUL_MODULES = frozenset({"os", "posix", "nt", "sys", "subprocess", "pty", "runpy", "importlib"})
HARMFUL_BUILTINS = frozenset({"eval", "exec", "compile", "execfile", "open", "__import__", "input"})
BUILTINS = frozenset({"builtins", "__builtin__"})


def is_harmful(module: str, name: str) -> bool:
    """Return whether a name occurs only in pickles that were made to do harm.

    >>> is_harmful("posix", "system"), is_harmful("builtins", "set")
    (True, False)
    """
    harmful = module in BUILTINS and name in HARMFUL_BUILTINS
    return harmful or module.split(".")[0] in HARMFUL_MODULES


def _ordered_dict(machine, arguments: tuple) -> dict:
    """Replace `collections.OrderedDict`, called without arguments or with a list of pairs."""
    if not arguments:
        return {}
    if len(arguments) != 1 or type(arguments[0]) is not list:
        raise invalid_pickle("The pickle makes a dictionary of something else than pairs.")
    return machine.make_dict(arguments[0])


def _default_dict(_, arguments: tuple) -> dict:
    """Replace `collections.defaultdict`, without its function for missing values."""
    return {}


DICTIONARIES: Mapping[tuple[str, str], Any] = MappingProxyType(
    {
        ("collections", "OrderedDict"): Function(_ordered_dict),
        ("collections", "defaultdict"): Function(_default_dict),
    }
)
