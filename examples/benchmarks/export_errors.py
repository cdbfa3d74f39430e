"""Export every variant to every format, and print what each file has: bytes, and its error.

The networks have their full size and random weights. The error is the largest difference from
Keras's outputs over the largest one, on images of noise on slopes, as photos have both; the file is
run by its own runtime. `--preprocessing` exports the preparation of photos too. `int8` has its
ranges from half of the images, and is compared on the others; of random weights, the share of best
classes kept says less than of trained ones.

    KERAS_BACKEND=tensorflow python examples/benchmarks/export_errors.py bvlc owt --precision int8
"""

import argparse
import gc
import os
import tempfile

import keras
import numpy as np

from keras_alexnet import AlexNet, UserError, evaluation_preprocessor, export_model, list_variants
from keras_alexnet.export.formats import EXPORT_FORMATS


def photos_of(count):
    """Return images of several sizes, with noise on a slope."""
    rng = np.random.default_rng(0)
    images = []
    for _ in range(count):
        rows, columns = rng.integers(200, 500, 2)
        slope = np.linspace(0, 255, columns)[:, None] * rng.random(3)
        images.append((0.7 * slope + rng.integers(0, 77, (rows, columns, 3))).astype("uint8"))
    return images


def error_on(path, form, model, photos):
    """Return the error of a file on photos, and the share of best classes kept."""
    run = form.load(path)
    stack = evaluation_preprocessor(model.card, data_format="channels_last")
    found, expected = [], []
    for photo in photos:
        prepared = keras.ops.convert_to_numpy(stack(photo[None], training=False))
        expected.append(model.predict_on_batch(prepared)[0])
        found.append(run(prepared)[0][0])
    found, expected = np.array(found), np.array(expected)
    error = np.abs(found - expected).max() / np.abs(expected).max()
    return error, (found.argmax(1) == expected.argmax(1)).mean()


def compare(variant, names, precision, preprocessing, count):
    """Print a row for each format of a variant."""
    model = AlexNet(
        variant,
        initialization="robust",
        classifier_activation=None,
        data_format="channels_last",
    )
    photos = photos_of(count)
    for name in names:
        form = EXPORT_FORMATS[name]
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, f"network{form.ending}")
            half = photos[: count // 2] if precision == "int8" else photos
            options = {"precision": precision, "preprocessing": preprocessing, "photos": half}
            try:
                made = export_model(model, path, verbose=False, **options)
            except UserError as error:
                print(f"{variant:<16} {name:<12} {error}", flush=True)
                continue
            error, kept = made.error, made.kept
            if precision == "int8" and not preprocessing and made.runtime:
                error, kept = error_on(path, form, model, photos[count // 2 :])
            result = "not run" if error is None else f"{error:.1e} off, {kept:.0%} kept"
            print(f"{variant:<16} {name:<12} {made.size:>12,} bytes, {result}", flush=True)
        gc.collect()  # a runtime may hold the file


def main():
    """Compare the networks that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("variants", nargs="*", default=list_variants())
    parser.add_argument("--formats", nargs="+", choices=EXPORT_FORMATS, default=[*EXPORT_FORMATS])
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--preprocessing", action="store_true")
    parser.add_argument("--images", type=int, default=4)
    parser.add_argument("--quick", action="store_true", help="a small network: does it run?")
    arguments = parser.parse_args()
    for variant in ["cifar10_80sec"] if arguments.quick else arguments.variants:
        compare(
            variant,
            arguments.formats[:2] if arguments.quick else arguments.formats,
            arguments.precision,
            arguments.preprocessing,
            2 if arguments.quick else arguments.images,
        )


if __name__ == "__main__":
    main()
