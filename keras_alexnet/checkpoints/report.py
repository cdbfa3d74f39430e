"""`Loaded`: which tensor went into which variable, and what was left out."""

import dataclasses
from collections.abc import Mapping

from keras_alexnet.cards.records import ModelCard
from keras_alexnet.checkpoints.naming import DIALECTS, GRAPH
from keras_alexnet.checkpoints.planning import Plan
from keras_alexnet.checkpoints.sanity import TrainingSigns
from keras_alexnet.formats.errors import first_eight
from keras_alexnet.short_repr import short_repr


@dataclasses.dataclass(frozen=True)
class Loaded:
    """The report of a load: the tensors in each variable, and the tensors that were left out.

    `print` shows it in sentences.

    Args:
        path: The file.
        format: Its format.
        dialect: Name of the program whose names its tensors have.
        checkpoint: Name of the published checkpoint, if it was asked for by name.
        assigned: The names of the tensors that each variable was made of, by layer and part.
        left_out: The reason for each tensor that was not used, by name.
        kept: The reason for each layer that kept its earlier values, by name.
        changes: The changes to the numbers, in sentences.
        card: The facts of the network, from the file and from the model.
        assumptions: Each fact in it that neither states, as a sentence.
        signs: Signs that the weights are trained; `None` if they were not checked.
    """

    path: str
    format: str
    dialect: str
    checkpoint: str | None
    assigned: Mapping[str, tuple[str, ...]]
    left_out: Mapping[str, str]
    kept: Mapping[str, str]
    changes: tuple[str, ...]
    card: ModelCard
    assumptions: tuple[str, ...]
    signs: TrainingSigns | None

    __repr__ = short_repr("path", "dialect", "checkpoint")

    @property
    def channel_order(self) -> str | None:
        """The order of colours that the model takes, `None` if it is not known."""
        return self.card.channel_order

    def __str__(self) -> str:
        """Return the report in a few lines."""
        rows = (*DIALECTS, GRAPH)
        title = next(dialect.title for dialect in rows if dialect.name == self.dialect)
        lines = [
            f"Loaded {len(self.assigned)} variables from {self.path!r}, whose tensors are named "
            f"as those of {title}."
        ]
        lines += [f"{layer} keeps its earlier values: {why}." for layer, why in self.kept.items()]
        reasons: dict[str, list[str]] = {}
        for name, why in self.left_out.items():
            reasons.setdefault(why, []).append(name)
        lines += [f"Left out {first_eight(names)}: {why}." for why, names in reasons.items()]
        lines += self.changes
        lines += self.assumptions
        if self.signs is not None:
            lines.append(self.signs.verdict(own=self.dialect == "keras"))
        return "\n".join(lines)


def changes_of(plan: Plan, order: str | None) -> tuple[str, ...]:
    """Return the changes that a plan makes to the numbers, their order aside, as sentences."""
    first = plan.assignments[0].placement
    changes = []
    if first.summed:
        changes.append(f"The first kernels are summed over their {first.summed} colours.")
    if first.reverse:
        turned = "from BGR to RGB" if order == "bgr" else "from RGB to BGR"
        changes.append(f"The first kernels are reversed {turned}.")
    scaled = [made for made in plan.assignments if made.placement.scale != 1]
    if scaled:
        names = ", ".join(made.layer for made in scaled)
        factor = scaled[0].placement.scale
        changes.append(f"The kernels of {names} are multiplied by {factor:g}, for their dropout.")
    return tuple(changes)
