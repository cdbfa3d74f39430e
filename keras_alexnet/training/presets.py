"""The presets of `fit`: rows of settings by name, with their purpose and their source."""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType

from keras_alexnet.errors import UserError
from keras_alexnet.names import unknown_name

__all__ = ["PRESETS"]


@dataclasses.dataclass(frozen=True)
class Preset:
    """Settings of a training under one name.

    Args:
        name: Its name.
        purpose: What it is for.
        settings: The settings of `Job` that differ from the defaults.
        source: Where the way of training is from.
        needs_weights: Whether it makes no sense without weights to begin with.
    """

    name: str
    purpose: str
    settings: Mapping[str, object]
    source: str
    needs_weights: bool = True

    def describe(self) -> str:
        """Return the settings as `name=value`, with commas."""
        return ", ".join(f"{name}={value!r}" for name, value in self.settings.items())


ROWS = (
    Preset(
        "scratch",
        "train all layers from initial values; the default without weights",
        {},
        "the defaults",
        needs_weights=False,
    ),
    # A tenth of the rate that trains from initial values: "SGD at a learning rate of 0.001 (1/10th
    # of the initial pre-training rate)", section 2.3.
    Preset(
        "fine_tune",
        "train all layers in small steps; the default with weights",
        {"epochs": 10, "learning_rate": 4e-5},
        "Girshick et al., arXiv:1311.2524",
    ),
    Preset(
        "linear_probe",
        "train the last layer alone: few images, or little time",
        {"epochs": 10, "freeze": "body"},
        "Donahue et al., arXiv:1310.1531",
    ),
    Preset(
        "head_first",
        "train the last layer, then all layers: images unlike those of the weights",
        {"epochs": 15, "learning_rate": 1e-4, "freeze": "body", "unfreeze_after": 5},
        "Kumar et al., arXiv:2202.10054",
    ),
)
PRESETS: Mapping[str, Preset] = MappingProxyType({row.name: row for row in ROWS})


def preset_settings(name: str | None, weights: object, recipe: object) -> Mapping[str, object]:
    """Return the settings of a preset; without a name, those of the default one.

    Args:
        name: Its name; `None` for `"fine_tune"` with weights and no recipe, else `"scratch"`.
        weights: The weights that the training begins with, or `None`.
        recipe: The recipe of the training, or `None`.

    Raises:
        UserError: If there is no such preset, or it does not go with the weights or the recipe.

    Example:

    >>> dict(preset_settings("linear_probe", "owt_torchvision", None))
    {'epochs': 10, 'freeze': 'body'}
    """
    if name is None:
        name = "scratch" if weights is None or recipe is not None else "fine_tune"
    elif recipe is not None:
        raise UserError(
            f"Received preset={name!r} with recipe={recipe!r}.",
            "A recipe has its own settings.",
            "Leave out one of them.",
        )
    if name not in PRESETS:
        raise unknown_name("preset", name, PRESETS)
    if PRESETS[name].needs_weights and weights is None:
        raise UserError(
            f"Received preset={name!r} without weights.",
            "The preset must have weights to begin with.",
            "Pass `weights` (--weights), such as 'owt_torchvision', or leave the preset out.",
        )
    return PRESETS[name].settings
