"""`Plan`: which tensor of a file will go into which variable of a model."""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from keras_alexnet.checkpoints.dialects import TOP, Dialect, Slot
from keras_alexnet.checkpoints.layouts import Piece, Placement, shape_of
from keras_alexnet.checkpoints.targets import Target, conv_kernels, variants_of
from keras_alexnet.errors import amount
from keras_alexnet.formats.arrays import StoredArray
from keras_alexnet.formats.errors import CheckpointError, first_eight, quoted
from keras_alexnet.layers import LocallyConnected2D

MANY = 1_000_000  # more than any layer's number


@dataclasses.dataclass(frozen=True)
class Assignment:
    """A variable of the model, and the tensors that it is made of.

    Args:
        layer: The layer's name.
        part: `"kernel"` or `"bias"`.
        variable: The Keras variable.
        placement: Where its numbers come from.
    """

    layer: str
    part: str
    variable: Any
    placement: Placement

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the tensors in the file."""
        return tuple(piece.name for piece in self.placement.pieces)


@dataclasses.dataclass(frozen=True)
class Plan:
    """The tensor for each variable, and the tensors that are left out.

    Args:
        assignments: The variables that get new values.
        left_out: The reason for each tensor that is not used, by name.
        kept: The reason for each layer that keeps the values it has, by name.
    """

    assignments: tuple[Assignment, ...]
    left_out: Mapping[str, str]
    kept: Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class ColorChanges:
    """Changes to the input channels of the first convolution.

    Args:
        sum: Whether a model of one input channel gets the sum of the file's channels.
        reverse: Whether the input channels are taken in reverse.
    """

    sum: bool = False
    reverse: bool = False


@dataclasses.dataclass
class _Problems:
    """All that does not fit, as names and clauses of the message."""

    missing: list[str] = dataclasses.field(default_factory=list)
    unexpected: list[str] = dataclasses.field(default_factory=list)
    twice: list[str] = dataclasses.field(default_factory=list)
    misfits: list[str] = dataclasses.field(default_factory=list)
    colors: bool = False  # whether the sum over the file's colours would fit

    def __bool__(self) -> bool:
        return bool(self.missing or self.unexpected or self.twice or self.misfits)

    def __str__(self) -> str:
        others = f"{amount(len(self.misfits) - 3, 'other tensor')} of another shape or dtype"
        misfits = self.misfits[:3] + [others] * (len(self.misfits) > 3)
        kinds = (
            ("missing: ", first_eight(self.missing)),
            ("not expected: ", first_eight([quoted(name) for name in self.unexpected])),
            ("twice: ", ", ".join(self.twice)),
            ("", "; ".join(misfits)),
        )
        return "; ".join(kind + names for kind, names in kinds if names)


def make_plan(
    arrays: Mapping[str, StoredArray],
    dialect: Dialect,
    targets: list[Target],
    aliases: Mapping[str, str],
    colors: ColorChanges,
) -> Plan:
    """Return the plan for every tensor of a file and every variable of a model.

    It leaves out the tensors of layers above the end of the model, and a classifier for another
    number of classes.

    Args:
        arrays: The arrays of the file by name.
        dialect: The names and layouts of the file.
        targets: The layers of the model that have weights.
        aliases: The names of layers in files of our own.
        colors: Changes to the first convolution.

    Raises:
        CheckpointError: If a tensor is missing, unexpected, there twice, or of another shape. The
            message names the first of each kind, and counts the others.
    """
    problems = _Problems()
    slots, left_out = _find_slots(arrays, dialect, aliases, problems)
    known = [target.name for target in targets]
    kernels = conv_kernels(arrays, slots, dialect)
    above = {slot.layer for slot in slots} - set(known)
    cut_off = _is_above(above, known)
    for slot in [slot for slot in slots if slot.layer in above]:
        name = slots.pop(slot)
        if cut_off:
            left_out[name] = f"the model ends below {slot.layer}"
        else:
            problems.unexpected.append(name)

    assignments, kept = [], {}
    for target in targets:
        changes = colors if target is targets[0] else ColorChanges()
        made = _layer_assignments(target, slots, arrays, dialect, changes, problems)
        other = _other_classes(made) if target is targets[-1] and not target.is_conv else 0
        if other:
            reason = f"it is for {other} classes, the model is for {target.layer.units}"
            left_out |= {name: reason for assignment in made for name in assignment.sources}
            kept[target.name] = f"the file has {other} classes"
            continue
        problems.misfits += [text for text in map(_misfit, made) if text]
        problems.colors |= any(map(_differs_in_colors, made))
        assignments += made
    if problems:
        raise _does_not_fit(problems, dialect, variants_of(kernels))
    return Plan(tuple(assignments), left_out, kept)


def _find_slots(arrays, dialect: Dialect, aliases, problems: _Problems):
    """Return the names of the weights by their slots, and the reasons for those left out."""
    slots: dict[Slot, str] = {}
    left_out: dict[str, str] = {}
    for name, array in arrays.items():
        slot = dialect.translate(name, aliases)
        if dialect.is_outside(name):
            left_out[name] = "it is outside the network"
        elif dialect.ignores(name) or (slot is None and not _can_be_weight(array)):
            left_out[name] = "it is not a weight"
        elif slot is None:
            problems.unexpected.append(name)
        elif slot in slots:
            problems.twice.append(f"{quoted(slots[slot])} and {quoted(name)}")
        else:
            slots[slot] = name
    return slots, left_out


def _can_be_weight(array: StoredArray) -> bool:
    """Return whether an array holds floating-point numbers and is no scalar."""
    return array.dtype.kind == "f" and array.shape != ()


def _is_above(layers: set[str], known: list[str]) -> bool:
    """Return whether all these layers are fully connected ones above all that the model has."""

    def number(name: str) -> int:
        match = re.fullmatch(TOP, name)
        if match is None:
            return 0
        return int(match["ours"]) if match["ours"] else MANY + int(match["keras"] or 0)

    return all(number(name) > max(map(number, known)) for name in layers)


def _layer_assignments(
    target: Target, slots, arrays, dialect: Dialect, colors: ColorChanges, problems: _Problems
) -> list[Assignment]:
    """Return the assignments to a layer's kernel and bias, whether the tensors fit or not."""
    assignments = []
    for part in ("kernel", "bias"):
        halves = sorted(
            (slot.half, name)
            for slot, name in slots.items()
            if (slot.layer, slot.part) == (target.name, part)
        )
        if [half for half, _ in halves] not in ([0], [0, 1]):
            problems.missing.append(f"{target.name}'s {part}")
            continue
        stored, wanted, sizes = _layouts(target, part, dialect)
        pieces = _pieces([(name, arrays[name]) for _, name in halves], stored)
        placement = Placement(pieces, stored, wanted, sizes)
        if part == "kernel":
            sums = colors.sum and target.is_conv and sizes.get("I") == 1
            placement = dataclasses.replace(
                placement,
                scale=dialect.scale.get(target.name, 1.0),
                reverse=colors.reverse,
                summed=_channels(placement) if sums else 0,
            )
        variable = getattr(target.layer, part)
        assignments.append(Assignment(target.name, part, variable, placement))
    return assignments


