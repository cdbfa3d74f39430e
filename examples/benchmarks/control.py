"""Train `cifar10_18pct` here and in plain PyTorch, by the same recipe on the same images.

A control for test errors that differ from the published ones: if both sides end at the same error,
it is the images' (JPEGs, for example), and not this package's.

    python examples/benchmarks/control.py cifar10/ --side PyTorch --epochs 24 --seeds 0 1 2
    KERAS_BACKEND=tensorflow python examples/benchmarks/control.py cifar10/ --side ours --seeds 0

`cifar10/` has the folders `train` and `test`, and they one folder of images a class. The schedule
keeps its proportions in any number of epochs. Each run has a file in `--output`, with a line an
epoch; the same command again goes on where it was stopped. Before both sides train, they take ten
steps from the same weights, and the differences are printed. `--quick` trains on a few drawn
images.
"""

import argparse
import collections
import csv
import importlib.util
import pathlib
import statistics
import sys
import time

import keras
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
import cifar10  # the example that trains this network

from keras_alexnet import get_recipe
from keras_alexnet.data.drawn import drawn_images

VARIANT = "cifar10_18pct"
COLUMNS = ("seed", "side", "epoch", "loss", "test_error")


class Ours:
    """This package's network with the recipe of its own, trained by `fit`."""

    ending = ".keras"

    def __init__(self, images, epochs: int, seed: int):
        self.name = f"ours, {keras.backend.backend()}"
        recipe = get_recipe(VARIANT).stretched(epochs)
        self.batch, steps = recipe.batch_size, recipe.steps_per_epoch(len(images))
        self.model = cifar10.build(VARIANT, recipe, steps, images, seed)

    @property
    def done(self) -> int:
        """The number of training steps so far."""
        return int(self.model.optimizer.iterations.numpy())

    def step(self, images, labels) -> float:
        """Learn from a batch; return its loss before that."""
        self.model.reset_metrics()
        return float(self.model.train_on_batch(images, labels, return_dict=True)["loss"])

    def epoch(self, images, labels) -> float:
        """Learn from images in their order; return the mean loss of an image."""
        fitted = self.model.fit(images, labels, self.batch, shuffle=False, verbose=0)
        return fitted.history["loss"][0]

    def error(self, images, labels) -> float:
        """Return the share of images that are classified wrongly."""
        return 1 - self.model.evaluate(images, labels, 500, verbose=0, return_dict=True)["accuracy"]

    def save(self, path) -> None:
        """Write the model with its optimizer."""
        self.model.save(path)

    def load(self, path) -> None:
        """Go on from a file that `save` wrote."""
        self.model = keras.saving.load_model(path)


