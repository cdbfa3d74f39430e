"""Train cuda-convnet's networks for CIFAR-10 by their own published recipes.

    python examples/cifar10.py cifar10/ --variant cifar10_80sec --output runs/80sec

`cifar10/` has the folders `train` and `test`, and they one folder of images a class. After every
epoch the run leaves `history.csv`, `history.svg` and `model.keras` in its folder; the same command
again goes on from there. The saved model takes images as they are, 0 to 255. `--quick` draws a few
images instead and shortens the recipe, to show the form.
"""

import argparse
import csv
import dataclasses
import itertools
import pathlib
import time

import keras
import numpy as np

from keras_alexnet import AlexNet, get_recipe, image_folder, multi_crop_model, training_preprocessor
from keras_alexnet.data.drawn import drawn_images
from keras_alexnet.pictures import plot_history

SIZE = 32  # of CIFAR-10's images


def read_images(directory):
    """Decode a folder once: uint8 images and labels, for training and for the test."""
    parts = []
    for part in image_folder(directory, SIZE, batch_size=1000, subset="both"):
        batches = [(images.numpy(), labels.numpy()) for images, labels in part]
        parts.append(tuple(np.concatenate(arrays) for arrays in zip(*batches, strict=True)))
    return parts


def build(variant, recipe, steps, images, seed):
    """Return a compiled model that takes images of 0 to 255, and learns by the recipe.

    The authors subtract the mean image of the training images; windows are cut out before that.
    """
    keras.utils.set_random_seed(seed)
    image = keras.Input((SIZE, SIZE, 3), name="pixels")
    preprocessor = training_preprocessor(variant, mean=images.mean(axis=0), seed=seed)
    print(preprocessor)
    model = keras.Model(image, AlexNet(variant)(preprocessor(image)))
    model.compile(recipe.optimizer(steps), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def train(model, recipe, steps, training, test, seed, output):
    """Train epoch by epoch, from where the model stands, and write down how it goes."""
    images, labels = training
    history = output / "history.csv"
    done = list(itertools.accumulate([0, *steps])).index(int(model.optimizer.iterations.numpy()))
    rows = []
    if done:
        with open(history, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))[:done]
    # The fifth that is held back at first is a random one: folders are in the order of classes.
    mixed = np.random.default_rng(seed).permutation(len(images))
    for epoch in range(done, recipe.epochs):
        count = len(images) * 4 // 5 if epoch < recipe.held_back else len(images)
        order = np.random.default_rng((seed, epoch)).permutation(mixed[:count])
        start = time.perf_counter()
        fitted = model.fit(
            images[order], labels[order], recipe.batch_size, shuffle=False, verbose=0
        ).history
        seconds = time.perf_counter() - start
        measured = model.evaluate(*test, 500, verbose=0, return_dict=True)
        rows.append(
            {
                "epoch": epoch + 1,
                "loss": f"{fitted['loss'][0]:.4f}",
                "accuracy": f"{fitted['accuracy'][0]:.4f}",
                "val_loss": f"{measured['loss']:.4f}",
                "val_accuracy": f"{measured['accuracy']:.4f}",
                "seconds": f"{seconds:.1f}",
            }
        )
        print(
            f"epoch {epoch + 1}/{recipe.epochs}: loss {fitted['loss'][0]:.3f}, "
            f"test error {100 - 100 * measured['accuracy']:.2f} %, "
            f"{count / seconds:.0f} images/s",
            flush=True,
        )
        save(rows, model, output)
    return float(rows[-1]["val_accuracy"]), [float(row["seconds"]) for row in rows]


def save(rows, model, output):
    """Write the history, its picture and the model, each whole or not at all."""
    with open(output / "beside.csv", "w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    (output / "beside.csv").replace(output / "history.csv")
    columns = {name: [float(row[name]) for row in rows] for name in rows[0]}
    plot_history(columns, output / "history.svg")
    model.save(output / "beside.keras")  # last: it says which epochs are done
    (output / "beside.keras").replace(output / "model.keras")


def main():
    """Train on the folder that was named, or on drawn images."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("directory", nargs="?", help="with train/ and test/, a folder a class")
    parser.add_argument("--variant", default="cifar10_80sec")
    parser.add_argument("--recipe", help="by default the variant's own")
    parser.add_argument("--epochs", type=int, help="stretch or shorten the recipe to so many")
    parser.add_argument("--until", type=int, help="end after this epoch, at the recipe's own rates")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("cifar10_run"))
    parser.add_argument("--quick", action="store_true", help="a few drawn images, two epochs")
    arguments = parser.parse_args()
    if arguments.quick:
        images, labels = drawn_images(256, arguments.seed, SIZE)
        training, test = (images[:128], labels[:128]), (images[128:], labels[128:])
        arguments.epochs = 2
    elif arguments.directory:
        training, test = read_images(arguments.directory)
    else:
        parser.error("name a folder, or give --quick")
    print(f"{len(training[0])} images to train on, {len(test[0])} to test with", flush=True)

    recipe = get_recipe(arguments.recipe or arguments.variant)
    if arguments.epochs:
        recipe = recipe.stretched(arguments.epochs)
    if arguments.until:
        recipe = dataclasses.replace(recipe, epochs=arguments.until)
    steps = recipe.steps_per_epoch(len(training[0]))
    output = arguments.output
    output.mkdir(parents=True, exist_ok=True)
    if (output / "model.keras").exists():
        model = keras.saving.load_model(output / "model.keras")
    else:
        model = build(arguments.variant, recipe, steps, training[0], arguments.seed)
    accuracy, seconds = train(model, recipe, steps, training, test, arguments.seed, output)
    print(
        f"{len(seconds)} epochs in {sum(seconds):.0f} s, {keras.backend.backend()}: "
        f"test error {100 - 100 * accuracy:.2f} %, published {recipe.result}"
    )
    if recipe.views > 1:
        scores = multi_crop_model(model, views=recipe.views).predict(test[0], 500, verbose=0)
        error = np.mean(scores.argmax(axis=1) != test[1])
        print(f"averaged over {recipe.views} windows: test error {100 * error:.2f} %")


if __name__ == "__main__":
    main()
