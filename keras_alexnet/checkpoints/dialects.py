"""`Dialect`: the names and layouts of one program's tensors."""

import collections
import dataclasses
import re
from collections.abc import Iterable, Mapping

from keras_alexnet.type_aliases import ChannelOrder

# Fully connected layers, as we name them and as Keras numbers them.
TOP = r"(?:fc|local)(?P<ours>\d+)|(?:dense|locally_connected2d)(?:_(?P<keras>\d+))?"
# The names under which PyTorch's own wrappers keep a module, at any depth: DataParallel and
# averaged models, torch.compile, FSDP, activation checkpoints, DeepSpeed's and Lightning's engines.
WRAPPERS = re.compile(
    r"(?:^|(?<=[./]))(?:(?:module|_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module"
    r"|_forward_module)\.)+"
)
# Of dictionaries that fit equally, such as weights and their running averages, the first is taken.
USUAL = ("state_dict", "model_state_dict", "model", "net", "weights")


@dataclasses.dataclass(frozen=True)
class Slot:
    """A layer's kernel or bias, or one of the two halves of it that a file stores apart."""

    layer: str
    part: str
    half: int = 0


@dataclasses.dataclass(frozen=True)
class Dialect:
    """One program's way to name and lay out the tensors of an AlexNet.

    A layout names the axes in the order in which they are stored, brackets around those that are
    stored as one: O output channels, I input channels (of a group), H height, W width, and C the
    channels of the maps that the first fully connected layer sees.

    Args:
        name: Its name in the program.
        title: Its name in sentences.
        pattern: Regular expression of a tensor's whole name, with groups `layer` and `part`.
        layers: Our layer by what `layer` matches, or our layer and the number of the half of its
            outputs; `None` if the program has our names.
        parts: `"kernel"` or `"bias"` by what `part` matches.
        conv: Layout of convolutions' kernels.
        dense: Layout of fully connected layers' kernels.
        flattened: Layout of the first of those.
        order: Order of the colours that the network takes, `"rgb"` or `"bgr"`; `None` if the
            names do not tell.
        variants: The variants that files with these names hold; empty if they do not tell.
        scale: Factors on kernels.
        ignored: Regular expression of the whole names of arrays that are not weights.
        own: Whether this package writes it, so that nothing can be permuted.
        wrapped: Whether the network may be inside a larger model, or inside a dictionary with
            other values, so that all its names begin with a prefix.
        prefix: That prefix.
        slots: The slot of each tensor, if a graph gives it. Names do not matter then.
        turned: The dense layers whose kernels are stored in another order, inputs first.
    """

    name: str
    title: str
    pattern: str
    layers: Mapping[str, str | tuple[str, int]] | None
    parts: Mapping[str, str]
    conv: str = "OIHW"
    dense: str = "OI"
    flattened: str = "O(CHW)"
    order: ChannelOrder | None = "rgb"
    variants: tuple[str, ...] = ()
    scale: Mapping[str, float] = dataclasses.field(default_factory=dict)
    ignored: str = ""
    own: bool = False
    wrapped: bool = False
    prefix: str = ""
    slots: Mapping[str, Slot] = dataclasses.field(default_factory=dict)
    turned: frozenset[str] = frozenset()

    def translate(self, name: str, aliases: Mapping[str, str]) -> Slot | None:
        """Return the slot that a tensor's name stands for.

        `aliases` are the layers of the model, by the names that they may have in files of ours.
        """
        if self.slots:
            return self.slots.get(name)
        name = unwrapped(name) if self.wrapped else name
        if not name.startswith(self.prefix):
            return None
        return self._slot(re.fullmatch(self.pattern, name[len(self.prefix) :]), aliases)

    def _slot(self, match: re.Match | None, aliases: Mapping[str, str]) -> Slot | None:
        if match is None:
            return None
        known = aliases if self.layers is None else self.layers
        layer = known.get(match["layer"])
        if layer is None and self.layers is None and re.fullmatch(TOP, match["layer"]):
            layer = match["layer"]  # the model may have been built without its top layers
        if layer is None:
            return None
        layer, half = (layer, 0) if isinstance(layer, str) else layer
        return Slot(layer, self.parts[match["part"]], half)

    def found_in(self, names: Iterable[str], aliases: Mapping[str, str]) -> list["Dialect"]:
        """Return copies of the dialect, one for each prefix that the network's names may have."""
        if not self.wrapped:
            return [self]
        pattern = re.compile(rf"(?P<prefix>(?:.*[./])?){self.pattern}")
        matches = [pattern.fullmatch(unwrapped(name)) for name in names]
        prefixes = [match["prefix"] for match in matches if match and self._slot(match, aliases)]
        return [dataclasses.replace(self, prefix=prefix) for prefix in usual_prefixes(prefixes)]

    def is_outside(self, name: str) -> bool:
        """Return whether a tensor is outside the network."""
        if self.slots:
            return name not in self.slots
        name = unwrapped(name)
        outside = not name.startswith(self.prefix) or "/" in name[len(self.prefix) :]
        return self.wrapped and outside

    def dense_layout(self, layer: str, flattened: bool) -> str:
        """Return the layout of a dense layer's kernel, whose inputs may be flattened maps."""
        layout = self.flattened if flattened else self.dense
        return layout.removeprefix("O") + "O" if layer in self.turned else layout

    def ignores(self, name: str) -> bool:
        """Return whether an array of this name is not a weight."""
        return bool(re.fullmatch(self.ignored, name))


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
