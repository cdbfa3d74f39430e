"""Whether weights look trained, and in the right order: what shapes alone cannot show.

Every figure is compared with what numbers drawn independently of each other give, as fresh
initial values are, whatever their size. A network that has learned from images differs:

- The filters of the first convolution are smooth, because neighbouring pixels are alike: their
  neighbouring weights correlate. Independent weights correlate with 0 up to chance, a few
  thousandths, and so do filters whose places were mixed up.
- Units differ in how strong they are. The sums of squares of n independent weights are all nearly
  equal: they vary by sqrt((kurtosis - 1) / n) of their mean.
- What a unit of the first fully connected layer has learned for a place of the maps resembles what
  it has learned for the place beside it. Rows in another order than the network's show that
  resemblance in the other order.
"""

import dataclasses
import math

import numpy as np

from keras_alexnet.checkpoints.targets import Target
from keras_alexnet.operations.memory import as_array
from keras_alexnet.published.records import Sample

SMOOTH = 0.1  # at least, for filters that were trained; chance is at most 0.02 for 5 x 5 x 3 x 32
ORDERED = 0.02  # a correlation between places above chance: 64 units of fc6 give 0.001 by chance
UNITS = 64  # as many units of a layer are looked at

# Orders that rows can have.
RIGHT = "in the order height, width, channels"
UNPERMUTED = "in the order channels, height, width"
TWICE = "permuted although they were in order"


@dataclasses.dataclass(frozen=True)
class Proof:
    """Signs that the weights of a model are trained. `print` shows the verdict.

    Args:
        smoothness: Correlation of neighbouring weights of the first convolution's filters.
        spread: For each layer, how much more the strengths of its units vary than those of
            independent weights would; 1 for those.
        spread_by_chance: For each layer, what that could be by chance.
        resemblance: Correlation of the weights of places side by side, of the first fully
            connected layer, for each order that its rows could have; empty if there is none.
        samples: Whether public values of the checkpoint are where they should be; `None` if
            none are known.
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
        """Whether nothing tells the weights from initial values."""
        return len(self.fresh) == len(self.spread) and self.order is None

    def suspicions(self, foreign: bool = True) -> list[str]:
        """Say in sentences what is wrong with the weights; nothing if they look right.

        Args:
            foreign: Whether they come from another program, so that they can have been mixed up
                on the way.
        """
        if self.untrained:
            return ["The weights look untrained: nothing tells them from fresh initial values."]
        found = []
        first = next(iter(self.spread))
        if foreign and self.smoothness < SMOOTH:
            what = "look untrained or scrambled" if first in self.fresh else "look scrambled"
            found.append(
                f"The filters of {first} {what}: weights of neighbouring pixels correlate with "
                f"{self.smoothness:.2f}, as independent ones do, where trained ones reach "
                f"{SMOOTH:g} and more."
            )
        if self.order is not None and self.order != RIGHT:
            found.append(
                f"The rows of the first fully connected layer look {self.order}, not {RIGHT}: "
                f"read so, places side by side correlate with {self.resemblance[self.order]:.2f}, "
                f"as they are with {self.resemblance[RIGHT]:.2f}."
            )
        if self.samples is False:
            found.append("The values that are public of this checkpoint are not in their places.")
        return found

    def verdict(self, foreign: bool = True) -> str:
        """Say in a few sentences what the weights look like."""
        suspicions = self.suspicions(foreign)
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
            sentences.append("The values that are public are in their places.")
        return " ".join(sentences)

    def __str__(self) -> str:
        """Return the verdict on weights from anywhere."""
        return self.verdict()


def prove(targets: list[Target], samples: tuple[Sample, ...] = ()) -> Proof:
    """Look at the weights that a model has.

    Args:
        targets: Its layers with weights, the first convolution first.
        samples: Public values of the checkpoint that was loaded.
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
    in_place = [_in_place(targets, sample) for sample in samples]
    return Proof(
        _smoothness(kernel), spread, by_chance, resemblance, all(in_place) if in_place else None
    )


def _first_units(target: Target) -> np.ndarray:
    """Return the weights of a layer's first units, `(..., units)`."""
    return as_array(target.layer.kernel.value[..., :UNITS]).astype("float32")


def _smoothness(kernel: np.ndarray) -> float:
    """Return the correlation of neighbouring weights in filters `(height, width, in, out)`.

    The mean of each filter is taken out: it would stay when the places are mixed up.
    """
    kernel = kernel - kernel.mean(axis=(0, 1))
    return _correlation([(kernel[1:], kernel[:-1]), (kernel[:, 1:], kernel[:, :-1])])


def _correlation(pairs: list[tuple[np.ndarray, np.ndarray]]) -> float:
    """Return the correlation of values of mean 0 with those that stand beside them."""
    product = sum(float((a * b).sum()) for a, b in pairs)
    squares = [sum(float((pair[i] ** 2).sum()) for pair in pairs) for i in (0, 1)]
    return product / math.sqrt(squares[0] * squares[1]) if all(squares) else 0.0


def _spread(weights: np.ndarray) -> float:
    """Return how much units vary in strength, in terms of what independent weights would.

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
    """Return how much places side by side resemble each other if rows are in each order."""
    height, width, channels = maps
    weights = weights - weights.mean(axis=0)
    rows = np.arange(len(weights))
    by_channel = rows.reshape(channels, height, width).transpose(1, 2, 0)
    orders = {
        RIGHT: rows.reshape(maps),
        UNPERMUTED: by_channel,
        # Undone first: the rows were right, and a permutation was applied all the same.
        TWICE: np.argsort(by_channel.reshape(-1)).reshape(maps),
    }
    grid = np.arange(height * width).reshape(height, width)
    a = np.concatenate([grid[1:], grid[:, 1:].T], axis=None)
    b = np.concatenate([grid[:-1], grid[:, :-1].T], axis=None)  # beside a's
    found = {}
    for name, order in orders.items():
        places = weights[order].reshape(height * width, -1)
        products = (places @ places.T).astype("float64")  # of every place with every other
        squares = products[a, a].sum() * products[b, b].sum()
        found[name] = float(products[a, b].sum() / math.sqrt(squares)) if squares else 0.0
    return found


def _in_place(targets: list[Target], sample: Sample) -> bool:
    """Say whether public values stand where they should."""
    (layer,) = (target.layer for target in targets if target.name == sample.layer)
    stop = sample.column + len(sample.values)
    part = layer.kernel.value[sample.row, sample.column : stop, sample.channel, sample.filter]
    return bool(np.allclose(as_array(part), sample.values, rtol=0, atol=sample.tolerance))