def _channels(placement: Placement) -> int:
    """Return the number of input channels of a convolution's kernel in a file."""
    shape = placement.pieces[0].array.shape
    return shape[placement.stored.index("I")] if len(shape) == 4 else 0


def _layouts(target: Target, part: str, dialect: Dialect) -> tuple[str, str, dict[str, int]]:
    """Return a variable's layout in the file and in the model, and its sizes along the axes."""
    shape = tuple(getattr(target.layer, part).shape)
    if isinstance(target.layer, LocallyConnected2D):  # which no other program's files have
        layout = "PQO" if part == "bias" else "PQHWIO"
        return layout, layout, dict(zip(layout, shape, strict=True))
    if part == "bias":
        return "O", "O", {"O": shape[0]}
    if target.is_conv:
        return dialect.conv, "HWIO", dict(zip("HWIO", shape, strict=True))
    if target.maps is not None and target.maps[:2] != (1, 1):
        sizes = dict(zip("HWCO", (*target.maps, shape[-1]), strict=True))
        return dialect.dense_layout(target.name, True), "(HWC)O", sizes
    return dialect.dense_layout(target.name, False), "IO", dict(zip("IO", shape, strict=True))


def _pieces(named: list[tuple[str, StoredArray]], stored: str) -> tuple[Piece, ...]:
    """Return tensors side by side, without the leading axes of one that Caffe once had."""
    rank = len(shape_of(stored, dict.fromkeys("OIHWCPQ", 1)))
    axis = 0 if stored.startswith("O") else rank - 1
    pieces, first = [], 0
    for name, array in named:
        ones = len(array.shape) - rank
        if ones > 0 and array.shape[:ones] == (1,) * ones:
            array = array.from_axis(ones)
        outputs = array.shape[axis] if len(array.shape) == rank else 0
        pieces.append(Piece(name, array, first, outputs))
        first += outputs
    return tuple(pieces)


def _misfit(assignment: Assignment, outputs: int = 0) -> str:
    """Return a clause that says how tensors do not fit a variable; empty if they fit."""
    placement = assignment.placement
    outputs = outputs or placement.sizes["O"]
    where = f"where {assignment.layer}'s {assignment.part} takes"
    each, rest = divmod(outputs, len(placement.pieces))
    if rest:
        names = " and ".join(map(quoted, assignment.sources))
        return f"{names} are halves {where} {outputs} outputs, an odd number"
    sizes = {**placement.sizes, "O": each}
    if placement.summed:
        sizes["I"] = placement.summed
    wanted = shape_of(placement.stored, sizes)
    for piece in placement.pieces:
        if piece.array.shape != wanted:
            return f"{quoted(piece.name)} has the shape {piece.array.shape} {where} {wanted}"
        if piece.array.dtype.kind != "f":
            return f"{quoted(piece.name)} has the dtype {piece.array.dtype} {where} real numbers"
    return ""


def _differs_in_colors(assignment: Assignment) -> bool:
    """Return whether a convolution of one input channel would fit the sum of a file's channels."""
    placement = assignment.placement
    if placement.sizes.get("I") != 1 or placement.summed or not _misfit(assignment):
        return False
    summed = dataclasses.replace(placement, summed=_channels(placement))
    return not _misfit(dataclasses.replace(assignment, placement=summed))


def _other_classes(made: list[Assignment]) -> int:
    """Return the number of classes of a file's classifier if it is another one, else 0."""
    outputs = {sum(piece.outputs for piece in one.placement.pieces) for one in made}
    classes = outputs.pop() if len(outputs) == 1 and len(made) == 2 else 0
    if not classes or classes == made[0].placement.sizes["O"]:
        return 0
    return 0 if any(_misfit(one, classes) for one in made) else classes


def _does_not_fit(problems: _Problems, dialect: Dialect, variants: list[str]) -> CheckpointError:
    remedy = "Build the model with the arguments of the one that was saved."
    if variants:
        remedy = f"Build the saved one: by its kernels, it is {' or '.join(map(repr, variants))}."
    if problems.colors:
        remedy = "For a model of one input channel, pass sum_colors=True."
    return CheckpointError(
        f"The tensors, named as those of {dialect.title}, do not fit the model: {problems}.",
        "Each variable of the model must get one tensor of its shape, and none may be left over.",
        remedy,
    )
