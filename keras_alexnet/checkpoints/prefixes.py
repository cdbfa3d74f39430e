"""Prefixes of tensor names: those of PyTorch's wrappers, larger models and dictionaries."""

import collections
import re
from collections.abc import Iterable

from keras_alexnet.formats.errors import CheckpointError, listed, shown

# The names under which PyTorch's own wrappers keep a module, at any depth: DataParallel and
# averaged models, torch.compile, FSDP, activation checkpoints, DeepSpeed's and Lightning's engines.
WRAPPERS = re.compile(
    r"(?:^|(?<=[./]))(?:(?:module|_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module"
    r"|_forward_module)\.)+"
)
# Of dictionaries that fit equally, such as weights and their running averages, the first is taken.
USUAL = ("state_dict", "model_state_dict", "model", "net", "weights")


def unwrapped(name: str) -> str:
    """Return a tensor's name without the names of PyTorch's wrappers.

    >>> unwrapped("state_dict/_orig_mod.features.module.0.weight")
    'state_dict/features.0.weight'
    """
    return WRAPPERS.sub("", name)


def usual_prefixes(prefixes: Iterable[str]) -> list[str]:
    """Return the most frequent prefixes; of equally frequent ones, only the most usual.

    The empty prefix is the most usual, then those in `USUAL`, in this order, then all others.

    Args:
        prefixes: The prefix of each name.

    Example:

    >>> usual_prefixes(["ema/", "state_dict/", "ema/", "state_dict/", "head."])
    ['state_dict/']
    >>> usual_prefixes(["teacher.", "student."])
    ['teacher.', 'student.']
    """
    counts = collections.Counter(prefixes)
    most = [prefix for prefix, count in counts.items() if count == max(counts.values())]
    least = min(map(_rank, most), default=0)
    return [prefix for prefix in most if _rank(prefix) == least]


def _rank(prefix: str) -> int:
    last = prefix.strip("./").split("/")[-1]
    return ["", *USUAL, last].index(last)


def several_networks(prefixes: list[str]) -> CheckpointError:
    """Return the error for a file with several networks."""
    return CheckpointError(
        f"The file holds several networks: {listed([shown(prefix) for prefix in prefixes])}.",
        "The file must hold one network.",
        "Save the one that you want alone: torch.save(model.state_dict(), path).",
    )