def plain(images, epochs: int, seed: int):
    """Return the same training in plain PyTorch."""
    from peers import cifar_control

    training = cifar_control.Training(images, epochs * -(-len(images) // cifar_control.BATCH), seed)
    training.name, training.ending = "PyTorch", ".pt"
    return training


SIDES = {"ours": Ours, "PyTorch": plain}


def weights(side):
    """Return the weights of either side as Keras has them: (height, width, in, out), (in, out)."""
    if isinstance(side, Ours):
        return {
            "/".join(variable.path.split("/")[-2:]): keras.ops.convert_to_numpy(variable)
            for variable in side.model.trainable_variables
        }
    found = {}
    for name, value in side.net.state_dict().items():
        layer, kind = name.split(".")
        value = value.numpy().copy()
        if value.ndim == 4:
            value = value.transpose(2, 3, 1, 0)
        elif value.ndim == 2:
            value = value.reshape(10, 64, 4, 4).transpose(2, 3, 1, 0).reshape(-1, 10)
        found[f"{layer}/{'kernel' if kind == 'weight' else kind}"] = value
    return found


def differences(theirs, ours, batches):
    """Train both from the same weights; yield the differences of losses and weights at each step.

    Those of the losses are relative to the loss, those of a layer's weights to the largest change
    of one of them so far. conv1 begins a thousand times as large as published: with the published
    values rounding decides which of nine tiny numbers is a window's largest.
    """
    theirs.net.conv1.weight.data.mul_(1000.0)
    start = weights(theirs)
    for variable in ours.model.trainable_variables:
        variable.assign(start["/".join(variable.path.split("/")[-2:])])
    for images, labels in batches:
        losses = theirs.step(images, labels), ours.step(images, labels)
        one, other = weights(theirs), weights(ours)
        moved = {name: np.abs(value - start[name]).max() for name, value in one.items()}
        apart = {name: np.abs(value - other[name]).max() for name, value in one.items()}
        yield abs(losses[1] / losses[0] - 1), max(apart[name] / moved[name] for name in one)


def compare(images, labels, epochs: int) -> None:
    """Print how far both sides differ after ten steps, and stop if it is more than rounding."""
    sides = plain(images, epochs, 0), Ours(images, epochs, 0)
    order = np.random.default_rng(0).permutation(len(images))[: 10 * sides[1].batch]
    batches = [(images[part], labels[part]) for part in np.split(order, 10)]
    *_, (loss, weight) = differences(*sides, batches)
    print(f"After 10 steps, apart by {loss:.1e} of the loss and {weight:.1e} of the changes.")
    assert loss < 1e-3 and weight < 0.01


def train(side, training, test, epochs: int, seed: int, output):
    """Train epoch by epoch, from where the files of this run end, and write a line for each."""
    images, labels = training
    stem = f"{epochs}_{seed}_{side.name.replace(', ', '_').lower()}"
    output.mkdir(parents=True, exist_ok=True)
    table, state = output / f"{stem}.csv", output / (stem + side.ending)
    rows = []
    if state.exists():
        side.load(state)
        with open(table, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    done = side.done // -(-len(images) // 128)
    del rows[done:]  # of an epoch that ended before its state was written
    mixed = np.random.default_rng(seed).permutation(len(images))  # in the order of examples/cifar10
    for epoch in range(done, epochs):
        order = np.random.default_rng((seed, epoch)).permutation(mixed)
        start = time.perf_counter()
        loss = side.epoch(images[order], labels[order])
        seconds = time.perf_counter() - start
        error = 100 * side.error(*test)
        figures = (seed, side.name, epoch + 1, f"{loss:.4f}", f"{error:.2f}")
        rows.append(dict(zip(COLUMNS, figures, strict=True)))
        write(rows, table)
        beside = state.with_name(f"beside_{state.name}")
        side.save(beside)
        beside.replace(state)  # last: it says which epochs are done
        print(
            f"{side.name}, seed {seed}, epoch {epoch + 1}/{epochs}: loss {loss:.3f}, "
            f"test error {error:.2f} %, {seconds:.1f} s",
            flush=True,
        )


def write(rows, path) -> None:
    """Write a table, whole or not at all."""
    beside = path.with_name(f"beside_{path.name}")
    with open(beside, "w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    beside.replace(path)


def summarize(output, epochs: int) -> None:
    """Print the last test errors of all finished runs in a folder."""
    found = collections.defaultdict(list)
    for path in sorted(output.glob(f"{epochs}_*.csv")):
        with open(path, newline="", encoding="utf-8") as file:
            last = list(csv.DictReader(file))[-1]
        if int(last["epoch"]) == epochs:
            found[last["side"]].append(float(last["test_error"]))
    for name, errors in found.items():
        spread = f"; standard deviation {statistics.stdev(errors):.2f}" if len(errors) > 1 else ""
        each = ", ".join(f"{error:.2f}" for error in errors)
        print(f"{name}, {epochs} epochs: {statistics.mean(errors):.2f} % ({each}{spread})")


def read_images(directory, name: str):
    """Return the images and labels for training and for the test, as a side itself reads them."""
    if name == "ours":
        return cifar10.read_images(directory)
    from peers import cifar_control

    return [cifar_control.read(pathlib.Path(directory) / part) for part in ("train", "test")]


def drawn():
    """Return drawn images and labels, for training and for the test."""
    images, labels = drawn_images(160, seed=0, size=cifar10.SIZE)
    labels = labels.astype("int64")
    return (images[:128], labels[:128]), (images[128:], labels[128:])


def main():
    """Train the sides that were asked for, or both in a quick form."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("directory", nargs="?", help="with train/ and test/, a folder a class")
    parser.add_argument("--side", choices=SIDES, help="by default both")
    parser.add_argument("--epochs", type=int, default=24, help="the published recipe has 140")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("control_runs"))
    parser.add_argument("--quick", action="store_true", help="a few drawn images, two epochs")
    arguments = parser.parse_args()
    if not (arguments.quick or arguments.directory):
        parser.error("name a folder, or give --quick")
    names = [arguments.side] if arguments.side else list(SIDES)
    if importlib.util.find_spec("torch") is None and "PyTorch" in names:
        names.remove("PyTorch")
        print("PyTorch is not installed: its side is left out.")
    epochs = 2 if arguments.quick else arguments.epochs
    if len(names) == 2 and not arguments.quick:
        compare(*read_images(arguments.directory, "PyTorch")[0], epochs)
    for name in names:
        read = drawn() if arguments.quick else read_images(arguments.directory, name)
        for seed in arguments.seeds:
            side = SIDES[name](read[0][0], epochs, seed)
            train(side, *read, epochs, seed, arguments.output)
    summarize(arguments.output, epochs)


if __name__ == "__main__":
    main()
