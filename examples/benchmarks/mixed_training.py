"""Train by a recipe in float32 and in mixed_float16, and print errors and the scale of the loss.

The whole recipe is shortened in proportion to a few epochs of a few images: those of CIFAR-10, from
a folder with `train` and `test`, or drawn ones. Each precision is trained with several seeds, so
that their difference can be held against that of the seeds. A CPU computes in float16 at a usable
speed on JAX alone; the flag keeps XLA from leaving out roundings to float16.

    XLA_FLAGS=--xla_allow_excess_precision=false KERAS_BACKEND=jax \
        python examples/benchmarks/mixed_training.py cifar10/
"""

import argparse
import time

import keras
import numpy as np

from keras_alexnet import AlexNet, get_recipe, image_folder, training_preprocessor
from keras_alexnet.data.drawn import drawn_images

NAME = "cifar10_80sec"  # of the network and of its recipe


class Scales(keras.callbacks.Callback):
    """Notes the scale of the loss after each epoch."""

    def __init__(self):
        super().__init__()
        self.after = []

    def on_epoch_end(self, epoch, logs=None):
        """Append the scale; a network in float32 has none."""
        scale = getattr(self.model.optimizer, "dynamic_scale", None)
        self.after += [] if scale is None else [round(float(keras.ops.convert_to_numpy(scale)))]


def images_of(folder, size, count):
    """Return so many images to train on with labels, and twice as many to test with."""
    if folder is None:
        images, labels = drawn_images(3 * count, seed=0, size=size)
        return (images[:count], labels[:count]), (images[count:], labels[count:])
    parts = []
    both = image_folder(folder, size, subset="both")
    for part, most in zip(both, (count, 2 * count), strict=True):
        arrays = [np.concatenate(x) for x in zip(*part.as_numpy_iterator(), strict=True)]
        chosen = np.random.default_rng(0).permutation(len(arrays[0]))[:most]
        parts.append(tuple(array[chosen] for array in arrays))
    return parts


def trained(precision, seed, recipe, training, test):
    """Train, and return the error on the test images, the last loss, and the scales."""
    keras.utils.set_random_seed(seed)
    images, labels = training
    size = images.shape[1]
    pixels = keras.Input((size, size, 3), name="pixels")
    model = AlexNet(
        NAME,
        input_tensor=training_preprocessor(NAME, image_size=size, seed=seed)(pixels),
        classes=int(max(labels.max(), test[1].max())) + 1,
        initialization="robust",
        data_format="channels_last",
        dtype=precision,
    )
    optimizer = recipe.optimizer(recipe.steps_per_epoch(len(images)))
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    scales = Scales()
    losses = model.fit(
        images, labels, recipe.batch_size, recipe.epochs, verbose=0, callbacks=[scales]
    ).history["loss"]
    found = model.evaluate(*test, 500, verbose=0, return_dict=True)
    return 1 - found["accuracy"], losses[-1], scales.after


def main():
    """Train each precision with each seed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", nargs="?", help="with train/ and test/; drawn images without")
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--size", type=int, default=16, help="side that images are resized to")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="few images, to see that it runs")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.images, arguments.epochs, arguments.seeds = 8, 1, 1
    training, test = images_of(arguments.folder, arguments.size, arguments.images)
    recipe = get_recipe(NAME).stretched(arguments.epochs)
    print(f"{recipe.sentence()} {len(training[0]):,} images, {keras.backend.backend()}", flush=True)
    for seed in range(arguments.seeds):
        for precision in ("float32", "mixed_float16"):
            start = time.perf_counter()
            error, loss, scales = trained(precision, seed, recipe, training, test)
            print(
                f"{precision:<13} seed {seed}: test error {error:.2%}, loss {loss:.4f}, "
                f"{time.perf_counter() - start:.0f} s, scales of the loss {scales or 'none'}",
                flush=True,
            )


if __name__ == "__main__":
    main()
