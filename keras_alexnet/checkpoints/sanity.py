"""The sanity check of weights: whether they look trained, and in the right order.

Shapes alone cannot show it. The check compares every figure with that of numbers drawn
independently of each other, as initial values are. A network that has learned from images differs:

- The filters of the first convolution are smooth, because neighbouring pixels are alike: their
  neighbouring weights correlate. Independent weights correlate with 0 up to chance, a few
  thousandths, and so do filters whose elements were mixed up.
- Units differ in how strong they are. The sums of squares of n independent weights are all nearly
  equal: they vary by sqrt((kurtosis - 1) / n) of their mean.
- The weights that a unit of the first fully connected layer has for one position of the maps
  resemble those for the neighbouring position. Rows in another order than the network's show that
  resemblance in the other order.
"""

import dataclasses
import math

import numpy as np

from keras_alexnet.checkpoints.targets import Target
from keras_alexnet.operations.memory import as_array
from keras_alexnet.published.records import Sample

SMOOTH = 0.1  # at least, for filters that were trained; chance is at most 0.02 for 5 x 5 x 3 x 32
ORDERED = 0.02  # correlation of neighbouring positions; 64 units of fc6 give 0.001 by chance
UNITS = 64  # of each layer, that are checked

# Orders that rows can have.
RIGHT = "in the order height, width, channels"
UNPERMUTED = "in the order channels, height, width"
TWICE = "permuted although they were in order"


@dataclasses.dataclass(frozen=True)
class TrainingSigns:
    """Signs that the weights of a model are trained. `print` shows the verdict.

    Args:
        smoothness: Correlation of neighbouring weights of the first convolution's filters.
        spread: For each layer, how much more the strengths of its units vary than those of
            independent weights would; 1 for those.
        spread_by_chance: For each layer, the spread that chance alone could give.
        resemblance: Correlation of the weights of neighbouring positions, of the first fully
            connected layer, for each order that its rows could have; empty without such a layer.
        samples: Whether the kernels hold the published values of the checkpoint; `None` if no
            values are published.
    """

    smoothness: float
    spread: dict[str, float]
    spread_by_chance: dict[str, float]
    resemblance: dict[str, float]
    samples: bool | None

    @property
    def fresh(self) -> tuple[str, ...]:
        """The layers whose weights could be independent of each other, as initial values are."""
        fresh = [
            name for name, spread in self.spread.items() if spread < self.spread_by_chance[name]
        ]
        first = next(iter(self.spread))
        return tuple(name for name in fresh if name != first or self.smoothness < SMOOTH)

    @property
    def order(self) -> str | None:
        """The order in which the rows of the first fully connected layer seem to be."""
        if not self.resemblance:
            return None
        order = max(self.resemblance, key=lambda name: self.resemblance[name])
        value = self.resemblance[order]
        clear = order == RIGHT or value > 2 * self.resemblance[RIGHT]
        return order if clear and value > ORDERED else None

    @property
    def untrained(self) -> bool:
        """Whether the weights are distributed like initial values."""
        return len(self.fresh) == len(self.spread) and self.order is None

    def suspicions(self, own: bool = False) -> list[str]:
        """Return sentences on what looks wrong with the weights, none if they look right.

        Args:
            own: Whether this package wrote them, so that no conversion can have mixed them up.
        """
        if self.untrained:
            return ["The weights look untrained: they are distributed like initial values."]
        found = []
        first = next(iter(self.spread))
        if not own and self.smoothness < SMOOTH:
            doubt = "untrained or scrambled" if first in self.fresh else "scrambled"
            found.append(
                f"The filters of {first} look {doubt}: weights of neighbouring pixels have a "
                f"correlation of {self.smoothness:.2f}; trained filters have {SMOOTH:g} or more."
            )
        if self.order is not None and self.order != RIGHT:
            found.append(
                f"The rows of the first fully connected layer look {self.order}, not {RIGHT}: the "
                "correlation of neighbouring positions is "
                f"{self.resemblance[self.order]:.2f} in that order, {self.resemblance[RIGHT]:.2f} "
                "in the right one."
            )
        if self.samples is False:
            found.append("The kernels do not hold the published values of this checkpoint.")
        return found

    def verdict(self, own: bool = False) -> str:
        """Return a few sentences on whether the weights look trained and in order."""
        suspicions = self.suspicions(own)
        if suspicions:
            return " ".join(suspicions)
        trained = [name for name in self.spread if name not in self.fresh]
        which = f" ({', '.join(trained)})" if trained else ""
        sentences = [f"The weights look trained{which}."]
        if self.fresh:
            sentences.append(f"Hardly changed from initial values: {', '.join(self.fresh)}.")
        if self.smoothness >= SMOOTH:
            sentences.append(
                f"The first filters are smooth: neighbours correlate with {self.smoothness:.2f}."
            )
        if self.order == RIGHT:
            value = self.resemblance[RIGHT]
            sentences.append(f"The rows behind the maps are in order ({value:.2f}).")
        if self.samples:
            sentences.append("The kernels hold the published values.")
        return " ".join(sentences)

    def __str__(self) -> str:
        """Return the verdict on weights from anywhere."""
        return self.verdict()


