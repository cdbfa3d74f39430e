"""Look inside a network: what its first layer looks for, and what it finds on one image.

    python examples/look_inside.py                                    # trains a small one first
    python examples/look_inside.py --model run/model.keras --image photo.jpg

Leaves two pictures. filters.png has the filters of the first convolution: middle grey is a weight
of 0, so a filter that is light on one side and dark on the other looks for edges, and one of two
colours for these colours side by side. feature_maps.png has what the layers answer to the image,
the eight strongest maps of each: near the image they are drawings of it, further up they only say
roughly where something is.
"""

import argparse
import pathlib

import keras
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from keras_alexnet import AlexNet, evaluation_preprocessor, feature_extractor
from keras_alexnet.data.drawn import drawn_images
from keras_alexnet.pictures import plot_filters

SIDE = 32  # of the drawn images
STRONGEST = 8  # maps of each layer


def trained_model(count: int, epochs: int, batch_size: int) -> keras.Model:
    """Train the smallest of the networks on drawn images.

    The first filters start at a hundredth of their usual size: what is to be seen in them
    afterwards was learned.
    """
    keras.utils.set_random_seed(0)
    image = keras.Input((None, None, 3))
    prepare = evaluation_preprocessor("cifar10_18pct", data_format="channels_last")
    pixels = keras.layers.Rescaling(1 / 64)(prepare(image))  # to about unit variance
    model = AlexNet(
        "cifar10_18pct", input_tensor=pixels, initialization="robust", data_format="channels_last"
    )
    conv1 = model.get_layer("conv1")
    conv1.kernel.assign(conv1.kernel * 0.01)
    model.compile(
        keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    images, labels = drawn_images(count, seed=0, size=SIDE)
    model.fit(images, labels, batch_size, epochs, validation_split=0.2, verbose=2)
    return model


def feature_maps(model, image: np.ndarray) -> dict[str, np.ndarray]:
    """Return the answers (height, width, maps) of every rectified layer that has maps."""
    names = [layer.name for layer in model.layers if layer.name.startswith("relu")]
    names = [name for name in names if len(model.get_layer(name).output.shape) == 4]
    features = feature_extractor(model, names)
    return {name: maps[0] for name, maps in features.predict(image[None], verbose=0).items()}


def draw_maps(image: np.ndarray, layers: dict[str, np.ndarray], path: str) -> None:
    """Draw the image beside a row of maps for each layer, each row on one scale from 0."""
    figure = Figure(
        figsize=(1.25 * (STRONGEST + 2), 1.45 * len(layers) + 0.4), layout="constrained"
    )
    left, right = figure.subfigures(1, 2, width_ratios=(2, STRONGEST))
    axis = left.subplots()
    axis.imshow(image)
    axis.set_title("the image", fontsize=9)
    axis.set_axis_off()
    rows = right.subplots(len(layers), STRONGEST, squeeze=False)
    for row, (name, maps) in zip(rows, layers.items(), strict=True):
        strongest = np.argsort(-maps.mean(axis=(0, 1)))[:STRONGEST]
        for axis, number in zip(row, strongest, strict=True):
            axis.imshow(maps[..., number], cmap="magma", vmin=0, vmax=maps[..., strongest].max())
            axis.set_title(f"map {number}", fontsize=8)
            axis.set_xticks([])
            axis.set_yticks([])
        size = " x ".join(map(str, maps.shape[:2]))
        row[0].set_ylabel(f"{name}\n{maps.shape[2]} of {size}", fontsize=8)
    figure.suptitle("The strongest feature maps of each layer: black is 0", fontsize=10)
    figure.savefig(path, dpi=90)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", help="a .keras file, as keras-alexnet fit saves it")
    parser.add_argument("--image", help="the image to look at; a drawn star if unset")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("."), metavar="FOLDER")
    parser.add_argument("--quick", action="store_true", help="train on few images, once")
    arguments = parser.parse_args()
    if arguments.model:
        model = keras.saving.load_model(arguments.model, compile=False)
    else:
        model = trained_model(*((40, 1, 8) if arguments.quick else (3000, 12, 32)))
    if arguments.image:
        image = np.asarray(Image.open(arguments.image).convert("RGB"))
    else:
        images, labels = drawn_images(10, seed=7, size=SIDE)
        image = images[list(labels).index(4)]
    print("Drew", plot_filters(model, str(arguments.output / "filters.png")))
    path = str(arguments.output / "feature_maps.png")
    draw_maps(image, feature_maps(model, image), path)
    print("Drew", path)


if __name__ == "__main__":
    main()
