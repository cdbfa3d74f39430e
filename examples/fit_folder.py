"""Fit an AlexNet on your own folder of images, one folder a class.

    python examples/fit_folder.py photos/

Without a folder it draws a small data set into one first, to show the form. Everything here is
Keras's own but for the network, the reading of images and what is done to them;
`keras-alexnet fit photos/` does the same with more care.
"""

import argparse
import pathlib
import tempfile

import keras
from PIL import Image

from keras_alexnet import AlexNet, get_variant, image_folder, training_preprocessor
from keras_alexnet.data.drawn import CLASS_NAMES, drawn_images


def draw_folder(directory: pathlib.Path, count: int) -> None:
    """Write drawn images as directory/class/number.png."""
    images, labels = drawn_images(count, size=64)
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        folder = directory / CLASS_NAMES[label]
        folder.mkdir(exist_ok=True)
        Image.fromarray(image).save(folder / f"{number:04}.png")


def fit(directory, variant: str, epochs: int, quick: bool) -> keras.callbacks.History:
    """Train a variant on the folder, with a fifth of the images held out."""
    record = get_variant(variant)
    options = {"resizing": record.pixels.resizing, "batch_size": 8 if quick else 32}
    training, held_out = image_folder(
        directory, record.pixels.base, subset="both", shuffle=True, **options
    )
    image = keras.Input((record.pixels.base, record.pixels.base, 3))
    preprocessor = training_preprocessor(variant, seed=0)
    print(preprocessor)
    # The robust initial values expect inputs of about unit variance.
    pixels = keras.layers.Rescaling(1 / record.pixels.spread)(preprocessor(image))
    classes = len(training.class_names)
    model = AlexNet(variant, input_tensor=pixels, classes=classes, initialization="robust")
    model.compile(
        keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    # The data set shuffles itself.
    return model.fit(training, validation_data=held_out, epochs=epochs, shuffle=False)


def main():
    """Fit on the folder that was named, or on drawn images."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("directory", nargs="?", help="one folder of images per class")
    parser.add_argument("--variant", default="cifar10_19pct")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="few drawn images, one epoch")
    arguments = parser.parse_args()
    quick = arguments.quick
    epochs = 1 if quick else arguments.epochs
    with tempfile.TemporaryDirectory() as drawn:
        if arguments.directory is None:
            draw_folder(pathlib.Path(drawn), count=40 if quick else 400)
        history = fit(arguments.directory or drawn, arguments.variant, epochs, quick)
    print(f"Held-out accuracy: {100 * history.history['val_accuracy'][-1]:.1f} %")


if __name__ == "__main__":
    main()
