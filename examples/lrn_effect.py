"""What local response normalization does to activations: it lets neighbouring maps compete.

    python examples/lrn_effect.py                                  # 96 filters made for the purpose
    python examples/lrn_effect.py --weights bvlc.npy --variant bvlc --image photo.jpg

The paper's rule divides every activation by what it and its neighbours in the order of the maps,
five in all, have at the same place:

    b_i = a_i / (2 + 0.0001 * sum of a_j^2 over j = i - 2 ... i + 2) ^ 0.75

Leaves lrn_maps.png, one map before and after, and lrn_competition.png: the activations of all maps
at one place before and after; the histograms; how one map's answer falls as a neighbour's rises.
"""

import argparse
import pathlib

import keras
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from keras_alexnet import AlexNet, LocalResponseNormalization, evaluation_preprocessor
from keras_alexnet.data.drawn import drawn_images

BLUE, ORANGE = "#0072B2", "#E69F00"


def gabor_filters(count: int = 96, side: int = 11) -> np.ndarray:
    """Return edge detectors (side, side, 3, count), each turned a little against the one before.

    So neighbours look for nearly the same, and competition between them is worth seeing.
    """
    y, x = np.mgrid[:side, :side] - side // 2
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    across = np.cos(angles) * x[..., None] + np.sin(angles) * y[..., None]
    window = np.exp(-(x**2 + y**2) / (side / 2) ** 2)[..., None]
    edges = np.sin(across * 2 * np.pi / side) * window
    edges *= 1.5 / np.abs(edges).sum(axis=(0, 1))
    return np.repeat(edges[:, :, None, :], 3, axis=2) / 3


def before_and_after(model, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what the first normalization of a network gets and gives, (height, width, maps)."""
    norm = next(x for x in model.layers if isinstance(x, LocalResponseNormalization))
    features = keras.Model(model.inputs, [norm.input, norm.output])
    return tuple(maps[0] for maps in features.predict(image[None], verbose=0))


def draw_maps(image, before, after, path) -> None:
    """Draw the image, and its strongest map before and after, with what was kept of it."""
    number = int(before.mean(axis=(0, 1)).argmax())
    one, other = before[..., number], after[..., number]
    kept = np.divide(other, one, out=np.full_like(one, np.nan), where=one > 0)
    figure = Figure(figsize=(11, 3.2), layout="constrained")
    axes = figure.subplots(1, 4)
    axes[0].imshow(image)
    axes[0].set_title("the image", fontsize=10)
    titles = (f"map {number} before: a", "after: b", "what is left: b / a")
    for axis, values, title in zip(axes[1:], (one, other, kept), titles, strict=True):
        shown = axis.imshow(values, cmap="magma", vmin=0)
        axis.set_facecolor("0.85")  # where nothing was, nothing can be left
        axis.set_title(title, fontsize=10)
        figure.colorbar(shown, ax=axis, shrink=0.8)
    for axis in axes:
        axis.set_xticks([])
        axis.set_yticks([])
    figure.savefig(path, dpi=90)


def draw_competition(before, after, norm, path) -> None:
    """Draw all maps at the liveliest place, the histograms, and a duel of two neighbours."""
    figure = Figure(figsize=(12, 3.6), layout="constrained")
    place, histogram, duel = figure.subplots(1, 3)
    y, x = np.unravel_index(before.sum(axis=-1).argmax(), before.shape[:2])
    for values, colour, label in ((before, BLUE, "before"), (after, ORANGE, "after")):
        shares = values[y, x] / values[y, x].max()
        place.plot(shares, color=colour, label=f"{label}: largest {values[y, x].max():.0f}")
        logs = np.log10(values[values > 1e-2])
        histogram.hist(logs, np.linspace(-2, 3, 60), histtype="step", color=colour, label=label)
    place.set(xlabel="map", ylabel="share of the largest", ylim=(0, None), title="One place")
    histogram.set(xlabel="log10 of the activation", ylabel="how many", title="The whole image")
    rivals = np.linspace(0, 600, 61)
    for own, style in ((300, "-"), (100, "--"), (30, ":")):
        pair = np.zeros((len(rivals), 1, 1, 5), "float32")
        pair[:, 0, 0, 2], pair[:, 0, 0, 3] = own, rivals
        answers = keras.ops.convert_to_numpy(norm(pair))[:, 0, 0, 2]
        duel.plot(rivals, answers, style, color=BLUE, label=f"own activation {own}")
    duel.set(xlabel="activation of a neighbour", ylabel="own answer b", title="Two neighbours")
    for axis in (place, histogram, duel):
        axis.set_ylim(0, 1.3 * axis.get_ylim()[1])  # room for the legend above all lines
        axis.legend(frameon=False, fontsize=8, loc="upper right")
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=90)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--weights", help="a published checkpoint, or a file of weights")
    parser.add_argument("--variant", default="paper", help="a network with normalization")
    parser.add_argument("--image", help="the image to look at; a drawn one if unset")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("."), metavar="FOLDER")
    parser.add_argument("--quick", action="store_true", help="build no fully connected layers")
    arguments = parser.parse_args()
    options = {"include_top": not arguments.quick, "data_format": "channels_last"}
    model = AlexNet(arguments.variant, weights=arguments.weights, **options)
    if not arguments.weights:
        print("No --weights: conv1 gets 96 edge detectors in the order of their angle.")
        model.get_layer("conv1").kernel.assign(gabor_filters())
    prepare = evaluation_preprocessor(arguments.variant, data_format="channels_last")
    images, _ = drawn_images(30, seed=0)
    image = max(images, key=lambda image: image.mean(axis=-1).std())  # the detectors are grey
    if arguments.image:
        image = np.asarray(Image.open(arguments.image).convert("RGB"))
    pixels = keras.ops.convert_to_numpy(prepare(image[None]))[0]
    before, after = before_and_after(model, pixels)
    print(f"Largest activation {before.max():.0f} before and {after.max():.0f} after.")
    left = (after[before > 0] / before[before > 0]).mean()
    print(f"On average {100 * left:.0f} % of an activation is left; k alone would leave 59 %.")
    draw_maps(image, before, after, arguments.output / "lrn_maps.png")
    norm = LocalResponseNormalization(data_format="channels_last")
    draw_competition(before, after, norm, arguments.output / "lrn_competition.png")
    print(f"Drew lrn_maps.png and lrn_competition.png in {arguments.output}.")


if __name__ == "__main__":
    main()
