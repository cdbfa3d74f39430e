"""Fine-tune pretrained weights on your own folder of images: first the top, then the last blocks.

    python examples/fine_tune.py photos/ --variant owt --weights owt_torchvision
    python examples/fine_tune.py photos/ --variant bvlc --weights bvlc_alexnet.caffemodel

Without arguments it makes both: it trains on drawn images of six classes, saves these weights, and
fine-tunes them on a few images of four others. Training goes in two stages, and the same
network is trained from nothing beside it, for comparison:

1. All convolutions are frozen; the fully connected layers, the classifier new, learn.
2. The last convolution learns as well, at a tenth of the rate, so that what it knows is not lost.

Leaves fine_tune.png with the held-out accuracy of both.
"""

import argparse
import math
import pathlib
import tempfile
import warnings

import keras
from matplotlib.figure import Figure
from PIL import Image

from keras_alexnet import AlexNet, get_variant, image_folder, training_preprocessor
from keras_alexnet.data.drawn import CLASS_NAMES, drawn_images

OWN = "cifar10_18pct"  # the network of the weights that are made here
QUICK = "cifar10_19pct"  # has no normalization, so that its first step takes less time


def draw_folder(directory: pathlib.Path, labels: tuple[int, ...], count: int, seed: int) -> str:
    """Write drawn images of some of the classes as directory/class/number.png."""
    images, drawn = drawn_images(count, seed, size=32)
    for number, (image, label) in enumerate(zip(images, drawn, strict=True)):
        if label in labels:
            folder = directory / CLASS_NAMES[label]
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(folder / f"{number:04}.png")
    return str(directory)


def read(directory: str, variant: str, quick: bool):
    """Return the training and the held-out images of a folder as the variant wants them."""
    pixels = get_variant(variant).pixels
    options = {"resizing": pixels.resizing, "batch_size": 8 if quick else 32}
    return image_folder(directory, pixels.base, subset="both", shuffle=True, **options)


def build(variant: str, classes: int, weights: str | None, published: bool) -> keras.Model:
    """Build the network with weights in all layers but the classifier, which is new.

    A published checkpoint has pixels of its own, by its name; what starts from robust initial
    values, here or in `make_weights`, wants them scaled to unit variance besides.
    """
    image = keras.Input((None, None, 3))
    x = training_preprocessor(variant, seed=0, data_format="channels_last")(image)
    if not published:
        x = keras.layers.Rescaling(1 / get_variant(variant).pixels.spread)(x)
    options = {"initialization": "robust", "data_format": "channels_last"}
    return AlexNet(variant, input_tensor=x, classes=classes, weights=weights, **options)


def train(model, data, epochs: int, rate: float, learning=None) -> list[float]:
    """Train the layers whose names begin so, or all, and return the held-out accuracies."""
    for layer in model.layers:
        layer.trainable = learning is None or layer.name.startswith(learning)
    weights = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    print(f"{weights:,} of {model.count_params():,} parameters learn, at a rate of {rate:g}.")
    # What is trainable is fixed when the model is compiled.
    loss = "sparse_categorical_crossentropy"
    model.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"])
    training, held_out = data
    history = model.fit(training, validation_data=held_out, epochs=epochs, shuffle=False, verbose=2)
    return history.history["val_accuracy"]


def make_weights(folder: pathlib.Path, quick: bool) -> str:
    """Train on six drawn classes, unless it must be quick, and return the path of the weights."""
    variant, count = (QUICK, 66) if quick else (OWN, 3000)
    data = read(draw_folder(folder / "source", (0, 2, 4, 5, 6, 8), count, seed=0), variant, quick)
    model = build(variant, 6, None, published=False)
    if not quick:
        train(model, data, 10, 1e-3)
    path = str(folder / "pretrained.weights.h5")
    model.save_weights(path)
    return path


def draw(fine_tuned, from_nothing, stage: int, path: pathlib.Path) -> None:
    """Draw both curves of held-out accuracy, and where the second stage begins."""
    figure = Figure(figsize=(6.4, 3.8), layout="constrained")
    axis = figure.subplots()
    epochs = range(1, len(fine_tuned) + 1)
    axis.plot(epochs, fine_tuned, "o-", color="#0072B2", label="pretrained, fine-tuned")
    axis.plot(epochs, from_nothing, "o-", color="#E69F00", label="the same network from nothing")
    axis.axvline(stage + 0.5, color="0.5", linestyle=":")
    axis.set_title("the fully connected layers learn", loc="left", fontsize=9)
    axis.set_title("the last convolution too", loc="right", fontsize=9)
    axis.set(xlabel="epoch", ylabel="held-out accuracy", ylim=(0, 1.02))
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axis.grid(alpha=0.3)
    axis.spines[["top", "right"]].set_visible(False)
    figure.legend(frameon=False, loc="outside lower center", ncols=2)
    figure.savefig(path, dpi=90)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("directory", nargs="?", help="one folder of images per class")
    parser.add_argument("--weights", metavar="PATH_OR_NAME", help="of keras-alexnet download")
    parser.add_argument("--variant", default="owt", help="the network that the weights belong to")
    parser.add_argument("--epochs", type=int, default=10, help="of each stage")
    parser.add_argument("--rate", type=float, default=1e-3, help="of Adam; 1e-4 for large networks")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("."), metavar="FOLDER")
    parser.add_argument("--quick", action="store_true", help="little of everything")
    arguments = parser.parse_args()
    quick = arguments.quick
    own, count, epochs = (QUICK, 100, 1) if quick else (OWN, 500, arguments.epochs)
    published = arguments.weights is not None
    with tempfile.TemporaryDirectory() as made:
        place = pathlib.Path(made)
        variant, weights = arguments.variant if published else own, arguments.weights
        if not published:
            print("No --weights: training some on six drawn classes.")
            weights = make_weights(place, quick)
        directory = arguments.directory or draw_folder(place / "target", (1, 3, 7, 9), count, 1)
        data = read(directory, variant, quick)
        classes = len(data[0].class_names)
        print(f"Fine-tuning on {directory}, {len(data[0].file_paths)} images, {classes} classes.")
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*keeps its initial values")  # the new classifier
            if quick:  # they are initial values
                warnings.filterwarnings("ignore", "(?s).*look untrained")
            model = build(variant, classes, weights, published)
        top = [layer.name for layer in model.layers if layer.name.startswith("fc")]
        last = [layer.name for layer in model.layers if layer.name.startswith("conv")][-1]
        accuracies = train(model, data, epochs, arguments.rate, tuple(top))
        accuracies += train(model, data, epochs, arguments.rate / 10, (*top, last))
        print("The same network from nothing.")
        scratch = build(variant, classes, None, published=False)
        others = train(scratch, data, 2 * epochs, arguments.rate)
        model.save(arguments.output / "fine_tuned.keras")
    draw(accuracies, others, epochs, arguments.output / "fine_tune.png")
    print(f"Held-out accuracy: {100 * accuracies[-1]:.1f} %, from nothing {100 * others[-1]:.1f} %")


if __name__ == "__main__":
    main()
