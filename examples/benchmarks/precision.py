"""Compare precisions on a network that this script trains: bytes, time, and what they change.

The network for CIFAR-10 with 18 % error learns images that the package draws, or the images of a
folder with one folder per class. On images that it has not seen, each precision is compared with
float32 in Keras: bytes (of the weights in Keras, of the file of an export), the time for 32 images
over that of float32, the share of images with the same best class, and the largest difference of
the outputs before the softmax over the largest output. Sides alternating, medians.

    KERAS_BACKEND=tensorflow python examples/benchmarks/precision.py --folder photos
"""

import argparse
import os
import statistics
import tempfile
import time

import keras
import numpy as np

from keras_alexnet import AlexNet, UserError, export_model, image_folder
from keras_alexnet.data.drawn import drawn_images
from keras_alexnet.evaluation.networks import ready_network
from keras_alexnet.evaluation.precision import PRECISIONS, in_precision
from keras_alexnet.export.formats import EXPORT_FORMATS

SIZE, BATCH = 32, 32
EXPORTS = [
    (name, precision)
    for precision in ("float16", "int8")
    for name in ("onnx", "openvino", "litert")
]


def images_of(folder, count):
    """Return images and labels: of a folder, or drawn ones."""
    if folder is None:
        return drawn_images(count, seed=0, size=SIZE)
    batches = image_folder(folder, SIZE, batch_size=BATCH).as_numpy_iterator()
    images, labels = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    order = np.random.default_rng(0).permutation(len(images))
    return images[order], labels[order]


def trained(images, labels, epochs):
    """Return a network of RGB pixels that has learned images; it returns logits."""
    keras.utils.set_random_seed(0)
    pixels = keras.Input((SIZE, SIZE, 3), name="image")
    network = AlexNet(
        "cifar10_18pct",
        input_tensor=keras.layers.Rescaling(1 / 64, offset=-2)(pixels),
        classes=int(labels.max()) + 1,
        classifier_activation=None,
        initialization="robust",
        data_format="channels_last",
    )
    model = keras.Model(pixels, network.output)  # which takes pixels, whatever the variant's are
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-3), loss)
    model.fit(images.astype("float32"), labels, batch_size=BATCH, epochs=epochs, verbose=0)
    return model


def in_keras(model):
    """Return the bytes and the function of a batch of each precision in Keras."""
    network = ready_network(model)
    sides = {}
    for precision in PRECISIONS:
        copy = in_precision(network, precision)[0].model
        size = sum(keras.ops.convert_to_numpy(weight).nbytes for weight in copy.weights)
        label = "int8, dense layers" if precision == "int8" else precision
        sides[f"Keras, {label}"] = size, copy.predict_on_batch
    return sides


def exported(model, exports, photos, folder):
    """Return the same of files for other runtimes, as far as these are installed."""
    sides = {}
    for name, precision in exports:
        form = EXPORT_FORMATS[name]
        path = os.path.join(folder, f"{precision}{form.ending}")
        options = {"format": name, "precision": precision, "photos": photos}
        try:
            made = export_model(model, path, verbose=False, **options)
        except UserError as error:
            print(f"Not compared: {name}, {precision}. {error}")
            continue
        if made.runtime is None:
            print(f"Not compared: {name}, {precision}. Nothing that runs it is installed.")
            continue
        run = form.load(path)
        sides[f"{form.title}, {precision}"] = made.size, lambda x, run=run: run(x)[0]
    return sides


def ratios(sides, images, repeats):
    """Time functions alternately, and return their medians over the first one's."""
    seconds = {name: [] for name in sides}
    for repeat in range(repeats + 1):
        for name, (_, run) in sides.items():
            start = time.perf_counter()
            run(images)
            if repeat:  # the first round warms up
                seconds[name].append(time.perf_counter() - start)
    middle = {name: statistics.median(times) for name, times in seconds.items()}
    first = next(iter(middle.values()))
    return {name: value / first for name, value in middle.items()}


def compare(sides, images, labels, repeats):
    """Print a row for each precision."""
    times = ratios(sides, images[:BATCH], repeats)
    expected = None
    print(f"{'':<28} {'bytes':>10} {'time':>6} {'same':>8} {'error':>8} {'right':>8}")
    for name, (size, run) in sides.items():
        parts = np.split(images, range(BATCH, len(images), BATCH))
        found = np.concatenate([np.asarray(run(part), "float32") for part in parts])
        expected = found if expected is None else expected
        same = (found.argmax(1) == expected.argmax(1)).mean()
        error = np.abs(found - expected).max() / np.abs(expected).max()
        right = (found.argmax(1) == labels).mean()
        row = f"{size:>10,} {times[name]:>6.2f} {same:>8.1%} {error:>8.1e} {right:>8.1%}"
        print(f"{name:<28} {row}", flush=True)


def main():
    """Train, and compare."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", help="a folder of images to learn; drawn ones without")
    parser.add_argument("--quick", action="store_true", help="few images, to see that it runs")
    arguments = parser.parse_args()
    quick = arguments.quick
    images, labels = images_of(arguments.folder, 96 if quick else 3000)
    held_out = len(images) // 3
    seen = images[held_out:]
    model = trained(seen, labels[held_out:], 1 if quick else 15)
    print(f"{keras.backend.backend()}, {len(seen):,} images learned, {held_out:,} others compared")
    with tempfile.TemporaryDirectory() as folder:
        sides = in_keras(model) | exported(model, [] if quick else EXPORTS, seen[:100], folder)
        others = images[:held_out].astype("float32")
        compare(sides, others, labels[:held_out], 1 if quick else 21)
        sides.clear()  # some runtimes keep their file open


if __name__ == "__main__":
    main()