def sanity_check(targets: list[Target], samples: tuple[Sample, ...] = ()) -> TrainingSigns:
    """Return the signs that the weights of a model are trained.

    Args:
        targets: Its layers with weights, the first convolution first.
        samples: Published values of the checkpoint that was loaded.
    """
    spread, by_chance, resemblance = {}, {}, {}
    for target in targets:
        weights = _first_units(target)
        spread[target.name] = _spread(weights)
        by_chance[target.name] = 1 + 5 / math.sqrt(2 * weights.shape[-1])  # five deviations
        if target.maps is not None and min(target.maps[:2]) > 1:
            resemblance = _resemblances(weights, target.maps)
    first = next(target for target in targets if target.is_conv)
    kernel = as_array(first.layer.kernel).astype("float64")
    present = [_has_sample(targets, sample) for sample in samples]
    return TrainingSigns(
        _smoothness(kernel), spread, by_chance, resemblance, all(present) if present else None
    )


def _first_units(target: Target) -> np.ndarray:
    """Return the weights of a layer's first units, `(..., units)`."""
    return as_array(target.layer.kernel.value[..., :UNITS]).astype("float32")


def _smoothness(kernel: np.ndarray) -> float:
    """Return the correlation of neighbouring weights in filters `(height, width, in, out)`.

    It subtracts the mean of each filter, which mixing up the elements would not change.
    """
    kernel = kernel - kernel.mean(axis=(0, 1))
    return _correlation([(kernel[1:], kernel[:-1]), (kernel[:, 1:], kernel[:, :-1])])


def _correlation(pairs: list[tuple[np.ndarray, np.ndarray]]) -> float:
    """Return the correlation of values of mean 0 with their neighbours."""
    product = sum(float((a * b).sum()) for a, b in pairs)
    squares = [sum(float((pair[i] ** 2).sum()) for pair in pairs) for i in (0, 1)]
    return product / math.sqrt(squares[0] * squares[1]) if all(squares) else 0.0


def _spread(weights: np.ndarray) -> float:
    """Return how much units vary in strength, relative to independent weights.

    The scale does not matter, nor the distribution: its fourth moment is measured.
    """
    squares = weights.reshape(-1, weights.shape[-1]).astype("float64")
    squares *= squares  # in place: fresh memory costs more than the product
    mean = squares.mean()
    if not mean:
        return 0.0
    kurtosis = np.vdot(squares, squares) / squares.size / mean**2
    by_chance = math.sqrt(max(kurtosis - 1, 1e-12) / len(squares))
    return float(squares.mean(axis=0).std() / mean / by_chance)


def _resemblances(weights: np.ndarray, maps: tuple[int, int, int]) -> dict[str, float]:
    """Return the correlation of neighbouring positions for each order that rows could have."""
    height, width, channels = maps
    weights = weights - weights.mean(axis=0)
    rows = np.arange(len(weights))
    by_channel = rows.reshape(channels, height, width).transpose(1, 2, 0)
    orders = {
        RIGHT: rows.reshape(maps),
        UNPERMUTED: by_channel,
        # The rows were right and were permuted all the same: this order undoes it.
        TWICE: np.argsort(by_channel.reshape(-1)).reshape(maps),
    }
    grid = np.arange(height * width).reshape(height, width)
    a = np.concatenate([grid[1:], grid[:, 1:].T], axis=None)
    b = np.concatenate([grid[:-1], grid[:, :-1].T], axis=None)  # the neighbours of a
    found = {}
    for name, order in orders.items():
        positions = weights[order].reshape(height * width, -1)
        products = (positions @ positions.T).astype("float64")
        squares = products[a, a].sum() * products[b, b].sum()
        found[name] = float(products[a, b].sum() / math.sqrt(squares)) if squares else 0.0
    return found


def _has_sample(targets: list[Target], sample: Sample) -> bool:
    """Return whether a kernel holds published values."""
    (layer,) = (target.layer for target in targets if target.name == sample.layer)
    stop = sample.column + len(sample.values)
    part = layer.kernel.value[sample.row, sample.column : stop, sample.channel, sample.filter]
    return bool(np.allclose(as_array(part), sample.values, rtol=0, atol=sample.tolerance))
